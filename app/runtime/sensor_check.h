// What `weir run --check` says: what is looked for, and the memory that a sensor may take.
#pragma once

#include <string>

#include "config/settings.h"
#include "inspect/engine/snapshot.h"

namespace weir::app {

[[nodiscard]] std::string check_text(const config::Settings& settings,
                                     const inspect::Snapshot& snapshot);

}  // namespace weir::app
