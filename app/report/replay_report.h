// What `weir replay` tells a person and a machine at its end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alert/incident.h"
#include "app/report/usage_totals.h"
#include "inspect/engine/engine.h"

namespace weir::app {

struct ReplayFacts {
  std::vector<std::string> files;
  uint64_t packets = 0;
  uint64_t packet_bytes = 0;  // on the wire
  Timestamp first;
  Timestamp last;
  size_t workers = 1;
  double seconds = 0;  // of real time
  inspect::CounterList counters;
  std::vector<std::string> errors;  // damaged inputs
};

// Keeps the incidents for the table (the severest kMaxShown), and counts them.
class IncidentSummary final : public alert::IncidentSink {
 public:
  void on_incident(const alert::Incident& incident, alert::IncidentActivity activity) override;

  // In order: severest first, then by time.
  [[nodiscard]] std::vector<alert::Incident> shown() const;
  [[nodiscard]] uint64_t incidents() const noexcept { return incidents_; }
  [[nodiscard]] uint64_t leaks() const noexcept { return leaks_; }

 private:
  static constexpr size_t kMaxShown = 1000;
  std::vector<alert::Incident> kept_;
  uint64_t incidents_ = 0;
  uint64_t leaks_ = 0;
};

// An incident that holds protected content, and not only the use of a service.
[[nodiscard]] bool is_leak(const alert::Incident& incident) noexcept;

[[nodiscard]] std::string replay_text(const ReplayFacts& facts, const UsageTotals& usage,
                                      const IncidentSummary& incidents);
// All but "timing" is the same in every replay of the same input.
[[nodiscard]] std::string replay_stats_json(const ReplayFacts& facts, const UsageTotals& usage,
                                            const IncidentSummary& incidents);

}  // namespace weir::app
