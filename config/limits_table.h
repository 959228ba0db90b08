// The keys of `limits:` in weir.yaml: one row for each field of core/limits.h, with the range that
// is accepted. The defaults are those of the struct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/yaml.h"
#include "core/limits.h"

namespace weir::config {

enum class LimitUnit : uint8_t { kCount, kBytes, kTime };

static_assert(std::is_same_v<size_t, uint64_t>, "one member pointer serves both");

struct LimitRow {
  std::string_view name;
  LimitUnit unit = LimitUnit::kCount;
  // One of these.
  uint64_t Limits::*amount = nullptr;  // counts and bytes
  int Limits::*small = nullptr;        // counts
  Duration Limits::*time = nullptr;
  uint64_t min = 0;  // of a time in nanoseconds
  uint64_t max = 0;
};

std::span<const LimitRow> limit_rows() noexcept;
uint64_t limit_amount(const LimitRow& row, const Limits& limits) noexcept;

// The value of a row in `limits`, written as in YAML ("64KiB", "5m", "256").
std::string limit_value(const LimitRow& row, const Limits& limits);
std::string limit_range(const LimitRow& row);

void read_limits(const YamlNode& node, YamlErrors& errors, Limits& out);

}  // namespace weir::config
