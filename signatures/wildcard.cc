// See wildcard.h.
#include "signatures/wildcard.h"

#include <algorithm>
#include <cctype>

namespace weir::signatures {

namespace {

bool same(char a, char b, LetterCase letter_case) noexcept {
  return letter_case == LetterCase::kExact ? a == b : ascii_lower(a) == ascii_lower(b);
}

// `*` needs at least `star_min` characters (0 or 1). Only the last `*` is ever taken back: the
// parts before it were matched as early as possible, which leaves the most room.
bool match(std::string_view pattern, std::string_view text, LetterCase letter_case,
           size_t star_min) noexcept {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // position after the last `*`
  size_t resume = 0;                     // where in `text` the part after it was last tried
  while (true) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      t += star_min;
      if (t > text.size()) return false;
      resume = t;
    } else if (p < pattern.size() && t < text.size() && same(pattern[p], text[t], letter_case)) {
      ++p;
      ++t;
    } else if (p == pattern.size() && t == text.size()) {
      return true;
    } else if (star != std::string_view::npos && resume < text.size()) {
      p = star;
      t = ++resume;
    } else {
      return false;
    }
  }
}

bool host_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// The first label of `name`, which is then taken off it.
std::string_view take_label(std::string_view& name) noexcept {
  const size_t dot = name.find('.');
  const std::string_view label = name.substr(0, dot);
  name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
  return label;
}

}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text,
                    LetterCase letter_case) noexcept {
  return match(pattern, text, letter_case, 0);
}

size_t literal_length(std::string_view pattern) noexcept {
  return pattern.size() - static_cast<size_t>(std::count(pattern.begin(), pattern.end(), '*'));
}

bool host_matches(std::string_view pattern, std::string_view host) noexcept {
  if (pattern == "*") return true;
  if (pattern.starts_with("*.") && pattern.find('*', 1) == std::string_view::npos) {
    const std::string_view tail = pattern.substr(1);  // with its dot
    return host == tail.substr(1) || (host.size() > tail.size() && host.ends_with(tail));
  }
  if (std::count(pattern.begin(), pattern.end(), '.') !=
      std::count(host.begin(), host.end(), '.')) {
    return false;
  }
  while (!pattern.empty()) {
    if (!match(take_label(pattern), take_label(host), LetterCase::kExact, 1)) return false;
  }
  return true;
}

std::string check_host_pattern(std::string_view pattern) {
  if (pattern == "*") return {};
  const std::string quoted = "\"" + std::string(pattern) + "\"";
  if (pattern.empty() || pattern.size() > kMaxHost) {
    return "host " + quoted + ": expected 1 to " + std::to_string(kMaxHost) + " characters";
  }
  std::string_view rest = pattern;
  size_t labels = 0;
  size_t fixed_tail = 0;  // labels without `*` at the end
  size_t stars = 0;
  while (true) {
    const bool last = rest.find('.') == std::string_view::npos;
    const std::string_view label = take_label(rest);
    if (label.empty() || label.size() > 63) {
      return "host " + quoted + ": a label has no or more than 63 characters";
    }
    for (const char c : label) {
      if (c != '*' && !host_character(c)) {
        return "host " + quoted + ": expected lower-case letters, digits, '-', '_', '.' and '*'";
      }
    }
    if (label.find("**") != std::string_view::npos)
      return "host " + quoted + ": '**' says no more than '*'";
    const size_t in_label = static_cast<size_t>(std::count(label.begin(), label.end(), '*'));
    stars += in_label;
    fixed_tail = in_label == 0 ? fixed_tail + 1 : 0;
    ++labels;
    if (last) break;
  }
  if (stars > 0 && fixed_tail == 0) return "host " + quoted + ": the last label may not have a '*'";
  if (pattern.starts_with("*.") && stars > 1) {
    return "host " + quoted + ": '*.' at the head does not go with another '*'";
  }
  return {};
}

std::string_view normalise_host(std::string_view host, char* out) noexcept {
  if (host.starts_with('[')) {
    const size_t close = host.find(']');
    if (close == std::string_view::npos) return {};
    host = host.substr(1, close - 1);
  } else if (const size_t colon = host.find(':');
             colon != std::string_view::npos &&
             host.find(':', colon + 1) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > kMaxHost) return {};
  std::transform(host.begin(), host.end(), out, ascii_lower);
  return {out, host.size()};
}

}  // namespace weir::signatures
