// Content rules through the whole detector: where evidence stands, what is told once, what is
// counted, and that cuts and flushes change nothing.
#include "inspect/detect/rule_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "inspect/detect/request_detector.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

std::shared_ptr<const DetectorSet> lab_set() {
  const auto rules = signatures::RuleSet::parse(
      "rules:\n"
      "  - {id: lab-token, title: lab token, kind: secret, score: 0.9, pattern: 'lab_[a-z0-9]{12}',"
      " examples: [lab_a1b2c3d4e5f6], counter_examples: [lab_]}\n"
      "  - {id: lab-password, title: lab password, kind: secret, score: 0.7,"
      " pattern: 'password: [a-z0-9]{6,20}', value: {after: ':'},"
      " examples: ['password: hunter22'], counter_examples: ['password: ']}\n",
      "lab.yaml");
  EXPECT_TRUE(rules.has_value()) << rules.error().to_string();
  auto set = std::make_shared<DetectorSet>();
  if (rules) set->rules = *rules;
  return set;
}

struct Harness {
  explicit Harness(const Limits& limits = {}) {
    auto made = RequestDetector::make(lab_set(), limits, scratch, &counters);
    EXPECT_TRUE(made.has_value());
    detector = std::move(made).value();
    detector->begin();
  }
  void piece(std::string_view path, std::string_view label, uint64_t offset,
             std::string_view text) {
    detector->on_piece({path, label, offset});
    detector->on_text(as_bytes(text));
    detector->on_piece_end(EndReason::kComplete);
  }
  std::vector<Evidence> finish() {
    detector->finish();
    std::vector<Evidence> out;
    detector->collect(out);
    return out;
  }
  signatures::PatternScratch scratch;
  DetectCounters counters;
  std::unique_ptr<RequestDetector> detector;
};

std::string describe(const std::vector<Evidence>& evidence) {
  std::string out;
  for (const Evidence& e : evidence) {
    out += e.rule + " " + e.where + "@" + std::to_string(e.offset) + " " + e.excerpt + "\n";
  }
  return out;
}

TEST(RuleChannel, TellsWhereASecretStandsAndMasksIt) {
  Harness h;
  h.piece("json:a", "a", 10, "nothing here");
  h.piece("json:messages[0].content", "content", 33, "the key lab_k7f3q9x2m5w8 works");
  h.piece("json:b", "b", 90, "nothing either");
  const auto evidence = h.finish();
  ASSERT_EQ(evidence.size(), 1U);
  EXPECT_EQ(evidence[0].kind, EvidenceKind::kSecret);
  EXPECT_EQ(evidence[0].title, "lab token");
  EXPECT_EQ(evidence[0].score, 0.9);
  EXPECT_EQ(describe(evidence), "lab-token json:messages[0].content@33 lab_****w8\n");
  EXPECT_EQ(h.counters.rule_hits.get(), 1U);
  EXPECT_EQ(h.counters.rule_candidates.get(), 1U);
}

TEST(RuleChannel, ALabelIsTheContextOfItsValue) {
  Harness h;
  h.piece("json:password", "password", 7, "hunter2x9q");
  EXPECT_EQ(describe(h.finish()), "lab-password json:password@7 hu****\n");
}

TEST(RuleChannel, TheSameSecretIsToldOnceARequest) {
  Harness h;
  for (int i = 0; i < 20; ++i) {
    h.piece("json:m[" + std::to_string(i) + "]", "m", 100, "lab_k7f3q9x2m5w8");
  }
  h.piece("json:other", "m", 5000, "lab_z8y7x6w5v4u3");
  EXPECT_EQ(describe(h.finish()),
            "lab-token json:m[0]@100 lab_****w8\nlab-token json:other@5000 lab_****u3\n");
  EXPECT_EQ(h.counters.rule_repeats.get(), 19U);
  h.detector->begin();
  h.piece("json:next", "m", 1, "lab_k7f3q9x2m5w8");
  EXPECT_EQ(describe(h.finish()), "lab-token json:next@1 lab_****w8\n") << "a new request";
}

