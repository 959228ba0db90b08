// The policy rules of weir.yaml.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "config/yaml.h"

namespace weir::config {

// Readers of numbers for conditions: parse_integer's or parse_bytes' values.
using ParseAmount = std::optional<uint64_t> (*)(std::string_view) noexcept;

// ">=8", ">8", "<=8", "<8", "3..10" (both included), "8"; nothing when it is none of these or holds
// no value.
std::optional<Range> parse_range(std::string_view text, ParseAmount parse) noexcept;

// A range of sizes and a span of whole seconds: ">1MiB in 10s".
std::optional<Burst> parse_burst(std::string_view text) noexcept;

// `list` is the list under `policy`. Leaves `out` as it is where a rule is bad.
void read_policy(const YamlNode& list, YamlErrors& errors, std::vector<PolicyRule>& out);

}  // namespace weir::config
