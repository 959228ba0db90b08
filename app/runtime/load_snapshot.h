// From settings to what the inspection reads: catalogue, rules, indexes, policy.
#pragma once

#include <memory>

#include "config/settings.h"
#include "core/result.h"
#include "inspect/engine/snapshot.h"

namespace weir::app {

Result<std::shared_ptr<const inspect::DetectorSet>> load_detectors(
    const config::Settings& settings, double least_score = inspect::kLeastScore);

Result<std::shared_ptr<const inspect::Snapshot>> load_snapshot(const config::Settings& settings,
                                                               uint64_t generation = 1);

}  // namespace weir::app
