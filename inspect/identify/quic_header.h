// Headers of QUIC packets as they stand on the wire (RFC 8999, RFC 9000 section 17, RFC 9369): what
// can be read without removing header protection. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/byte_reader.h"
#include "core/bytes.h"
#include "inspect/identify/quic_keys.h"

namespace weir::inspect {

inline constexpr uint8_t kQuicLongHeader = 0x80;
inline constexpr uint8_t kQuicFixedBit = 0x40;
inline constexpr size_t kMaxQuicId = 20;

enum class QuicPacketType : uint8_t { kInitial, kZeroRtt, kHandshake, kRetry };

struct QuicLongHeader {
  uint32_t version = 0;
  QuicPacketType type = QuicPacketType::kInitial;
  ByteSpan dcid;
  ByteSpan scid;
  const QuicVersionTraits* traits = nullptr;  // null: of unknown form, the rest of the datagram
  size_t pn_offset = 0;                       // from the packet's first byte
  size_t size = 0;                            // of the packet in its datagram
};

// The version-independent part, then what the type needs. Nothing when it does not fit. Packets of
// versions that are not known, Version Negotiation among them, have no traits. The fixed bit is not
// looked at: peers may agree to vary it (RFC 9287).
[[nodiscard]] std::optional<QuicLongHeader> read_quic_long_header(ByteSpan bytes) noexcept;

// RFC 9000 section 16.
[[nodiscard]] inline uint64_t read_quic_varint(ByteReader& in) noexcept {
  const ByteSpan ahead = in.peek();
  if (ahead.empty()) {
    in.fail();
    return 0;
  }
  switch (ahead[0] >> 6) {
    case 0:
      return in.u8();
    case 1:
      return in.u16() & 0x3fffU;
    case 2:
      return in.u32() & 0x3fffffffU;
    default:
      return in.u64() & 0x3fffffffffffffffU;
  }
}

}  // namespace weir::inspect
