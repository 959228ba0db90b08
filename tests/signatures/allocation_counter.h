// Counts the allocations of the test binary that links allocation_counter.cc.
#pragma once

#include <cstddef>

namespace weir::test {

[[nodiscard]] size_t allocations() noexcept;

}  // namespace weir::test
