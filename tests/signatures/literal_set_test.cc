// LiteralSet against a slow search, over every cut; its kept form against damage.
#include "signatures/literal_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/split_check.h"

namespace weir::signatures {
namespace {

struct Fixture {
  std::vector<std::string> words;
  std::vector<Literal> literals;

  explicit Fixture(std::vector<std::string> w) : words(std::move(w)) {
    for (size_t i = 0; i < words.size(); ++i) {
      literals.push_back({static_cast<uint32_t>(i * 7 + 3), words[i]});
    }
  }
};

std::string listing(std::vector<std::pair<uint64_t, uint32_t>> hits) {
  std::sort(hits.begin(), hits.end());
  std::string out;
  for (const auto& [end, id] : hits) out += std::to_string(id) + "@" + std::to_string(end) + " ";
  return out;
}

std::string slow(const Fixture& fixture, std::string_view text) {
  std::vector<std::pair<uint64_t, uint32_t>> hits;
  for (const Literal& literal : fixture.literals) {
    for (size_t at = text.find(literal.bytes); at != std::string_view::npos;
         at = text.find(literal.bytes, at + 1)) {
      hits.emplace_back(at + literal.bytes.size(), literal.id);
    }
  }
  return listing(std::move(hits));
}

class Scanner {
 public:
  explicit Scanner(const LiteralSet& set) {
    EXPECT_TRUE(scratch_.prepare(set.database()).has_value());
    EXPECT_TRUE(stream_.open(set).has_value());
  }
  std::string operator()(const std::vector<ByteSpan>& chunks) {
    std::vector<std::pair<uint64_t, uint32_t>> hits;
    stream_.reset();
    for (const ByteSpan chunk : chunks) {
      EXPECT_EQ(stream_.scan(scratch_, chunk,
                             [&](uint32_t id, uint64_t end) { hits.emplace_back(end, id); }),
                ScanStatus::kOk);
    }
    return listing(std::move(hits));
  }

 private:
  PatternScratch scratch_;
  LiteralStream stream_;
};

// Words over a small alphabet, so that they overlap, nest and repeat.
Fixture generated(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::set<std::string> words;
  while (words.size() < count) {
    std::string word(4 + random() % 40, ' ');
    for (char& c : word)
      c = static_cast<char>(random() % 3 == 0 ? random() % 256 : 'a' + random() % 3);
    words.insert(word);
  }
  return Fixture({words.begin(), words.end()});
}

TEST(LiteralSet, AnswersAsTheSlowSearch) {
  const Fixture fixture = generated(300, 1);
  const auto set = LiteralSet::compile(fixture.literals);
  ASSERT_TRUE(set) << set.error().message;
  Scanner scan(*set);
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      if (random() % 2 == 0) {
        text += fixture.words[random() % fixture.words.size()];
      } else {
        for (size_t n = random() % 9; n > 0; --n) text += static_cast<char>('a' + random() % 3);
      }
    }
    ASSERT_EQ(scan({as_bytes(text)}), slow(fixture, text));
  }
}

TEST(LiteralSet, AnyCutGivesTheSameHits) {
  const Fixture fixture(
      {"abcd", "bcdabcd", std::string("nu\0l\xff", 5), "abcdabcdabcd", "(.*)+?[a]"});
  const auto set = LiteralSet::compile(fixture.literals);
  ASSERT_TRUE(set) << set.error().message;
  Scanner scan(*set);
  const std::string text = "abcdabcdabcdabcd" + std::string("nu\0l\xff", 5) + "xx(.*)+?[a]abcd" +
                           std::string(200, 'a') + "bcd";
  ASSERT_NE(slow(fixture, text), "");
  ASSERT_EQ(scan({as_bytes(text)}), slow(fixture, text));
  test::split_check(as_bytes(text), [&](const auto& chunks) { return scan(chunks); });
}

TEST(LiteralSet, FiveThousandLiteralsSurviveBeingKept) {
  const Fixture fixture = generated(5000, 3);
  const auto set = LiteralSet::compile(fixture.literals);
  ASSERT_TRUE(set) << set.error().message;
  const auto kept = set->serialise();
  ASSERT_TRUE(kept) << kept.error().message;
  const auto again = LiteralSet::deserialise(*kept);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->size(), 5000U);
  std::string text;
  for (size_t i = 0; i < 200; ++i) text += fixture.words[i * 25] + "--";
  Scanner scan(*again);
  EXPECT_EQ(scan({as_bytes(text)}), slow(fixture, text));
}

TEST(LiteralSet, DamagedOrForeignBytesAreRefusedWithTheReason) {
  const Fixture fixture({"some literal", "another one"});
  const auto set = LiteralSet::compile(fixture.literals);
  ASSERT_TRUE(set);
  std::vector<uint8_t> kept = set->serialise().value();
  for (size_t cut = 0; cut < kept.size(); cut += 1 + cut / 16) {
    const std::vector<uint8_t> part(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(cut));
    EXPECT_FALSE(LiteralSet::deserialise(part)) << cut;
  }
  for (size_t at = 0; at < kept.size(); at += 1 + at / 64) {
    std::vector<uint8_t> flipped = kept;
    flipped[at] ^= 0x10;
    EXPECT_FALSE(LiteralSet::deserialise(flipped)) << at;
  }
  std::vector<uint8_t> foreign = kept;
  foreign[12 + 10] = '9';  // "hyperscan 5…" becomes 9…
  const auto got = LiteralSet::deserialise(foreign);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("was made by hyperscan 9"), std::string::npos)
      << got.error().message;
  EXPECT_EQ(LiteralSet::deserialise(as_bytes("something else entirely")).error().message,
            "not a literal set");
}

TEST(LiteralSet, BadInputIsNamed) {
  EXPECT_EQ(LiteralSet::compile({}).error().message, "a literal set needs at least one literal");
  const std::vector<Literal> too_short{{9, "abc"}};
  EXPECT_EQ(LiteralSet::compile(too_short).error().message,
            "literal 9 has 3 bytes, expected 4 to 1024");
}

}  // namespace
}  // namespace weir::signatures
