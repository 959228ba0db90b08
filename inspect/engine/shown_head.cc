// See shown_head.h.
#include "inspect/engine/shown_head.h"

#include <algorithm>

namespace weir::inspect {
namespace {

constexpr size_t kLeft = 4;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool joins(char c) noexcept {
  return c == '-' || c == '_' || c == '+' || c == '=' || c == '~' || c == '%';
}

bool looks_like_token(std::string_view word) noexcept {
  constexpr size_t kRun = 16;
  size_t digits = 0;
  size_t letters = 0;
  for (const char c : word) {
    if (digit(c)) {
      ++digits;
    } else if (letter(c)) {
      ++letters;
    } else {
      digits = letters = 0;
    }
    if (digits > 0 && letters > 0 && digits + letters >= kRun) return true;
  }
  return false;
}

}  // namespace

std::string without_tokens(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && (digit(text[end]) || letter(text[end]) || joins(text[end]))) ++end;
    const std::string_view word = text.substr(at, end - at);
    out += looks_like_token(word) ? std::string(word.substr(0, kLeft)) + "***" : std::string(word);
    if (end < text.size()) out += text[end++];
    at = end;
  }
  return out;
}

void mask_long_parts(std::string& path) {
  constexpr size_t kLong = 16;
  std::string out;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = std::string_view(path).substr(at, end - at);
    out += part.size() > kLong ? std::string(part.substr(0, kLeft)) + "***" : std::string(part);
    if (end < path.size()) out += '/';
    at = end + 1;
  }
  path = std::move(out);
}

}  // namespace weir::inspect
