// From one worker to the alert thread. The worker never waits: findings that find the queue full
// are merged with others of their kind until there is room, so that what happened is told late and
// together, but told; flow records are added up.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "app/runtime/spsc_ring.h"
#include "core/counters.h"
#include "core/finding.h"

namespace weir::app {

struct AlertQueueCounters {
  Counter findings;
  Counter findings_merged;
  Counter evidence_dropped;
  Counter records;
  Counter records_dropped;
};
inline constexpr CounterTable<AlertQueueCounters, 5> kAlertQueueCounters = {{
    {"findings", &AlertQueueCounters::findings, "findings that workers handed on"},
    {"findings_merged", &AlertQueueCounters::findings_merged,
     "of them, merged into another because the alert thread was behind"},
    {"evidence_dropped", &AlertQueueCounters::evidence_dropped,
     "pieces of evidence left out of merged findings"},
    {"records", &AlertQueueCounters::records, "records of flows that ended"},
    {"records_dropped", &AlertQueueCounters::records_dropped,
     "of them, dropped because the alert thread was behind"},
}};
static_assert(describes_all(kAlertQueueCounters));

class AlertQueue final : public EvidenceSink {
 public:
  static constexpr size_t kFindings = 1024;
  static constexpr size_t kRecords = 8192;
  static constexpr size_t kWaiting = 1024;  // merged findings, of different kinds
  static constexpr size_t kEvidence = 256;  // of one merged finding
  explicit AlertQueue(size_t findings = kFindings, size_t records = kRecords)
      : findings_(findings), records_(records) {}

  // The worker's side.
  void on_finding(Finding&& finding) override;
  void on_flow_end(FlowRecord&& record) override;
  // Hands on what waits, as far as there is room. True when nothing waits any more.
  bool flush();

  // The alert thread's side.
  bool pop(Finding& out) { return findings_.try_pop(out); }
  bool pop(FlowRecord& out) { return records_.try_pop(out); }

  // Any thread.
  [[nodiscard]] size_t waiting() const noexcept { return findings_.size() + records_.size(); }
  [[nodiscard]] const AlertQueueCounters& counters() const noexcept { return counters_; }

 private:
  void merge(Finding&& finding);

  SpscRing<Finding> findings_;
  SpscRing<FlowRecord> records_;
  std::map<std::string, Finding> merged_;  // by client, service and rule
  AlertQueueCounters counters_;
};

}  // namespace weir::app
