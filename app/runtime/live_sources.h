// The live packet sources that a configuration names.
#pragma once

#include <string>
#include <vector>

#include "app/runtime/sensor.h"
#include "config/settings.h"
#include "core/result.h"

namespace weir::app {

// Whether a sensor can run with these settings, as far as can be told without opening anything.
Status check_capture(const config::Settings& settings);
// How many workers `capture.workers` means here.
[[nodiscard]] size_t worker_count(const config::CaptureSettings& settings) noexcept;
// One list of sources for each worker.
Result<std::vector<Sensor::Sources>> open_live_sources(const config::Settings& settings);
// "eth1, eth2 with 4 workers"
[[nodiscard]] std::string capture_text(const config::CaptureSettings& settings);

}  // namespace weir::app
