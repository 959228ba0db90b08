// Tells HTTP/1 by its first bytes. Both answers are monotone: more bytes never turn a kYes or kNo
// into another answer.
#include <algorithm>
#include <cstring>

#include "inspect/http/http1_decoder.h"
#include "inspect/http/http1_syntax.h"

namespace weir::inspect {
namespace {

constexpr size_t kMethodBytes = 32;
constexpr size_t kLineBytes = 16U << 10;  // a longer line of an unknown method is not waited for

ProbeAnswer probe_whole_line(std::string_view text) noexcept {
  const size_t end = text.find('\n');
  const std::string_view line = trim(text.substr(0, end));
  for (const char c : line) {
    if ((static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f) return ProbeAnswer::kNo;
  }
  if (end == std::string_view::npos) {
    return text.size() > kLineBytes ? ProbeAnswer::kNo : ProbeAnswer::kMaybe;
  }
  if (end > kLineBytes) return ProbeAnswer::kNo;
  return parse_request_line(line) ? ProbeAnswer::kYes : ProbeAnswer::kNo;
}

}  // namespace

ProbeAnswer probe_http1_request(ByteSpan first) noexcept {
  std::string_view text = as_chars(first);
  // Servers skip any number of line ends (RFC 9112 section 2.2).
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  size_t method = 0;
  while (method < text.size() && is_token_char(static_cast<uint8_t>(text[method]))) {
    if (++method > kMethodBytes) return ProbeAnswer::kNo;
  }
  if (method == text.size()) return ProbeAnswer::kMaybe;
  if (method == 0 || text[method] != ' ') return ProbeAnswer::kNo;
  if (method + 1 == text.size()) return ProbeAnswer::kMaybe;
  if (is_known_method(text.substr(0, method))) {
    const std::string_view target = text.substr(method + 1);
    if (target.front() == '/' || starts_with_lower(target, "http://") ||
        starts_with_lower(target, "https://")) {
      return ProbeAnswer::kYes;
    }
  }
  return probe_whole_line(text);
}

ProbeAnswer probe_http1_response(ByteSpan first) noexcept {
  constexpr std::string_view kStart = "HTTP/1.";
  const std::string_view text = as_chars(first);
  if (text.size() < kStart.size()) {
    return kStart.starts_with(text) ? ProbeAnswer::kMaybe : ProbeAnswer::kNo;
  }
  if (!text.starts_with(kStart)) return ProbeAnswer::kNo;
  if (text.size() == kStart.size()) return ProbeAnswer::kMaybe;
  if (text[kStart.size()] < '0' || text[kStart.size()] > '9') return ProbeAnswer::kNo;
  if (text.size() == kStart.size() + 1) return ProbeAnswer::kMaybe;
  return text[kStart.size() + 1] == ' ' ? ProbeAnswer::kYes : ProbeAnswer::kNo;
}

}  // namespace weir::inspect
