// The incidents that were told last, and how many of each severity: what an operator looks at.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>

#include "alert/incident.h"

namespace weir::app {

struct RecentIncident {
  std::string id;
  Timestamp last_seen;
  Severity severity = Severity::kNone;
  Action action = Action::kAlert;
  std::string client;
  std::string user;
  std::string where;  // product, else host, else address
  std::string rule;
  std::string what;  // the first piece of evidence; empty: the use of a service
  uint64_t count = 0;
  uint64_t generation = 1;
};

class RecentIncidents final : public alert::IncidentSink {
 public:
  static constexpr size_t kKept = 64;
  void on_incident(const alert::Incident& incident, alert::IncidentActivity activity) override;

  [[nodiscard]] const std::deque<RecentIncident>& latest() const noexcept { return latest_; }
  // Incidents begun, by the severity they began with; indexed by Severity.
  [[nodiscard]] const std::array<uint64_t, 6>& begun() const noexcept { return begun_; }

 private:
  std::deque<RecentIncident> latest_;  // the latest first
  std::array<uint64_t, 6> begun_{};
};

}  // namespace weir::app
