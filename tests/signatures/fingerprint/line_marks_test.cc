// Whole lines: literals masked, shapes without their first word, couples and pairs.
#include "signatures/fingerprint/line_marks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::signatures {
namespace {

std::string masked(const std::string& line) {
  MaskedLine out;
  const size_t size = mask_literals(as_bytes(line), out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(LineMarks, LiteralsAreMasked) {
  EXPECT_EQ(masked("f(\"abc\",x)"), "f(\"\",x)");
  EXPECT_EQ(masked("a='b'+`c`+\"d\\\"e\";"), "a=''+``+\"\";");
  EXPECT_EQ(masked("plain(line);"), "");
  EXPECT_EQ(masked("empty(\"\")"), "");  // nothing to mask
  EXPECT_EQ(masked("//don'tsay\"no\""), "//don'tsay\"\"");
  EXPECT_EQ(masked("open(\"abc"), "");
  EXPECT_EQ(masked("\\\"x\\\"y"), "");  // escaped outside of a literal
  EXPECT_EQ(masked("\""), "");
  const std::string longest = "\"" + std::string(kLineMax - 2, 'x') + "\"";
  EXPECT_EQ(masked(longest), "\"\"");
  EXPECT_EQ(masked(longest + "y"), "");
}

// Quotes are searched for 16 bytes at once, wherever they stand.
TEST(LineMarks, LiteralsAreFoundAtEveryPlace) {
  for (size_t size = 3; size < 70; ++size) {
    for (size_t at = 0; at + 3 <= size; ++at) {
      for (const char quote : {'"', '\'', '`'}) {
        std::string line(size, 'x');
        line[at] = line[at + 2] = quote;
        std::string expected = line;
        expected.erase(at + 1, 1);
        EXPECT_EQ(masked(line), expected);
      }
    }
  }
}

TEST(LineMarks, LettersAreThoseThatStay) {
  const std::string line = "ab(\"cd\")e";
  const std::array<uint64_t, 2> marks{~uint64_t{0} << 60, ~uint64_t{0}};
  MaskedLine out;
  uint32_t sum = 0;
  const size_t size = mask_literals(as_bytes(line), out, {marks.data(), 60}, &sum);
  EXPECT_EQ(sum, size);
  EXPECT_EQ(size, line.size() - 2);
}

// Each quote is looked at once for each kind, whatever stands between.
TEST(LineMarks, ManyOpenQuotesAreNoTrouble) {
  for (const std::string part : {"'", "\\'", "\"'`", "'\"", "\\"}) {
    std::string line;
    while (line.size() + part.size() <= kLineMax) line += part;
    EXPECT_LE(masked(line).size(), line.size());
  }
}

TEST(LineMarks, ShapesLeaveOutTheirFirstWord) {
  const Fingerprinter fingerprinter(test::test_key());
  const auto shape = [&](const std::string& bytes) {
    return line_shape(fingerprinter, as_bytes(bytes));
  };
  EXPECT_EQ(shape("w=w(w,w);").hash, shape("=w(w,w);").hash);
  EXPECT_EQ(shape("w=w(w,w);").tokens, 8U);
  EXPECT_NE(shape("w=w(w);").hash, shape("w=w[w];").hash);
  EXPECT_EQ(shape("").tag, 0);
  EXPECT_EQ(shape("w").tag, 0);
  EXPECT_EQ(shape(std::string(kLineMax + 1, '(')).tag, kTagUnknown);
}

// The definition, byte by byte.
size_t masked_by_byte(ByteSpan line, MaskedLine& out, LineMarks marks, uint32_t* sum) {
  if (line.size() > out.size()) return 0;
  std::array<bool, 256> dead{};
  bool any = false;
  size_t size = 0;
  const auto keep = [&](size_t at) {
    out[size++] = line[at];
    if (marks.bits == nullptr) return;
    const size_t bit = marks.first + at;
    *sum += static_cast<uint32_t>(marks.bits[bit / 64] >> (bit % 64) & 1);
  };
  for (size_t at = 0; at < line.size(); ++at) {
    const uint8_t c = line[at];
    keep(at);
    if (c == '\\' && at + 1 < line.size()) {
      keep(++at);
      continue;
    }
    if ((c != '"' && c != '\'' && c != '`') || dead[c]) continue;
    size_t end = at + 1;
    while (end < line.size() && line[end] != c) end += line[end] == '\\' ? 2 : 1;
    if (end >= line.size()) {
      dead[c] = true;
      continue;
    }
    any = any || end > at + 1;
    at = end;
    keep(at);
  }
  return any ? size : 0;
}

TEST(LineMarks, LiteralsAreMaskedAsByteByByte) {
  std::mt19937 random(3);
  const std::string letters = "ab\"\"''`\\\\xyz.;";
  std::vector<uint64_t> bits(20);
  for (uint64_t& word : bits) word = uint64_t{random()} << 32 | random();
  for (size_t round = 0; round < 4000; ++round) {
    std::string line(random() % (round % 10 == 0 ? kLineMax + 3 : 90), 'x');
    const size_t few = 1 + random() % 20;
    for (char& c : line) {
      if (random() % few == 0) c = letters[random() % letters.size()];
    }
    const LineMarks marks{bits.data(), random() % 300};
    MaskedLine expected;
    MaskedLine out;
    uint32_t expected_sum = 0;
    uint32_t sum = 0;
    const size_t size = masked_by_byte(as_bytes(line), expected, marks, &expected_sum);
    ASSERT_EQ(mask_literals(as_bytes(line), out, marks, &sum), size) << line;
    ASSERT_EQ(std::memcmp(out.data(), expected.data(), size), 0) << line;
    if (size > 0) {
      ASSERT_EQ(sum, expected_sum) << line;
    }
    const auto quote = line.find_first_of("\"'`");
    ASSERT_EQ(first_quote(as_bytes(line)), std::min(quote, line.size()));
  }
}

TEST(LineMarks, PairsAndCouplesHaveAnOrder) {
  const Fingerprinter fingerprinter(test::test_key());
  const LineShape a = line_shape(fingerprinter, as_bytes("if(w==n){"));
  const LineShape b = line_shape(fingerprinter, as_bytes("w.w(w);"));
  EXPECT_TRUE(makes_pair(a, b));
  EXPECT_FALSE(makes_pair(b, b));  // too few tokens
  EXPECT_FALSE(makes_pair(a, {}));
  EXPECT_NE(pair_hash(fingerprinter, a, b), pair_hash(fingerprinter, b, a));
  const LineHash c{11, 12};
  const LineHash d{13, 4};
  EXPECT_TRUE(makes_couple(c, d));
  EXPECT_FALSE(makes_couple(d, d));
  EXPECT_FALSE(makes_couple(c, {}));
  EXPECT_NE(couple_hash(fingerprinter, c, d), couple_hash(fingerprinter, d, c));
  EXPECT_NE(couple_hash(fingerprinter, c, d), fingerprinter.combine(11, 13));
}

}  // namespace
}  // namespace weir::signatures
