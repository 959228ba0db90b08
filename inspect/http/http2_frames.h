// Frames of HTTP/2 (RFC 9113 section 4) as such: their headers, how they are told from other bytes,
// and how they are found again where they were lost. Pure functions; no state of a connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

inline constexpr size_t kFrameHeaderBytes = 9;

enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,  // RFC 9218
};

struct FrameHeader {
  static constexpr uint8_t kEndStream = 0x01;
  static constexpr uint8_t kAck = 0x01;
  static constexpr uint8_t kEndHeaders = 0x04;
  static constexpr uint8_t kPadded = 0x08;
  static constexpr uint8_t kHasPriority = 0x20;

  uint32_t length = 0;  // of the payload
  FrameType type = FrameType::kData;
  uint8_t flags = 0;
  uint32_t stream = 0;
  bool reserved = false;  // the bit before the stream id

  [[nodiscard]] bool has(uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

// `bytes`: at least kFrameHeaderBytes.
[[nodiscard]] FrameHeader parse_frame_header(ByteSpan bytes) noexcept;
// False: a peer answers such a frame by closing the connection, whatever its payload.
[[nodiscard]] bool valid_frame(const FrameHeader& frame) noexcept;

// kYes: the connection preface of a client. More bytes never turn kYes or kNo into another answer.
[[nodiscard]] ProbeAnswer probe_http2(ByteSpan first) noexcept;
// Whether `first`, where a segment begins, looks like frames in the middle of a connection (either
// direction): a frame as real peers send it, followed by another one, or by 64 bytes and more of
// itself. kMaybe: fewer bytes than that.
[[nodiscard]] ProbeAnswer probe_http2_frames(ByteSpan first) noexcept;

struct FrameSearch {
  size_t plain = 0;    // bytes that certainly begin no frame
  bool found = false;  // frames begin behind them; else more bytes may show that
};

// Finds two frames in a row, or, where no more bytes will come (`last`), one that ends with them.
// Bytes behind `plain` must be given again, followed by what comes next; at most 16 KiB and two
// frame headers. With `last` none are behind it but the frames that were found.
[[nodiscard]] FrameSearch find_frames(ByteSpan bytes, bool last) noexcept;

}  // namespace weir::inspect
