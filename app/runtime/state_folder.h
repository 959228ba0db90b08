// Where a sensor or a replay keeps what must outlive it.
#pragma once

#include <string>

#include "core/result.h"

namespace weir::app {

inline constexpr const char* kStateDatabase = "weir.db";

// FOLDER/weir.db; makes the folder, with mode 0700, when it is not there.
Result<std::string> state_database(const std::string& folder);

// The database that --state FOLDER, --store FILE or the configuration's alerts.store names, in this
// order.
Result<std::string> named_database(const std::string& folder, const std::string& file,
                                   const std::string& config);

}  // namespace weir::app
