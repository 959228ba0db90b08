// What decides whether a candidate is evidence, each alone.
#include "signatures/rule_validators.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::signatures {
namespace {

TEST(ByteSet, ReadsCharactersAndRanges) {
  const auto set = ByteSet::parse("a-cX_-");
  ASSERT_TRUE(set.has_value());
  for (const char c : std::string_view("abcX_-")) EXPECT_TRUE(set->has(c)) << c;
  for (const char c : std::string_view("dxA,`")) EXPECT_FALSE(set->has(c)) << c;
  EXPECT_FALSE(ByteSet::parse("").has_value());
  EXPECT_FALSE(ByteSet::parse("z-a").has_value());
}

TEST(ValueRegion, FindsTheSecretInTheMatch) {
  ValueRegion region;
  EXPECT_EQ(region.find("key=abc"), "key=abc");
  region.after = *ByteSet::parse(":=");
  EXPECT_EQ(region.find("password => 'ab=c"), "ab=c");
  EXPECT_EQ(region.find("password: \"abc"), "abc");
  EXPECT_EQ(region.find("password="), "password=") << "nothing there: all of it";
  ValueRegion tail;
  tail.trim = *ByteSet::parse("@");
  tail.chars = *ByteSet::parse("a-z0-9");
  EXPECT_EQ(tail.find("postgres://user:s3cret@"), "s3cret");
}

TEST(Entropy, CountsBitsAByte) {
  EXPECT_EQ(entropy(""), 0);
  EXPECT_EQ(entropy("aaaa"), 0);
  EXPECT_DOUBLE_EQ(entropy("abab"), 1);
  EXPECT_DOUBLE_EQ(entropy("abcdefgh"), 3);
}

TEST(Luhn, AcceptsOneDigitInTen) {
  EXPECT_TRUE(luhn("4556 7375 8689 9855"));
  EXPECT_TRUE(luhn("79927398713"));
  int good = 0;
  for (char last = '0'; last <= '9'; ++last) {
    good += luhn(std::string("7992739871") + last) ? 1 : 0;
  }
  EXPECT_EQ(good, 1);
  EXPECT_FALSE(luhn("7992739871x"));
  EXPECT_FALSE(luhn(""));
}

// CRC-32 of "123456789" is cbf43926, which is 3Yr2Oe in base 62.
TEST(GithubChecksum, IsTheCrcOfWhatStandsBefore) {
  uint64_t crc = 0xcbf43926;
  std::string digits;
  for (int i = 0; i < 6; ++i) {
    digits.insert(digits.begin(),
                  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[crc % 62]);
    crc /= 62;
  }
  EXPECT_TRUE(github_checksum("ghp_123456789" + digits));
  EXPECT_TRUE(github_checksum("123456789" + digits));
  EXPECT_FALSE(github_checksum("ghp_123456780" + digits));
  EXPECT_FALSE(github_checksum("ghp_" + digits));
  EXPECT_FALSE(github_checksum("ghp_12345678900000-"));
}

TEST(Placeholder, IsWhatStandsForASecret) {
  for (const char* text : {"<your-key>", "${TOKEN}", "AKIAIOSFODNN7EXAMPLE", "xxxxxxxx", "aaaaaaaa",
                           "changeme", "%(password)s", "your_api_key", "{{ token }}"}) {
    EXPECT_TRUE(is_placeholder(text)) << text;
  }
  for (const char* text : {"hunter2hunter", "Tr0ub4dor&3", "5eed0ddba11c0ffe"}) {
    EXPECT_FALSE(is_placeholder(text)) << text;
  }
}

TEST(BeginsLine, AllowsSignsAndCapitalisedWords) {
  EXPECT_TRUE(begins_line("", 0, true));
  EXPECT_TRUE(begins_line("code();\n   12\xe2\x86\x92 // ", 0, true));
  EXPECT_TRUE(begins_line("content: ", 0, true)) << "glue after a label";
  EXPECT_TRUE(begins_line("\n# ACME Corp. ", 2, true));
  EXPECT_FALSE(begins_line("\n# ACME Corp. ", 1, true));
  EXPECT_FALSE(begins_line("\nThe report is ", 4, true));
  EXPECT_FALSE(begins_line("    ", 0, false)) << "the line may begin with anything";
}

TEST(Validate, AsksEverythingThatIsSet) {
  RuleValidators v;
  EXPECT_EQ(validate(v, 0.5, "x", "", ""), 0.5);
  v.near_words = {"Twilio"};
  v.near_distance = 8;
  EXPECT_EQ(validate(v, 0.5, "x", "my TWILIO ", ""), 0.5);
  EXPECT_EQ(validate(v, 0.5, "x", "", " (twilio"), 0.5);
  EXPECT_EQ(validate(v, 0.5, "x", "twilio and much more", ""), std::nullopt);
  v = {};
  v.not_in = {"TEST"};
  EXPECT_EQ(validate(v, 0.5, "mytestkey", "", ""), std::nullopt);
  v = {};
  v.needs = kDigit | kUpper;
  EXPECT_EQ(validate(v, 0.5, "abc1", "", ""), std::nullopt);
  EXPECT_EQ(validate(v, 0.5, "abC1", "", ""), 0.5);
  v = {};
  v.checksum = Checksum::kLuhn;
  EXPECT_EQ(validate(v, 0.9, "79927398713", "", ""), 0.9);
  EXPECT_EQ(validate(v, 0.9, "79927398714", "", ""), std::nullopt);
  v.checksum_failed = 0.3;
  EXPECT_EQ(validate(v, 0.9, "79927398714", "", ""), 0.3);
  v = {};
  v.entropy = 2;
  EXPECT_EQ(validate(v, 0.9, "aabb", "", ""), std::nullopt);
}

TEST(Mask, ShowsLittle) {
  EXPECT_EQ(mask(""), "****");
  EXPECT_EQ(mask("abc"), "****");
  EXPECT_EQ(mask("hunter22"), "hu****");
  EXPECT_EQ(mask("ghp_0123456789abcdef"), "ghp_****ef");
  EXPECT_EQ(mask("\x01\xff  0123456789abcdef"), "....****ef");
}

}  // namespace
}  // namespace weir::signatures
