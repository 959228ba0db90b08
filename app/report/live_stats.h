// What a running sensor says of itself, as JSON: the protocol of the control socket. A question is
// {"do": "stats" | "flows" | "keys" | "reload" | "reload_state", "number": N}; an answer is
// an object with "ok", and "error" where that is false. Fields are described in docs/commands.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/runtime/alert_desk.h"
#include "app/runtime/sensor.h"
#include "config/settings.h"
#include "core/time.h"
#include "inspect/engine/engine.h"

namespace weir::app {

struct LiveQuestion {
  enum class What : uint8_t { kUnknown, kStats, kFlows, kKeys, kReload, kReloadState };
  What what = What::kUnknown;
  uint64_t number = 0;  // flows: how many; reload_state: which
};
[[nodiscard]] LiveQuestion parse_question(std::string_view text);

struct LiveFacts {
  Timestamp began;
  Timestamp now;
  uint64_t generation = 1;
  uint64_t reloads = 0;
  bool last_reload_good = true;
  std::string last_reload;
  size_t snapshots = 1;  // in memory
  uint64_t late_workers = 0;
  std::vector<uint64_t> worker_generations;
  const config::CaptureSettings* capture = nullptr;
  inspect::CounterList keys;
};

[[nodiscard]] std::string stats_answer(Sensor& sensor, const AlertDesk& desk,
                                       const LiveFacts& facts);
[[nodiscard]] std::string flows_answer(Sensor& sensor, uint64_t count);
[[nodiscard]] std::string counters_answer(std::string_view name,
                                          const inspect::CounterList& counters);
[[nodiscard]] std::string reload_answer(uint64_t number);
[[nodiscard]] std::string reload_state_answer(bool done, bool good, const std::string& message,
                                              uint64_t generation, double seconds);
[[nodiscard]] std::string error_answer(const std::string& message);

}  // namespace weir::app
