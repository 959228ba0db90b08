// Packet time. Inspection never reads a clock, so a replay of a capture repeats itself.
#pragma once

#include <compare>
#include <cstdint>

namespace weir {

// A span of time in nanoseconds.
struct Duration {
  int64_t ns = 0;
  static constexpr Duration seconds(int64_t s) noexcept { return {s * 1'000'000'000}; }
  static constexpr Duration millis(int64_t ms) noexcept { return {ms * 1'000'000}; }
  [[nodiscard]] constexpr double as_seconds() const noexcept {
    return static_cast<double>(ns) * 1e-9;
  }
  friend constexpr auto operator<=>(Duration, Duration) noexcept = default;
};

// Nanoseconds since the Unix epoch, UTC. Zero means "not known".
struct Timestamp {
  int64_t ns = 0;
  friend constexpr auto operator<=>(Timestamp, Timestamp) noexcept = default;
  friend constexpr Duration operator-(Timestamp a, Timestamp b) noexcept { return {a.ns - b.ns}; }
  friend constexpr Timestamp operator+(Timestamp t, Duration d) noexcept { return {t.ns + d.ns}; }
};

}  // namespace weir
