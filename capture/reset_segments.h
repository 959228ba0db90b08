// TCP resets for both ends of a connection (RFC 9293 section 3.10.7.4: a reset counts when its
// sequence number is what the receiver expects next; RFC 5961: within its window it only provokes a
// challenge), made from a segment that was seen. Each is a whole IPv4 or IPv6 packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/packet.h"

namespace weir::capture {

constexpr size_t kResetBytes = 40 + 20;  // the IPv6 header and a TCP header without options

struct ResetSegment {
  std::array<uint8_t, kResetBytes> bytes{};
  size_t length = 0;
  bool to_sender = false;  // of the segment that was seen; else to its receiver
  [[nodiscard]] ByteSpan span() const noexcept { return {bytes.data(), length}; }
};

struct ResetOptions {
  // False: the segment was dropped, so its receiver expects its first byte still. True: it was
  // let pass, so the byte after it, or more when others are under way.
  bool passed = false;
  // Resets towards the receiver, each further on by the segment's length (at least one): copies
  // from a mirror come late, and what is in flight moves the number that counts. 1..kMaxSpread.
  size_t spread = 1;
  uint8_t hop_limit = 64;  // of what is made
};

constexpr size_t kMaxSpread = 4;

struct ResetSegments {
  std::array<ResetSegment, kMaxSpread + 1> segments;
  size_t count = 0;
};

// For a TCP segment; none for a segment that is a reset itself.
[[nodiscard]] ResetSegments make_resets(const DecodedPacket& packet,
                                        const ResetOptions& options) noexcept;

}  // namespace weir::capture