TEST(RuleChannel, HitsBeyondTheLimitAreCounted) {
  Limits limits;
  limits.evidence_per_request = 3;
  Harness h(limits);
  for (int i = 0; i < 10; ++i) h.piece("p", "", 0, "lab_k7f3q9x2m5w" + std::to_string(i));
  EXPECT_EQ(h.finish().size(), 3U);
  EXPECT_EQ(h.counters.rule_hits_over_limit.get(), 7U);
}

TEST(RuleChannel, CandidatesBeyondTheLimitAreCounted) {
  Limits limits;
  limits.rule_candidates = 4;
  Harness h(limits);
  for (int i = 0; i < 10; ++i) h.piece("p", "", 0, "lab_k7f3q9x2m5w" + std::to_string(i));
  EXPECT_EQ(h.finish().size(), 4U);
  EXPECT_EQ(h.counters.rule_candidates_over_limit.get(), 6U);
}

TEST(RuleChannel, ExcerptsAreBounded) {
  Limits limits;
  limits.excerpt_bytes = 3;
  Harness h(limits);
  h.piece("p", "", 0, "lab_k7f3q9x2m5w8");
  EXPECT_EQ(h.finish()[0].excerpt, "lab");
}

TEST(RuleChannel, NewsAriseWhenTheBlockIsRead) {
  Harness h;
  h.piece("p", "", 0, "lab_k7f3q9x2m5w8" + std::string(signatures::kRuleLookAhead, ' '));
  EXPECT_FALSE(h.detector->has_news());
  h.detector->flush();
  EXPECT_TRUE(h.detector->has_news());
  std::vector<Evidence> out;
  h.detector->collect(out);
  EXPECT_FALSE(h.detector->has_news());
  EXPECT_EQ(h.finish().size(), 1U) << "evidence is complete each time";
}

TEST(RuleChannel, CutsAndFlushesChangeNothing) {
  std::string text =
      "lab_k7f3q9x2m5w8 " + std::string(kBlockBytes - 40, '.') + " password: abc9xyz";
  text += " lab_z8y7x6w5v4u3" + std::string(900, '-') + "password: q1w2e3r4t5";
  for (const bool flush : {false, true}) {
    Harness h;
    const auto feed = [&](const std::vector<ByteSpan>& chunks) {
      h.detector->begin();
      h.detector->on_piece({"p", "content", 4});
      size_t count = 0;
      for (const ByteSpan chunk : chunks) {
        h.detector->on_text(chunk);
        if (flush && ++count % 50 == 0) h.detector->flush();
      }
      h.detector->on_piece_end(EndReason::kComplete);
      const auto evidence = h.finish();
      EXPECT_EQ(evidence.size(), 4U);
      return describe(evidence);
    };
    test::split_check(as_bytes(text), feed, 500);
  }
}

TEST(RuleChannel, AMatchMayStandAcrossBlocksAndPieces) {
  Harness h;
  h.piece("a", "", 1, std::string(kBlockBytes - 6, '.') + "lab_k7f3");
  h.detector->flush();
  h.piece("b", "password", 2, "hunter2x9q");
  Harness whole;
  whole.detector->on_piece({"a", "", 1});
  whole.detector->on_text(as_bytes(std::string(kBlockBytes - 6, '.') + "lab_k7f3"));
  whole.detector->flush();
  whole.detector->on_text(as_bytes("q9x2m5w8"));
  whole.detector->on_piece_end(EndReason::kComplete);
  EXPECT_EQ(describe(h.finish()), "lab-password b@2 hu****\n");
  EXPECT_EQ(describe(whole.finish()), "lab-token a@1 lab_****w8\n");
}

}  // namespace
}  // namespace weir::inspect
