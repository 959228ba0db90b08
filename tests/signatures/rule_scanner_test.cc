// RuleScanner: whatever the cuts, the same hits; growth of one match is one hit; bounds are
// counted.
#include "signatures/rule_scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/split_check.h"

namespace weir::signatures {
namespace {

std::shared_ptr<const RuleSet> lab_rules() {
  const auto rules = RuleSet::parse(
      "rules:\n"
      "  - {id: word, title: t, kind: name, score: 1, pattern: '\\bkey_[a-z]{4,20}\\b',"
      " examples: [key_abcd], counter_examples: [key_]}\n"
      "  - {id: near, title: t, kind: name, score: 0.5, pattern: 'tok[0-9]{4}',"
      " validators: {near: {words: [lab], distance: 40}},"
      " examples: [lab tok1234, 'tok1234 of the lab'], counter_examples: [tok1234]}\n"
      "  - {id: line, title: t, kind: marker, score: 1, pattern: 'TOP SECRET$', flags: [multiline],"
      " validators: {line_start: 1}, examples: ['# TOP SECRET'], counter_examples: [a TOP "
      "SECRET]}\n"
      "  - {id: long, title: t, kind: secret, score: 1, pattern: 'BEGIN[\\s\\S]{1,400}END',"
      " examples: ['BEGIN abcdefgh END'], counter_examples: [BEGINEND]}\n",
      "lab.yaml");
  EXPECT_TRUE(rules.has_value()) << rules.error().to_string();
  return rules ? *rules : nullptr;
}

std::string describe(const RuleSet& rules, std::vector<RuleHit> hits) {
  std::sort(hits.begin(), hits.end(), [](const RuleHit& a, const RuleHit& b) {
    return std::pair(a.end, a.rule) < std::pair(b.end, b.rule);
  });
  std::string out;
  for (const RuleHit& hit : hits) {
    out += rules.rule(hit.rule).id + " " + std::to_string(hit.begin) + "-" +
           std::to_string(hit.end) + " " + std::to_string(hit.value) + " " + hit.excerpt + "\n";
  }
  return out;
}

class Feed {
 public:
  explicit Feed(std::shared_ptr<const RuleSet> rules)
      : rules_(std::move(rules)), scanner_(*rules_, 1000) {
    EXPECT_TRUE(rules_->prepare(scratch_).has_value());
    EXPECT_TRUE(scanner_.open().has_value());
  }
  // The chunks stand side by side in one buffer, as a block's look-behind does.
  std::string operator()(const std::vector<ByteSpan>& chunks) {
    scanner_.reset();
    std::vector<uint8_t> all;
    for (const ByteSpan chunk : chunks) all.insert(all.end(), chunk.begin(), chunk.end());
    std::vector<RuleHit> hits;
    size_t at = 0;
    for (const ByteSpan chunk : chunks) {
      const size_t behind = std::min(at, kRuleReadBack + kRuleLookAhead);
      EXPECT_EQ(scanner_.scan(scratch_, ByteSpan(all).subspan(at, chunk.size()), behind, hits),
                ScanStatus::kOk);
      at += chunk.size();
    }
    EXPECT_EQ(scanner_.finish(scratch_, hits), ScanStatus::kOk);
    return describe(*rules_, std::move(hits));
  }
  RuleScanner& scanner() { return scanner_; }

 private:
  std::shared_ptr<const RuleSet> rules_;
  PatternScratch scratch_;
  RuleScanner scanner_;
};

TEST(RuleScanner, AnyCutGivesTheSameHits) {
  Feed feed(lab_rules());
  std::string text = "lab tok1234, key_abcdef;";
  text += std::string(300, '.') + "tok5678 " + std::string(30, ',') + "lab\n// TOP SECRET\nBEGIN";
  for (int i = 0; i < 95; ++i) text += "vwyz";
  text += "END" + std::string(700, '-') + "\n  Acme TOP SECRET\nkey_zzzz tok9999 " +
          std::string(500, ' ') + "TOP SECRET";
  const std::string whole = feed({as_bytes(text)});
  EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 7) << whole;
  test::split_check(as_bytes(text), std::ref(feed), 4096);
}

TEST(RuleScanner, AGrowingMatchIsOneHit) {
  Feed feed(lab_rules());
  EXPECT_EQ(feed({as_bytes("key_abcdefghij")}).substr(0, 10), "word 0-14 ");
  const std::string two = feed({as_bytes("BEGIN aaa END bbb END")});
  EXPECT_EQ(std::count(two.begin(), two.end(), '\n'), 2) << "two ends that do not touch";
}

TEST(RuleScanner, WhatFollowsIsWaitedFor) {
  Feed feed(lab_rules());
  const std::string text = "tok1234 of the lab" + std::string(100, '.');
  EXPECT_EQ(feed({as_bytes(text).first(7), as_bytes(text).subspan(7)}), feed({as_bytes(text)}));
  EXPECT_NE(feed({as_bytes(text)}), "");
}

// Each block ends in a candidate that waits, as hostile text can see to.
TEST(RuleScanner, FencesGoWhileACandidateWaits) {
  const auto rules = lab_rules();
  PatternScratch scratch;
  ASSERT_TRUE(rules->prepare(scratch).has_value());
  RuleScanner scanner(*rules, 100'000);
  ASSERT_TRUE(scanner.open().has_value());
  const std::string block = std::string(200, '.') + " lab tok1234";
  std::string text;
  for (int i = 0; i < 400; ++i) text += block;
  std::vector<RuleHit> hits;
  size_t most = 0;
  for (size_t at = 0; at < text.size(); at += block.size()) {
    for (size_t i = 0; i < block.size(); i += 4) scanner.fence(at + i);
    const size_t behind = std::min(at, kRuleReadBack + kRuleLookAhead);
    ASSERT_EQ(scanner.scan(scratch, as_bytes(text).subspan(at, block.size()), behind, hits),
              ScanStatus::kOk);
    most = std::max(most, scanner.fences());
  }
  ASSERT_EQ(scanner.finish(scratch, hits), ScanStatus::kOk);
  EXPECT_EQ(hits.size(), 400U);
  EXPECT_LE(most, (kRuleReadBack + kRuleLookAhead + block.size()) / 4 + 2);
  EXPECT_GE(most, kRuleReadBack / 4);
}

TEST(RuleScanner, CandidatesBeyondTheBoundAreCounted) {
  const auto rules = lab_rules();
  PatternScratch scratch;
  ASSERT_TRUE(rules->prepare(scratch).has_value());
  RuleScanner scanner(*rules, 10);
  ASSERT_TRUE(scanner.open().has_value());
  std::string text;
  for (int i = 0; i < 25; ++i) text += "lab tok1234 ";
  std::vector<RuleHit> hits;
  ASSERT_EQ(scanner.scan(scratch, as_bytes(text), 0, hits), ScanStatus::kOk);
  ASSERT_EQ(scanner.finish(scratch, hits), ScanStatus::kOk);
  EXPECT_EQ(hits.size(), 10U);
  EXPECT_EQ(scanner.candidates(), 10U);
  EXPECT_EQ(scanner.dropped(), 15U);
  for (const RuleHit& hit : hits) EXPECT_EQ(hit.value, hits.front().value);
  scanner.reset();
  EXPECT_EQ(scanner.dropped(), 0U);
}

}  // namespace
}  // namespace weir::signatures
