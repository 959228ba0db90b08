// What single words of a YAML file mean: counts, sizes, spans of time; and which known word an
// unknown one was probably meant to be. Strict: no leading zeros, signs, digit separators, or hex.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/time.h"

namespace weir::config {

// "0", "42", "-7".
std::optional<int64_t> parse_integer(std::string_view text) noexcept;
// "0.7", "3", "1e-3"; finite.
std::optional<double> parse_number(std::string_view text) noexcept;
// "64KiB", "4MiB", "1GiB", "2TiB", "512B" or a plain count of bytes.
std::optional<uint64_t> parse_bytes(std::string_view text) noexcept;
// "250ms", "5s", "10m", "2h", "7d", or a plain count of seconds.
std::optional<Duration> parse_duration(std::string_view text) noexcept;

// The way the functions above would be written by a person: "64KiB", "10m".
std::string format_bytes(uint64_t bytes);
std::string format_duration(Duration duration);

// The candidate with the fewest edits, when these are few for a word of that length; the first
// among equals. Empty when none is near.
std::string_view nearest_word(std::string_view word, std::span<const std::string> candidates);

}  // namespace weir::config
