#include "inspect/http/websocket_frames.h"

#include <algorithm>
#include <cstring>

#include "core/byte_reader.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {
namespace {

constexpr size_t kSearchBytes = 32U << 10;
constexpr size_t kTextBytes = 16;  // all of which must be readable
constexpr int kFramesInARow = 3;

bool readable(uint8_t c) noexcept {
  return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t' || c == '\r';
}

bool likely_first_bytes(uint8_t first, uint8_t second) noexcept {
  const uint8_t opcode = first & 0x0fU;
  const bool control = opcode >= WebSocketFrame::kClose;
  if (opcode > WebSocketFrame::kPong || (opcode > WebSocketFrame::kBinary && !control)) {
    return false;
  }
  if ((first & 0x30U) != 0 || (second & 0x80U) == 0) return false;
  const bool compressed = (first & 0x40U) != 0;
  if (compressed && (control || opcode == WebSocketFrame::kContinuation)) return false;
  return !control || ((first & 0x80U) != 0 && (second & 0x7fU) <= 125);
}

// Whether `bytes` begin with frames that a client would send.
ProbeAnswer probe_frames(ByteSpan bytes) noexcept {
  size_t at = 0;
  for (int frames = 0; frames < kFramesInARow; ++frames) {
    if (at > kSearchBytes - kWebSocketHeaderBytes) return ProbeAnswer::kNo;
    const ByteSpan rest = bytes.subspan(std::min(at, bytes.size()));
    if (rest.size() < 2) return ProbeAnswer::kMaybe;
    if (!likely_first_bytes(rest[0], rest[1])) return ProbeAnswer::kNo;
    const size_t header = websocket_header_size(rest);
    if (rest.size() < header) return ProbeAnswer::kMaybe;
    const WebSocketFrame frame = parse_websocket_header(rest.first(header));
    const size_t least = header == 14 ? 0x10000 : header == 8 ? 126 : 0;
    if (frame.length < least) return ProbeAnswer::kNo;
    if (frames == 0 && frame.opcode == WebSocketFrame::kText && frame.reserved == 0 &&
        frame.length >= kTextBytes) {
      if (rest.size() < header + kTextBytes) return ProbeAnswer::kMaybe;
      std::array<uint8_t, kTextBytes> text;
      unmask(rest.subspan(header, kTextBytes), frame.mask, 0, text);
      if (std::all_of(text.begin(), text.end(), readable)) return ProbeAnswer::kYes;
    }
    if (frame.length > kSearchBytes) return ProbeAnswer::kNo;
    at += header + static_cast<size_t>(frame.length);
  }
  return ProbeAnswer::kYes;
}

}  // namespace

size_t websocket_header_size(ByteSpan bytes) noexcept {
  if (bytes.size() < 2) return 2;
  const unsigned length = bytes[1] & 0x7fU;
  const size_t mask = (bytes[1] & 0x80U) != 0 ? 4 : 0;
  return 2 + mask + (length == 127 ? 8 : length == 126 ? 2 : 0);
}

WebSocketFrame parse_websocket_header(ByteSpan bytes) noexcept {
  ByteReader reader(bytes);
  WebSocketFrame frame;
  const uint8_t first = reader.u8();
  const uint8_t second = reader.u8();
  frame.fin = (first & 0x80U) != 0;
  frame.reserved = static_cast<uint8_t>(first >> 4 & 7U);
  frame.opcode = first & 0x0fU;
  frame.masked = (second & 0x80U) != 0;
  frame.length = second & 0x7fU;
  if (frame.length == 126) {
    frame.length = reader.u16();
  } else if (frame.length == 127) {
    frame.length = reader.u64();
  }
  if (frame.masked) {
    const ByteSpan mask = reader.take(4);
    std::copy(mask.begin(), mask.end(), frame.mask.begin());
  }
  return frame;
}

bool valid_websocket_frame(const WebSocketFrame& frame) noexcept {
  const bool known = frame.opcode <= WebSocketFrame::kBinary ||
                     (frame.opcode >= WebSocketFrame::kClose && frame.opcode <= 10);
  return known && (frame.reserved & 3U) == 0 && frame.length >> 63 == 0 &&
         (!frame.control() || (frame.fin && frame.reserved == 0));
}

void unmask(ByteSpan in, const WebSocketMask& mask, size_t phase, std::span<uint8_t> out) noexcept {
  std::array<uint8_t, 8> key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = mask[(phase + i) % 4];
  uint64_t wide_key;
  std::memcpy(&wide_key, key.data(), sizeof wide_key);
  const size_t size = in.size();
  size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    uint64_t word;
    std::memcpy(&word, in.data() + at, sizeof word);
    word ^= wide_key;
    std::memcpy(out.data() + at, &word, sizeof word);
  }
  for (; at < size; ++at) out[at] = static_cast<uint8_t>(in[at] ^ key[at % 4]);
}

WebSocketSearch find_websocket_frames(ByteSpan bytes) noexcept {
  for (size_t at = 0; at < bytes.size(); ++at) {
    const ProbeAnswer answer = probe_frames(bytes.subspan(at));
    if (answer != ProbeAnswer::kNo) return {at, answer == ProbeAnswer::kYes};
  }
  return {bytes.size(), false};
}

}  // namespace weir::inspect
