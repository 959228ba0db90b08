#include "inspect/http/http2_frames.h"

#include <algorithm>
#include <cstring>

#include "core/byte_reader.h"

namespace weir::inspect {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kProbeBytes = 64;
// So that frames differ from other bytes. Peers may agree on longer frames; of such connections
// only the shorter ones are found.
constexpr uint32_t kLikelyLength = 1U << 14;
constexpr uint32_t kLikelyStream = 0xffffff;

bool flags_within(const FrameHeader& frame, unsigned allowed) noexcept {
  return (frame.flags & ~allowed) == 0;
}

// Stricter than valid_frame: flags without a meaning, and sizes and streams that nobody uses, are
// taken as a sign of other bytes.
bool likely_frame(const FrameHeader& frame) noexcept {
  if (!valid_frame(frame) || frame.reserved || frame.length > kLikelyLength ||
      frame.stream > kLikelyStream) {
    return false;
  }
  const bool request_stream = frame.stream % 2 == 1;
  switch (frame.type) {
    case FrameType::kData:
      return request_stream && flags_within(frame, 0x09) && (frame.length > 0 || frame.flags == 1);
    case FrameType::kHeaders:
      return request_stream && flags_within(frame, 0x2d) && frame.length > 0;
    case FrameType::kContinuation:
      return request_stream && flags_within(frame, 0x04) && frame.length > 0;
    case FrameType::kPriority:
    case FrameType::kReset:
      return request_stream && frame.flags == 0;
    case FrameType::kSettings:
      return flags_within(frame, 0x01) && frame.length <= 6 * 32 &&
             (frame.length == 0) == frame.has(FrameHeader::kAck);
    case FrameType::kPing:
      return flags_within(frame, 0x01);
    case FrameType::kWindowUpdate:
      return frame.flags == 0 && (frame.stream == 0 || request_stream);
    case FrameType::kGoAway:
      return frame.flags == 0 && frame.length <= 1024;
    case FrameType::kPriorityUpdate:
      return frame.flags == 0 && frame.length <= 256;
    case FrameType::kPushPromise:
      return false;
  }
  return false;
}

// The first bytes of a frame header that is not complete.
bool may_begin_frame(ByteSpan bytes) noexcept {
  return bytes[0] == 0 && (bytes.size() < 4 || bytes[3] <= 9 || bytes[3] == 16) &&
         (bytes.size() < 6 || bytes[5] == 0);
}

// Whether `bytes` begin with two likely frames in a row.
ProbeAnswer probe_pair(ByteSpan bytes) noexcept {
  for (int frames = 0; frames < 2; ++frames) {
    if (bytes.size() < kFrameHeaderBytes) {
      return bytes.empty() || may_begin_frame(bytes) ? ProbeAnswer::kMaybe : ProbeAnswer::kNo;
    }
    const FrameHeader frame = parse_frame_header(bytes);
    if (!likely_frame(frame)) return ProbeAnswer::kNo;
    const size_t whole = kFrameHeaderBytes + frame.length;
    if (frames == 0 && bytes.size() <= whole) return ProbeAnswer::kMaybe;
    bytes = bytes.subspan(std::min(whole, bytes.size()));
  }
  return ProbeAnswer::kYes;
}

}  // namespace

FrameHeader parse_frame_header(ByteSpan bytes) noexcept {
  ByteReader reader(bytes);
  FrameHeader frame;
  frame.length = reader.u24();
  frame.type = static_cast<FrameType>(reader.u8());
  frame.flags = reader.u8();
  const uint32_t stream = reader.u32();
  frame.stream = stream & 0x7fffffffU;
  frame.reserved = stream != frame.stream;
  return frame;
}

bool valid_frame(const FrameHeader& frame) noexcept {
  switch (frame.type) {
    case FrameType::kData:
    case FrameType::kContinuation:
    case FrameType::kPushPromise:
      return frame.stream != 0;
    case FrameType::kHeaders:
      return frame.stream != 0;
    case FrameType::kPriority:
      return frame.stream != 0 && frame.length == 5;
    case FrameType::kReset:
      return frame.stream != 0 && frame.length == 4;
    case FrameType::kSettings:
      return frame.stream == 0 && frame.length % 6 == 0;
    case FrameType::kPing:
      return frame.stream == 0 && frame.length == 8;
    case FrameType::kGoAway:
      return frame.stream == 0 && frame.length >= 8;
    case FrameType::kWindowUpdate:
      return frame.length == 4;
    case FrameType::kPriorityUpdate:
      return frame.stream == 0 && frame.length >= 4;
  }
  return true;  // extensions are ignored by who does not know them
}

ProbeAnswer probe_http2(ByteSpan first) noexcept {
  const std::string_view text = as_chars(first).substr(0, kPreface.size());
  if (!kPreface.starts_with(text)) return ProbeAnswer::kNo;
  return text.size() == kPreface.size() ? ProbeAnswer::kYes : ProbeAnswer::kMaybe;
}

ProbeAnswer probe_http2_frames(ByteSpan first) noexcept {
  const ProbeAnswer pair = probe_pair(first);
  if (pair == ProbeAnswer::kMaybe && first.size() >= kProbeBytes &&
      parse_frame_header(first).length >= kProbeBytes - kFrameHeaderBytes) {
    return ProbeAnswer::kYes;
  }
  return pair;
}

FrameSearch find_frames(ByteSpan bytes, bool last) noexcept {
  size_t at = 0;
  while (at < bytes.size()) {
    const void* zero = std::memchr(bytes.data() + at, 0, bytes.size() - at);
    if (zero == nullptr) break;
    at = static_cast<size_t>(static_cast<const uint8_t*>(zero) - bytes.data());
    ProbeAnswer answer = probe_pair(bytes.subspan(at));
    if (last && answer == ProbeAnswer::kMaybe) {
      const ByteSpan rest = bytes.subspan(at);
      const bool whole = rest.size() >= kFrameHeaderBytes &&
                         rest.size() == kFrameHeaderBytes + parse_frame_header(rest).length;
      answer = whole ? ProbeAnswer::kYes : ProbeAnswer::kNo;
    }
    if (answer != ProbeAnswer::kNo) return {at, answer == ProbeAnswer::kYes};
    ++at;
  }
  return {bytes.size(), false};
}

}  // namespace weir::inspect
