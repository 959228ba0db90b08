// How often this binary has allocated so far; linking the source replaces operator new.
#pragma once

#include <cstdint>

namespace weir::test {
uint64_t allocation_count() noexcept;
}  // namespace weir::test
