#include "capture/network_layer.h"

#include <algorithm>

namespace weir::capture {
namespace {

constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragmentHeader = 44;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kDestinationOptions = 60;
constexpr uint8_t kMobility = 135;
constexpr uint8_t kHostIdentity = 139;
constexpr uint8_t kShim6 = 140;
constexpr uint8_t kNoNextHeader = 59;

constexpr uint16_t kMoreFragments = 0x2000;
constexpr uint16_t kFragmentOffset = 0x1fff;

// Cuts `frame` to the `total` bytes that the IP header claims and tells how many are captured.
ByteSpan cut_padding(ByteSpan frame, uint64_t total) noexcept {
  return frame.first(static_cast<size_t>(std::min<uint64_t>(frame.size(), total)));
}

// The jumbo payload length of RFC 2675 in a hop-by-hop header's options; 0 when there is none.
uint32_t find_jumbo_length(ByteSpan options) noexcept {
  ByteReader in(options);
  while (!in.empty()) {
    const uint8_t type = in.u8();
    if (type == 0) continue;  // Pad1
    const uint8_t size = in.u8();
    ByteReader value = in.sub(size);
    if (type == 0xc2 && size == 4) return value.u32();
  }
  return 0;
}

// AH may stand behind IPv4 and among the IPv6 extension headers.
bool is_extension(uint8_t protocol, bool v6) noexcept {
  if (protocol == kAuthentication) return true;
  if (!v6) return false;
  return protocol == kHopByHop || protocol == kRouting || protocol == kFragmentHeader ||
         protocol == kDestinationOptions || protocol == kMobility || protocol == kHostIdentity ||
         protocol == kShim6;
}

// Steps over extension headers. `payload_length` counts from where `in` stands.
NetworkOutcome step_over_extensions(ByteReader& in, bool v6, NetworkPacket& out) noexcept {
  for (int count = 0; is_extension(out.protocol, v6); ++count) {
    if (count == kMaxExtensionHeaders) return NetworkOutcome::kBad;
    const size_t begin = in.position();
    const uint8_t kind = out.protocol;
    const uint8_t next = in.u8();
    const uint8_t size = in.u8();
    if (kind == kFragmentHeader) {
      const uint16_t offset_and_flags = in.u16();
      out.fragment_id = in.u32();
      out.more_fragments = (offset_and_flags & 1) != 0;
      out.fragment_offset = offset_and_flags & ~7U;
    } else if (kind == kAuthentication) {
      in.skip((size_t{size} + 2) * 4 - 2);
    } else {
      in.skip((size_t{size} + 1) * 8 - 2);
    }
    const auto taken = static_cast<uint32_t>(in.position() - begin);
    if (!in.ok()) return NetworkOutcome::kShort;
    if (taken > out.payload_length) return NetworkOutcome::kBad;
    out.payload_length -= taken;
    out.protocol = next;
    if (kind == kFragmentHeader && (out.more_fragments || out.fragment_offset != 0)) {
      out.payload = in.rest();
      return NetworkOutcome::kFragment;
    }
    if (next == kNoNextHeader) break;
  }
  out.payload = in.rest();
  return NetworkOutcome::kTransport;
}

NetworkOutcome read_ipv4(ByteSpan frame, uint32_t wire_length, NetworkPacket& out) noexcept {
  ByteReader in(frame);
  const uint32_t header = (in.u8() & 0x0fU) * 4U;
  in.skip(1);
  uint32_t total = in.u16();
  out.fragment_id = in.u16();
  const uint16_t fragment = in.u16();
  in.skip(1);
  out.protocol = in.u8();
  in.skip(2);
  out.source = IpAddress::v4(in.take(4));
  out.destination = IpAddress::v4(in.take(4));
  if (!in.ok()) return NetworkOutcome::kShort;
  if (header < 20) return NetworkOutcome::kBad;
  if (total == 0) {  // left to the network card
    out.length_known = false;
    total = wire_length;
  }
  if (total < header) return NetworkOutcome::kBad;
  in.skip(header - 20);
  if (!in.ok()) return NetworkOutcome::kShort;
  out.payload_length = total - header;
  out.more_fragments = (fragment & kMoreFragments) != 0;
  out.fragment_offset = (fragment & kFragmentOffset) * 8U;
  ByteReader body(cut_padding(in.rest(), out.payload_length));
  if (out.more_fragments || out.fragment_offset != 0) {
    out.payload = body.rest();
    return NetworkOutcome::kFragment;
  }
  return step_over_extensions(body, false, out);
}

NetworkOutcome read_ipv6(ByteSpan frame, uint32_t wire_length, NetworkPacket& out) noexcept {
  constexpr uint32_t kHeader = 40;
  ByteReader in(frame);
  in.skip(4);
  out.payload_length = in.u16();
  out.protocol = in.u8();
  in.skip(1);
  out.source = IpAddress::v6(in.take(16));
  out.destination = IpAddress::v6(in.take(16));
  if (!in.ok()) return NetworkOutcome::kShort;
  if (out.payload_length == 0 && out.protocol != kNoNextHeader) {
    uint32_t jumbo = 0;
    if (out.protocol == kHopByHop) {
      const ByteSpan options = in.peek();
      if (options.size() >= 2) {
        const size_t size = std::min((size_t{options[1]} + 1) * 8, options.size());
        jumbo = find_jumbo_length(options.subspan(2, size - 2));
      }
    }
    out.length_known = jumbo != 0;
    out.payload_length = jumbo != 0 ? jumbo : std::max(wire_length, kHeader) - kHeader;
  }
  ByteReader body(cut_padding(in.rest(), out.payload_length));
  // A header that lies about its length is malformed; one that the snaplen cut is short.
  const bool whole = body.remaining() == out.payload_length;
  const NetworkOutcome outcome = step_over_extensions(body, true, out);
  return outcome == NetworkOutcome::kShort && whole ? NetworkOutcome::kBad : outcome;
}

}  // namespace

NetworkOutcome read_network_layer(ByteSpan frame, uint32_t wire_length,
                                  NetworkPacket& out) noexcept {
  if (frame.empty()) return NetworkOutcome::kShort;
  switch (frame[0] >> 4) {
    case 4:
      return read_ipv4(frame, wire_length, out);
    case 6:
      return read_ipv6(frame, wire_length, out);
    default:
      return NetworkOutcome::kBad;
  }
}

NetworkOutcome resume_network_layer(ByteSpan payload, uint32_t length, uint8_t protocol,
                                    NetworkPacket& packet) noexcept {
  packet.protocol = protocol;
  packet.payload_length = length;
  packet.length_known = true;
  ByteReader body(payload);
  const NetworkOutcome outcome = step_over_extensions(body, !packet.source.is_v4(), packet);
  return outcome == NetworkOutcome::kFragment ? NetworkOutcome::kBad : outcome;
}

}  // namespace weir::capture
