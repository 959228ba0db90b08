// Ranges of time as a command line names them.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace weir::app {

struct TimeRange {
  int64_t from_us = INT64_MIN;   // microseconds since 1970, UTC
  int64_t until_us = INT64_MAX;  // the first one outside
};

// "2026-11-01" or "2026-11-01T13:30", UTC: microseconds since 1970.
Result<int64_t> parse_time(const std::string& text);
// --from and --until as above, or --last ("24h", "7d") before `now_us`; each may be empty, --last
// and the others exclude one another.
Result<TimeRange> time_range(const std::string& from, const std::string& until,
                             const std::string& last, int64_t now_us);
// By the system's clock.
[[nodiscard]] int64_t now_us() noexcept;

}  // namespace weir::app
