// RequestDetector with channels of the test's own: what it hands them, what it drops and counts.
#include "inspect/detect/request_detector.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::inspect {
namespace {

Evidence code(uint32_t lines, double score, const char* rule = "text") {
  Evidence evidence;
  evidence.lines = lines;
  evidence.score = score;
  evidence.rule = rule;
  return evidence;
}

struct Script {
  std::vector<Evidence> evidence;
  std::string text;
  int ends = 0;
  int resets = 0;
};

class ScriptedChannel final : public DetectionChannel {
 public:
  explicit ScriptedChannel(Script& script) : script_(script) {}
  void on_block(const TextBlock& block) noexcept override {
    script_.text.append(as_chars(block.text));
    news_ = true;
  }
  void on_end() noexcept override { ++script_.ends; }
  [[nodiscard]] bool has_news() const noexcept override { return news_; }
  void collect(std::vector<Evidence>& out) override {
    out.insert(out.end(), script_.evidence.begin(), script_.evidence.end());
    news_ = false;
  }
  void reset() noexcept override {
    script_.text.clear();
    ++script_.resets;
    news_ = false;
  }

 private:
  Script& script_;
  bool news_ = false;
};

std::vector<std::unique_ptr<DetectionChannel>> channels(Script& script) {
  std::vector<std::unique_ptr<DetectionChannel>> out;
  out.push_back(std::make_unique<ScriptedChannel>(script));
  return out;
}

void send(RequestDetector& detector, std::string_view text) {
  detector.on_piece({"http/body", "content", 0});
  detector.on_text(as_bytes(text));
  detector.on_piece_end(EndReason::kComplete);
}

TEST(RequestDetector, ReadsBlocksOnFlushAndOnFinish) {
  Script script;
  RequestDetector detector(channels(script), 5, Limits{});
  detector.begin();
  send(detector, "one");
  EXPECT_EQ(script.text, "");
  EXPECT_FALSE(detector.has_news());
  detector.flush();
  EXPECT_EQ(script.text, "\ncontent: one");
  EXPECT_TRUE(detector.has_news());
  std::vector<Evidence> out;
  detector.collect(out);
  EXPECT_FALSE(detector.has_news());
  send(detector, "two");
  detector.finish();
  EXPECT_EQ(script.text, "\ncontent: one\ncontent: two");
  EXPECT_EQ(script.ends, 1);
  EXPECT_EQ(detector.text_bytes(), 6U);
  EXPECT_EQ(detector.counters().text_bytes.get(), 6U);
  EXPECT_EQ(detector.counters().blocks.get(), 2U);
  detector.begin();
  EXPECT_EQ(detector.text_bytes(), 0U);
  EXPECT_EQ(script.resets, 2);
}

TEST(RequestDetector, CodeOfFewLinesIsDroppedUnlessCritical) {
  Script script;
  script.evidence = {code(4, 0.9), code(5, 0.8), code(1, 0.7, "critical")};
  script.evidence.front().path = "other";
  script.evidence.push_back(code(0, 1.0));
  script.evidence.back().kind = EvidenceKind::kSecret;
  RequestDetector detector(channels(script), 5, Limits{});
  detector.begin();
  std::vector<Evidence> out(1);  // what stands there already stays
  detector.collect(out);
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(out[1].lines, 5U);
  EXPECT_EQ(out[2].rule, "critical");
  EXPECT_EQ(out[3].kind, EvidenceKind::kSecret);
  out.clear();
  detector.collect(out);
  EXPECT_EQ(detector.counters().few_lines.get(), 1U) << "counted once a request";
  script.evidence.push_back(code(2, 0.9));  // another part of the same file
  script.evidence.back().path = "other";
  out.clear();
  detector.collect(out);
  EXPECT_EQ(out.size(), 5U);
}

TEST(RequestDetector, TheLeastSureEvidenceGoesAtTheLimit) {
  Script script;
  for (int i = 0; i < 10; ++i) script.evidence.push_back(code(9, i / 10.0));
  Limits limits;
  limits.evidence_per_request = 3;
  DetectCounters counters;
  RequestDetector detector(channels(script), 5, limits, &counters);
  detector.begin();
  std::vector<Evidence> out;
  detector.collect(out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0].score, 0.9);
  EXPECT_EQ(out[2].score, 0.7);
  out.clear();
  detector.collect(out);
  EXPECT_EQ(counters.evidence_over_limit.get(), 7U);
  detector.begin();
  out.clear();
  detector.collect(out);
  EXPECT_EQ(counters.evidence_over_limit.get(), 14U);
  EXPECT_EQ(counters.requests.get(), 2U);
}

TEST(RequestDetector, ASetWithNothingInItFindsNothing) {
  signatures::PatternScratch scratch;
  auto made = RequestDetector::make(std::make_shared<const DetectorSet>(), Limits{}, scratch);
  ASSERT_TRUE(made.has_value());
  RequestDetector& detector = **made;
  detector.begin();
  send(detector, "text");
  detector.finish();
  EXPECT_FALSE(detector.has_news());
  EXPECT_EQ(detector.text_bytes(), 4U);
}

}  // namespace
}  // namespace weir::inspect
