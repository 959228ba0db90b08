// Frames of WebSocket (RFC 6455 section 5) as such. Pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.h"

namespace weir::inspect {

inline constexpr size_t kWebSocketHeaderBytes = 14;  // at most

using WebSocketMask = std::array<uint8_t, 4>;

struct WebSocketFrame {
  static constexpr uint8_t kContinuation = 0;
  static constexpr uint8_t kText = 1;
  static constexpr uint8_t kBinary = 2;
  static constexpr uint8_t kClose = 8;
  static constexpr uint8_t kPing = 9;
  static constexpr uint8_t kPong = 10;

  bool fin = false;
  uint8_t reserved = 0;  // 4: RSV1, which permessage-deflate takes
  uint8_t opcode = 0;
  bool masked = false;
  WebSocketMask mask{};
  uint64_t length = 0;  // of the payload

  [[nodiscard]] bool control() const noexcept { return opcode >= kClose; }
};

// Bytes of the header that begins with `bytes`: 2 to 14; 2 when more must be seen to tell.
[[nodiscard]] size_t websocket_header_size(ByteSpan bytes) noexcept;
// `bytes`: the whole header.
[[nodiscard]] WebSocketFrame parse_websocket_header(ByteSpan bytes) noexcept;
// False: no peer can mean such a frame.
[[nodiscard]] bool valid_websocket_frame(const WebSocketFrame& frame) noexcept;

// Takes the mask off as many bytes as `in` has; in[0] is byte `phase` of the payload (modulo 4).
void unmask(ByteSpan in, const WebSocketMask& mask, size_t phase, std::span<uint8_t> out) noexcept;

struct WebSocketSearch {
  size_t plain = 0;    // bytes that certainly begin no frame
  bool found = false;  // a client's frame begins behind them; else more bytes may show that
};

// Finds masked frames in bytes whose framing was lost: one of readable text, or three in a row.
// Bytes behind `plain` must be given again, followed by what comes next; at most 32 KiB.
[[nodiscard]] WebSocketSearch find_websocket_frames(ByteSpan bytes) noexcept;

}  // namespace weir::inspect
