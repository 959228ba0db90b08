// Findings that find the queue full are told later and together, never lost.
#include "app/runtime/alert_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir::app {
namespace {

Finding finding(uint32_t client, const std::string& rule, const std::string& path) {
  Finding out;
  out.flow.client.ip = IpAddress::v4(client);
  out.flow.service = "some-service";
  out.rule = rule;
  out.action = Action::kAlert;
  Evidence piece;
  piece.repository = "orchard";
  piece.path = path;
  out.evidence.push_back(piece);
  return out;
}

TEST(WorkerAlertQueue, MergesWhatFindsNoRoomAndTellsItLater) {
  AlertQueue queue(2, 2);
  queue.on_finding(finding(1, "r", "a.c"));
  queue.on_finding(finding(1, "r", "b.c"));
  Finding severe = finding(1, "r", "c.c");  // no room from here on
  queue.on_finding(std::move(severe));
  severe = finding(1, "r", "d.c");
  severe.action = Action::kDrop;
  severe.severity = Severity::kCritical;
  severe.time = Timestamp{7};
  queue.on_finding(std::move(severe));
  queue.on_finding(finding(1, "r", "d.c"));  // the same piece again
  queue.on_finding(finding(2, "r", "e.c"));
  EXPECT_FALSE(queue.flush());
  EXPECT_EQ(queue.counters().findings.get(), 6U);
  EXPECT_EQ(queue.counters().findings_merged.get(), 2U);

  Finding got;
  ASSERT_TRUE(queue.pop(got));
  EXPECT_EQ(got.evidence.front().path, "a.c");
  ASSERT_TRUE(queue.pop(got));
  EXPECT_TRUE(queue.flush());
  ASSERT_TRUE(queue.pop(got));
  EXPECT_EQ(got.action, Action::kDrop);
  EXPECT_EQ(got.severity, Severity::kCritical);
  EXPECT_EQ(got.time, Timestamp{7});
  ASSERT_EQ(got.evidence.size(), 2U);
  EXPECT_EQ(got.evidence[0].path, "c.c");
  EXPECT_EQ(got.evidence[1].path, "d.c");
  ASSERT_TRUE(queue.pop(got));
  EXPECT_EQ(got.flow.client.ip, IpAddress::v4(2));
  EXPECT_FALSE(queue.pop(got));
}

// However many kinds there are, memory is bounded and the strictest action is still told.
TEST(WorkerAlertQueue, MergesKindsWhenThereAreTooMany) {
  AlertQueue queue(1, 1);
  const auto count = static_cast<uint32_t>(AlertQueue::kWaiting) * 2;
  for (uint32_t i = 0; i < count; ++i) {
    Finding one = finding(i, "r", "a.c");
    if (i == count - 1) one.severity = Severity::kCritical;
    queue.on_finding(std::move(one));
  }
  size_t told = 0;
  bool critical = false;
  Finding got;
  do {
    while (queue.pop(got)) {
      ++told;
      critical = critical || got.severity == Severity::kCritical;
    }
  } while (!queue.flush() || queue.waiting() > 0);
  EXPECT_EQ(told, AlertQueue::kWaiting + 1);
  EXPECT_TRUE(critical);
}

TEST(WorkerAlertQueue, TwoThreadsLoseNothing) {
  AlertQueue queue(64, 64);
  constexpr uint64_t kCount = 20'000;
  std::thread worker([&queue] {
    for (uint64_t i = 1; i <= kCount; ++i) {
      FlowRecord record;
      record.requests = i;
      queue.on_flow_end(std::move(record));
      if (i % 16 == 0) std::this_thread::yield();
    }
  });
  uint64_t got = 0;
  uint64_t last = 0;
  FlowRecord record;
  while (last < kCount && got + queue.counters().records_dropped.get() < kCount) {
    if (!queue.pop(record)) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_GT(record.requests, last);
    last = record.requests;
    ++got;
  }
  worker.join();
  while (queue.pop(record)) ++got;
  EXPECT_EQ(got + queue.counters().records_dropped.get(), kCount);
  EXPECT_GT(got, 0U);
}

}  // namespace
}  // namespace weir::app
