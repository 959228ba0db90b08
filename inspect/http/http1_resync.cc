#include "inspect/http/http1_resync.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "inspect/http/http1_syntax.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {
namespace {

constexpr size_t kLineBytes = 8U << 10;
constexpr size_t kMethodBytes = 7;

bool ends_like_method(uint8_t c) noexcept {
  return c == 'T' || c == 'E' || c == 'D' || c == 'H' || c == 'S';
}

// `rest` follows "METHOD SP".
ProbeAnswer probe_target(std::string_view rest) noexcept {
  constexpr std::string_view kVersion = "HTTP/1.";
  size_t at = 0;
  while (at < rest.size() && static_cast<uint8_t>(rest[at]) > ' ' && rest[at] != '\x7f') ++at;
  if (at == rest.size()) return ProbeAnswer::kMaybe;
  if (at == 0 || rest[at] != ' ') return ProbeAnswer::kNo;
  const std::string_view tail = rest.substr(at + 1);
  if (tail.size() < kVersion.size()) {
    return kVersion.starts_with(tail) ? ProbeAnswer::kMaybe : ProbeAnswer::kNo;
  }
  if (!tail.starts_with(kVersion)) return ProbeAnswer::kNo;
  std::string_view end = tail.substr(kVersion.size());
  if (end.empty()) return ProbeAnswer::kMaybe;
  if (end.front() < '0' || end.front() > '9') return ProbeAnswer::kNo;
  end.remove_prefix(1);
  if (end.starts_with('\r')) end.remove_prefix(1);
  if (end.empty()) return ProbeAnswer::kMaybe;
  return end.front() == '\n' ? ProbeAnswer::kYes : ProbeAnswer::kNo;
}

}  // namespace

Resync find_request_line(ByteSpan bytes) noexcept {
  const std::string_view text = as_chars(bytes);
  size_t from = 0;
  while (from < bytes.size()) {
    const void* found = std::memchr(bytes.data() + from, ' ', bytes.size() - from);
    if (found == nullptr) break;
    const size_t space = static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data());
    from = space + 1;
    if (space < 3 || !ends_like_method(bytes[space - 1])) continue;
    const size_t method = known_method_suffix(
        text.substr(space - std::min(space, kMethodBytes), std::min(space, kMethodBytes)));
    if (method == 0) continue;
    const std::string_view rest = text.substr(from, kLineBytes);
    ProbeAnswer probe = probe_target(rest);
    // A line that long is not waited for.
    if (probe == ProbeAnswer::kMaybe && rest.size() == kLineBytes) probe = ProbeAnswer::kNo;
    if (probe != ProbeAnswer::kNo) return {space - method, probe == ProbeAnswer::kYes};
  }
  const size_t tail = std::min(bytes.size(), kMethodBytes);
  return {bytes.size() - begun_method_suffix(text.substr(text.size() - tail)), false};
}

}  // namespace weir::inspect
