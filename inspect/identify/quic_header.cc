#include "inspect/identify/quic_header.h"

namespace weir::inspect {

std::optional<QuicLongHeader> read_quic_long_header(ByteSpan bytes) noexcept {
  ByteReader in(bytes);
  const uint8_t first = in.u8();
  QuicLongHeader out;
  out.version = in.u32();
  out.dcid = in.take(in.u8());
  out.scid = in.take(in.u8());
  if (!in.ok() || (first & kQuicLongHeader) == 0) return std::nullopt;
  out.size = bytes.size();
  out.traits = quic_version_traits(out.version);
  if (out.traits == nullptr) return out;  // of unknown form: the rest of the datagram
  if (out.dcid.size() > kMaxQuicId || out.scid.size() > kMaxQuicId) return std::nullopt;
  const uint8_t bits = first >> 4 & 3;
  out.type = static_cast<QuicPacketType>(out.traits->v2_types ? (bits + 3) & 3 : bits);
  if (out.type == QuicPacketType::kRetry) return out;
  if (out.type == QuicPacketType::kInitial) {
    const uint64_t token = read_quic_varint(in);
    if (token > in.remaining()) return std::nullopt;
    in.skip(static_cast<size_t>(token));
  }
  const uint64_t length = read_quic_varint(in);
  if (!in.ok() || length > in.remaining()) return std::nullopt;
  out.pn_offset = in.position();
  out.size = out.pn_offset + static_cast<size_t>(length);
  return out;
}

}  // namespace weir::inspect
