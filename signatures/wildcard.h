// Patterns with `*`, without regular expressions: over whole texts (paths, user agents) and over
// host names, where a `*` stays inside its label. Iterative, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::signatures {

constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

enum class LetterCase : uint8_t { kExact, kIgnore };

// `*` is any run of characters, none included. Time is at most |text| times the longest part of the
// pattern between two `*`.
[[nodiscard]] bool wildcard_match(std::string_view pattern, std::string_view text,
                                  LetterCase letter_case = LetterCase::kExact) noexcept;

// Characters of a pattern that are not `*`: how much a pattern says.
[[nodiscard]] size_t literal_length(std::string_view pattern) noexcept;

// A host pattern (lower case) against a normalised host: exact, "*.x" (x and all below it), or with
// `*` inside labels, each standing for one or more characters other than a dot. "*" is any host.
[[nodiscard]] bool host_matches(std::string_view pattern, std::string_view host) noexcept;

// What is wrong with a host pattern; empty when nothing is.
[[nodiscard]] std::string check_host_pattern(std::string_view pattern);

// A host as it stands in a header or certificate, made comparable: lower case, without port, final
// dot and IPv6 brackets. `out` must hold kMaxHost bytes; empty when the host is empty or too long.
inline constexpr size_t kMaxHost = 255;
[[nodiscard]] std::string_view normalise_host(std::string_view host, char* out) noexcept;

}  // namespace weir::signatures
