// The two ways of a flow, and a pair of things indexed by them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {

// kToServer: from the host that opened the flow (as far as is known). kToClient: back to it.
enum class Direction : uint8_t { kToServer = 0, kToClient = 1 };

constexpr Direction reverse(Direction d) noexcept {
  return d == Direction::kToServer ? Direction::kToClient : Direction::kToServer;
}

template <typename T>
struct PerDirection {
  std::array<T, 2> slot{};
  T& operator[](Direction d) noexcept { return slot[static_cast<size_t>(d)]; }
  const T& operator[](Direction d) const noexcept { return slot[static_cast<size_t>(d)]; }
};

}  // namespace weir
