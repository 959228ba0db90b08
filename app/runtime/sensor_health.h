// Tells when the sensor itself misses traffic: packets that the kernel dropped, and bytes that a
// receiver acknowledged but that never came by here. Raised as an incident of the rule "sensor".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/runtime/alert_queue.h"
#include "config/settings.h"
#include "core/time.h"
#include "inspect/engine/engine.h"

namespace weir::app {

// Sums since the start.
struct HealthSums {
  uint64_t packets = 0;
  uint64_t dropped = 0;  // by kernel and interface
  uint64_t upload_bytes = 0;
  uint64_t unseen_bytes = 0;  // of them
  uint64_t alerts_merged = 0;
  uint64_t records_dropped = 0;
  uint64_t queue_full = 0;    // times
  uint64_t cut_unjudged = 0;  // connections
};
[[nodiscard]] HealthSums health_sums(const inspect::CounterList& counters);

class SensorHealth {
 public:
  // `queue` is fed by whoever calls look().
  SensorHealth(const config::HealthSettings& settings, AlertQueue& queue)
      : settings_(settings), queue_(queue) {}

  [[nodiscard]] bool due(Timestamp now) const noexcept;
  // Compares with what was there at the last look.
  void look(const HealthSums& sums, Timestamp now, uint64_t generation);

 private:
  void raise(const std::string& rule, const std::string& title, Timestamp now, uint64_t generation);

  config::HealthSettings settings_;
  AlertQueue& queue_;
  bool looked_ = false;
  HealthSums last_;
  Timestamp last_time_;
};

}  // namespace weir::app
