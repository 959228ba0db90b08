// When the sensor tells that it misses traffic itself.
#include "app/runtime/sensor_health.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::app {
namespace {

constexpr Timestamp after(int64_t seconds) { return {seconds * 1'000'000'000}; }

std::vector<std::string> told(AlertQueue& queue) {
  std::vector<std::string> out;
  Finding finding;
  while (queue.pop(finding)) {
    EXPECT_EQ(finding.rule, "sensor");
    EXPECT_EQ(finding.severity, Severity::kHigh);
    out.push_back(finding.evidence.at(0).rule + ": " + finding.evidence.at(0).title);
  }
  return out;
}

TEST(WorkerOfSensorHealth, TellsSharesThatPassTheirLimits) {
  AlertQueue queue;
  SensorHealth health({0.1, 1, Duration::seconds(60)}, queue);
  EXPECT_TRUE(health.due(after(1000)));
  // What was there before the first look is no news.
  health.look({1'000'000, 500'000, 1000, 900, 0}, after(1000), 1);
  EXPECT_TRUE(told(queue).empty());
  EXPECT_FALSE(health.due(after(1059)));
  EXPECT_TRUE(health.due(after(1060)));
  // At the limits, and no more.
  health.look({2'000'000, 501'000, 101'000, 1900, 0}, after(1060), 1);
  EXPECT_TRUE(told(queue).empty());
  health.look({3'000'000, 506'000, 201'000, 5900, 0}, after(1120), 1);
  const std::vector<std::string> both = told(queue);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0],
            "sensor.dropped: 0.50 % of the packets were dropped before the sensor could "
            "read them");
  EXPECT_EQ(both[1],
            "sensor.unseen: 4.00 % of the TCP bytes were acknowledged but never seen here");
  health.look({3'000'000, 506'000, 201'000, 5900, 0}, after(1180), 1);
  EXPECT_TRUE(told(queue).empty());
  health.look({3'000'000, 506'000, 201'000, 5900, 3}, after(1240), 1);
  EXPECT_EQ(told(queue).size(), 1U);
}

// A worker that does not answer for once is no loss.
TEST(WorkerOfSensorHealth, SumsThatShrinkAreNoNews) {
  AlertQueue queue;
  SensorHealth health({0, 0, Duration::seconds(1)}, queue);
  health.look({100, 50, 100, 50, 0}, after(1), 1);
  health.look({60, 70, 60, 70, 0}, after(2), 1);
  EXPECT_TRUE(told(queue).empty());
  health.look({160, 70, 160, 70, 0}, after(3), 1);
  EXPECT_TRUE(told(queue).empty());
  health.look({260, 71, 260, 71, 0}, after(4), 1);
  EXPECT_EQ(told(queue).size(), 2U);
}

TEST(WorkerOfSensorHealth, AddsUpItsCounters) {
  const HealthSums sums = health_sums({{"live.packets", 7},
                                       {"live.kernel_dropped", 2},
                                       {"live.interface_dropped", 1},
                                       {"tcp.delivered_bytes", 100},
                                       {"tcp.acked_unseen_bytes", 10},
                                       {"alert_queue.records_dropped", 6},
                                       {"alert_queue.findings_merged", 4}});
  EXPECT_EQ(sums.packets, 10U);
  EXPECT_EQ(sums.dropped, 3U);
  EXPECT_EQ(sums.upload_bytes, 110U);
  EXPECT_EQ(sums.unseen_bytes, 10U);
  EXPECT_EQ(sums.alerts_merged, 4U);
  EXPECT_EQ(sums.records_dropped, 6U);
}

TEST(WorkerOfSensorHealth, TellsOfRecordsThatWereDropped) {
  AlertQueue queue;
  SensorHealth health({}, queue);
  health.look({.records_dropped = 3}, after(0), 1);
  health.look({.records_dropped = 3}, after(1), 1);
  EXPECT_TRUE(told(queue).empty());
  health.look({.records_dropped = 5}, after(2), 1);
  const auto findings = told(queue);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0],
            "sensor.records: 2 records of flows were dropped: usage is told too small");
}

TEST(WorkerOfSensorHealth, TellsOfAFullQueueAndOfWhatWasCutUnjudged) {
  AlertQueue queue;
  SensorHealth health({}, queue);
  health.look(health_sums({{"live.queue_full", 2}, {"engine.cut_unjudged", 1}}), after(0), 1);
  EXPECT_TRUE(told(queue).empty());
  health.look(health_sums({{"live.queue_full", 3}, {"engine.cut_unjudged", 5}}), after(60), 1);
  const auto findings = told(queue);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_TRUE(findings[0].starts_with("sensor.queue_full: ")) << findings[0];
  EXPECT_TRUE(findings[1].starts_with("sensor.unjudged: 4 connections ")) << findings[1];
}

}  // namespace
}  // namespace weir::app
