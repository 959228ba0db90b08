// The clock that packet times of live sources are taken from. For the runtime only: inspection
// never reads a clock.
#pragma once

#include <chrono>

#include "core/time.h"

namespace weir::app {

inline Timestamp wall_clock() noexcept {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

}  // namespace weir::app
