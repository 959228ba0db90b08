#include "config/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace weir::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// Largest first, so that formatting takes the first that divides.
constexpr std::array<Unit, 5> kByteUnits = {
    {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};
constexpr std::array<Unit, 5> kTimeUnits = {{{"d", 86'400'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000}}};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

size_t digits_at(std::string_view text, size_t from) noexcept {
  size_t n = 0;
  while (from + n < text.size() && is_digit(text[from + n])) ++n;
  return n;
}

// A count and one of the units; `plain` is the factor of a count without one.
template <size_t N>
std::optional<uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units,
                                        uint64_t plain) noexcept {
  const size_t digits = digits_at(text, 0);
  if (digits == 0 || (digits > 1 && text[0] == '0')) return std::nullopt;
  uint64_t count = 0;
  if (std::from_chars(text.data(), text.data() + digits, count).ec != std::errc()) {
    return std::nullopt;
  }
  const std::string_view suffix = text.substr(digits);
  uint64_t factor = suffix.empty() ? plain : 0;
  for (const Unit& unit : units) {
    if (unit.name == suffix) factor = unit.factor;
  }
  if (factor == 0 || count > std::numeric_limits<uint64_t>::max() / factor) return std::nullopt;
  return count * factor;
}

template <size_t N>
std::string format_with_unit(uint64_t value, const std::array<Unit, N>& units,
                             std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(value);
}

// Edits (insert, delete, replace, swap of neighbours) that make one word of the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::optional<int64_t> parse_integer(std::string_view text) noexcept {
  const size_t sign = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t digits = digits_at(text, sign);
  if (digits == 0 || sign + digits != text.size()) return std::nullopt;
  if (digits > 1 && text[sign] == '0') return std::nullopt;
  int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> parse_number(std::string_view text) noexcept {
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return std::nullopt;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return std::nullopt;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = digits_at(text, at);
    if (exponent == 0) return std::nullopt;
    at += exponent;
  }
  if (at != text.size()) return std::nullopt;
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return std::nullopt;
  }
  return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
}

std::optional<uint64_t> parse_bytes(std::string_view text) noexcept {
  return parse_with_unit(text, kByteUnits, 1);
}

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  const std::optional<uint64_t> ns = parse_with_unit(text, kTimeUnits, 1'000'000'000);
  if (!ns || *ns > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return Duration{static_cast<int64_t>(*ns)};
}

std::string format_bytes(uint64_t bytes) { return format_with_unit(bytes, kByteUnits, "0"); }

std::string format_duration(Duration duration) {
  if (duration.ns < 0) return "-" + format_duration(Duration{-duration.ns});
  const auto ns = static_cast<uint64_t>(duration.ns);
  if (ns % 1'000'000 != 0) return std::to_string(ns) + "ns";
  return format_with_unit(ns, kTimeUnits, "0s");
}

std::string_view nearest_word(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t kLongest = 256;  // longer words are no typing mistakes
  if (word.size() > kLongest) return {};
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance < best && distance < candidate.size()) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace weir::config
