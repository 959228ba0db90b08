// See proxy_header.h.
#include "inspect/engine/proxy_header.h"

#include <algorithm>
#include <string_view>

namespace weir::inspect {
namespace {

using std::literals::operator""sv;

constexpr size_t kMostLine = 107;   // version 1, with its line end
constexpr size_t kFixedBytes = 16;  // version 2: signature, command, family, length
constexpr size_t kLengthAt = 14;
constexpr auto kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::array kLines{"PROXY TCP4 "sv, "PROXY TCP6 "sv, "PROXY UNKNOWN"sv};

}  // namespace

ProbeAnswer probe_proxy_header(ByteSpan first) noexcept {
  const std::string_view text = as_chars(first);
  ProbeAnswer answer = ProbeAnswer::kNo;
  for (const std::string_view line : kLines) {
    if (text.starts_with(line)) return ProbeAnswer::kYes;
    if (line.starts_with(text)) answer = ProbeAnswer::kMaybe;
  }
  if (!text.starts_with(kSignature)) {
    return kSignature.starts_with(text) ? ProbeAnswer::kMaybe : answer;
  }
  if (first.size() < kFixedBytes) return ProbeAnswer::kMaybe;
  const uint8_t command = first[12];
  return command == 0x20 || command == 0x21 ? ProbeAnswer::kYes : ProbeAnswer::kNo;
}

size_t ProxyHeader::skip(ByteSpan data) noexcept {
  size_t used = 0;
  while (used < data.size() && active()) {
    const uint8_t byte = data[used];
    switch (state_) {
      case State::kStart:
        state_ = byte == 'P' ? State::kLine : State::kFixed;
        break;
      case State::kLine:
        ++used;
        if (byte == '\n' || ++seen_ == kMostLine) state_ = State::kOver;
        break;
      case State::kFixed:
        ++used;
        if (seen_ >= kLengthAt) length_[seen_ - kLengthAt] = byte;
        if (++seen_ < kFixedBytes) break;
        left_ = size_t{length_[0]} << 8 | length_[1];
        state_ = left_ > 0 ? State::kBody : State::kOver;
        break;
      case State::kBody: {
        const size_t size = std::min(left_, data.size() - used);
        used += size;
        left_ -= size;
        if (left_ == 0) state_ = State::kOver;
        break;
      }
      case State::kNone:
      case State::kOver:
        break;
    }
  }
  return used;
}

void ProxyHeader::lose(uint64_t bytes) noexcept {
  if (!active()) return;
  if (state_ == State::kBody && bytes > 0 && bytes < left_) {
    left_ -= static_cast<size_t>(bytes);
  } else {
    state_ = State::kOver;
  }
}

}  // namespace weir::inspect
