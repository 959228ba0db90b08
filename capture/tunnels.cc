#include "capture/tunnels.h"

#include "capture/link_layer.h"
#include "core/byte_reader.h"

namespace weir::capture {
namespace {

// Most elements of a chain (GRE source routes, GTP extension headers, TZSP tags).
constexpr int kMaxChain = 32;

enum Transport : uint8_t {
  kIpInIp = 4,
  kUdp = static_cast<uint8_t>(IpProtocol::kUdp),
  kIpv6InIp = 41,
  kGre = static_cast<uint8_t>(IpProtocol::kGre),
  kEsp = 50,
  kOldIpInIp = 94,
  kEtherIp = 97,
  kEncapsulationHeader = 98,  // RFC 1241
  kL2tpV3 = 115,
  kMplsInIp = 137,
};

enum Port : uint16_t {
  kL2tpPort = 1701,
  kGtpPort = 2152,
  kTeredoPort = 3544,
  kVxlanPort = 4789,
  kVxlanGpePort = 4790,
  kGenevePort = 6081,
  kMplsPort = 6635,
  kOldVxlanPort = 8472,
  kTzspPort = 37008,
};

// What was read of a tunnel: the type of the inside, to which `in` was moved.
struct Inside {
  enum Kind : uint8_t { kNothing, kLink, kEtherType } kind = kNothing;
  int type = 0;
};

constexpr Inside kNothingInside{};
constexpr Inside kEthernetInside{Inside::kLink, kLinkEthernet};

Inside ether_type(uint16_t type) noexcept { return {Inside::kEtherType, type}; }

Inside by_version(const ByteReader& in) noexcept {
  if (in.empty()) return kNothingInside;
  switch (in.peek()[0] >> 4) {
    case 4:
      return ether_type(kEtherTypeIpv4);
    case 6:
      return ether_type(kEtherTypeIpv6);
    default:
      return kNothingInside;
  }
}

// Type I has no header and, unlike type II, no sequence number.
Inside read_erspan2(ByteReader& in, bool sequence, uint32_t& encapsulation) noexcept {
  if (!sequence) return kEthernetInside;
  const uint16_t version_and_vlan = in.u16();
  const uint16_t session = in.u16() & 0x03ffU;
  in.skip(4);
  if (version_and_vlan >> 12 != 1) return kNothingInside;
  encapsulation = fold_wrapper(encapsulation, Wrapper::kErspan, session);
  return kEthernetInside;
}

Inside read_erspan3(ByteReader& in, uint32_t& encapsulation) noexcept {
  const uint16_t version_and_vlan = in.u16();
  const uint16_t session = in.u16() & 0x03ffU;
  in.skip(6);  // time, security group
  const uint16_t flags = in.u16();
  const unsigned frame_type = flags >> 10 & 0x1fU;
  if ((flags & 1) != 0) in.skip(8);  // platform-specific
  if (version_and_vlan >> 12 != 2) return kNothingInside;
  encapsulation = fold_wrapper(encapsulation, Wrapper::kErspan, session);
  if (frame_type == 0) return kEthernetInside;
  return frame_type == 2 ? by_version(in) : kNothingInside;
}

// WCCP 2 puts a header of its own before the packet, version 1 does not.
Inside read_wccp(ByteReader& in) noexcept {
  const Inside direct = by_version(in);
  if (direct.kind != Inside::kNothing) return direct;
  in.skip(4);
  return by_version(in);
}

// RFC 1701: entries of a family, an offset and a length, up to an empty one.
bool step_over_routes(ByteReader& in) noexcept {
  for (int i = 0; i < kMaxChain; ++i) {
    const uint16_t family = in.u16();
    in.skip(1);
    const uint8_t length = in.u8();
    in.skip(length);
    if (!in.ok()) return false;
    if (family == 0 && length == 0) return true;
  }
  return false;
}

Inside read_gre(ByteReader& in, uint32_t& encapsulation) noexcept {
  constexpr unsigned kChecksum = 0x8000;
  constexpr unsigned kRouting = 0x4000;
  constexpr unsigned kKey = 0x2000;
  constexpr unsigned kSequence = 0x1000;
  constexpr unsigned kAcknowledgement = 0x0080;
  const uint16_t flags = in.u16();
  const uint16_t type = in.u16();
  const unsigned version = flags & 7U;
  if (version > 1) return kNothingInside;
  if ((flags & (kChecksum | kRouting)) != 0) in.skip(4);
  if ((flags & kKey) != 0) in.skip(4);
  if ((flags & kSequence) != 0) in.skip(4);
  if (version == 1) {  // PPTP; without a sequence number it only acknowledges
    if ((flags & kAcknowledgement) != 0) in.skip(4);
    if (type != 0x880b || (flags & kSequence) == 0) return kNothingInside;
    return {Inside::kLink, kLinkPpp};
  }
  if ((flags & kRouting) != 0 && !step_over_routes(in)) return kNothingInside;
  switch (type) {
    case kEtherTypeBridged:
      return kEthernetInside;
    case 0x880b:
      return {Inside::kLink, kLinkPpp};
    case 0x88be:
      return read_erspan2(in, (flags & kSequence) != 0, encapsulation);
    case 0x22eb:
      return read_erspan3(in, encapsulation);
    case 0x883e:
      return read_wccp(in);
    default:
      break;
  }
  // Aruba access points send 802.11 frames to their controller, the type telling queue and radio.
  if (type >= 0x8200 && type <= 0x83ff) return {Inside::kLink, kLinkWifi};
  return ether_type(type);
}

// Reserved bits are ignored, as RFC 7348 section 5 asks; group policy
// (draft-smith-vxlan-group-policy) uses some of them.
Inside read_vxlan(ByteReader& in, uint32_t& encapsulation) noexcept {
  constexpr unsigned kHasVni = 0x08;
  const uint8_t flags = in.u8();
  in.skip(3);
  const uint32_t vni = in.u24();
  in.skip(1);
  if (!in.ok() || (flags & kHasVni) == 0) return kNothingInside;
  encapsulation = fold_wrapper(encapsulation, Wrapper::kVxlan, vni);
  return kEthernetInside;
}

// draft-ietf-nvo3-vxlan-gpe
Inside read_vxlan_gpe(ByteReader& in, uint32_t& encapsulation) noexcept {
  const uint8_t flags = in.u8();
  in.skip(2);
  const uint8_t next = in.u8();
  const uint32_t vni = in.u24();
  in.skip(1);
  if (!in.ok() || (flags & 0xf8) != 0x08) return kNothingInside;
  encapsulation = fold_wrapper(encapsulation, Wrapper::kVxlan, vni);
  if ((flags & 0x04) == 0) return kEthernetInside;
  switch (next) {
    case 1:
    case 2:
      return by_version(in);
    case 3:
      return kEthernetInside;
    case 4:
      return ether_type(kEtherTypeNsh);
    case 5:
      return ether_type(kEtherTypeMpls);
    default:
      return kNothingInside;
  }
}

Inside read_geneve(ByteReader& in, uint32_t& encapsulation) noexcept {
  const uint8_t version_and_length = in.u8();
  const uint8_t flags = in.u8();
  const uint16_t type = in.u16();
  const uint32_t vni = in.u24();
  in.skip(1);
  in.skip((version_and_length & 0x3fU) * 4U);
  constexpr unsigned kControl = 0x80;
  constexpr unsigned kReserved = 0x3f;
  if (version_and_length >> 6 != 0 || (flags & (kControl | kReserved)) != 0) return kNothingInside;
  encapsulation = fold_wrapper(encapsulation, Wrapper::kGeneve, vni);
  return ether_type(type);
}

// Version 1; a G-PDU, whose length must be that of the datagram.
Inside read_gtp(ByteReader& in, uint32_t wire_length) noexcept {
  constexpr uint32_t kHeader = 8;
  constexpr unsigned kExtension = 0x04;
  constexpr unsigned kAnyOptional = 0x07;
  constexpr uint8_t kUserData = 255;
  const uint8_t flags = in.u8();
  const uint8_t message = in.u8();
  const uint16_t length = in.u16();
  in.skip(4);  // the tunnel endpoint id of the receiver
  if (!in.ok() || flags >> 4 != 3 || message != kUserData) return kNothingInside;
  if (length + kHeader != wire_length) return kNothingInside;
  if ((flags & kAnyOptional) != 0) {
    in.skip(3);
    uint8_t next = in.u8();
    if ((flags & kExtension) == 0) next = 0;
    for (int i = 0; next != 0; ++i) {
      const uint8_t words = in.u8();
      if (words == 0 || i == kMaxChain) return kNothingInside;
      in.skip(words * 4U - 2U);
      next = in.u8();
    }
  }
  return by_version(in);
}

Inside read_tzsp(ByteReader& in) noexcept {
  constexpr uint8_t kPadding = 0;
  constexpr uint8_t kEnd = 1;
  const uint8_t version = in.u8();
  const uint8_t type = in.u8();
  const uint16_t protocol = in.u16();
  if (version != 1 || type > 1) return kNothingInside;
  for (int i = 0;; ++i) {
    const uint8_t tag = in.u8();
    if (!in.ok() || i == kMaxChain) return kNothingInside;
    if (tag == kEnd) break;
    if (tag != kPadding) in.skip(in.u8());
  }
  if (protocol == 1) return kEthernetInside;
  if (protocol == 18) return {Inside::kLink, kLinkWifi};
  return kNothingInside;
}

// RFC 4380 section 5.1.1: authentication and origin may stand before the IPv6 packet.
Inside read_teredo(ByteReader& in) noexcept {
  for (int headers = 0; headers < 2; ++headers) {
    const ByteSpan head = in.peek();
    if (head.size() < 2 || head[0] != 0) break;
    in.skip(2);
    if (head[1] == 0) {
      in.skip(6);
    } else if (head[1] == 1) {
      const uint8_t client_id = in.u8();
      const uint8_t authentication = in.u8();
      in.skip(size_t{client_id} + authentication + 9);
    } else {
      return kNothingInside;
    }
  }
  const Inside inside = by_version(in);
  return inside.type == kEtherTypeIpv6 ? inside : kNothingInside;
}

Inside read_l2tp(ByteReader& in) noexcept {
  constexpr unsigned kControl = 0x8000;
  constexpr unsigned kLength = 0x4000;
  constexpr unsigned kSequence = 0x0800;
  constexpr unsigned kOffset = 0x0200;
  constexpr unsigned kReserved = 0x34f0;
  const uint16_t flags = in.u16();
  if ((flags & (kControl | kReserved)) != 0 || (flags & 0x0f) != 2) return kNothingInside;
  if ((flags & kLength) != 0) in.skip(2);
  in.skip(4);  // tunnel and session, as the receiver counts them
  if ((flags & kSequence) != 0) in.skip(4);
  if ((flags & kOffset) != 0) in.skip(in.u16());
  return {Inside::kLink, kLinkPpp};
}

// Servers listen on the port; only of GTP, Teredo and L2TP do answers come from it.
TunnelOutcome read_udp_tunnel(const DecodedPacket& outer, ByteReader& in, uint32_t wire_length,
                              uint32_t& encapsulation, Inside& inside) noexcept {
  const uint16_t port = outer.destination.port;
  switch (port) {
    case kVxlanPort:
    case kOldVxlanPort:
      inside = read_vxlan(in, encapsulation);
      return TunnelOutcome::kEntered;
    case kVxlanGpePort:
      inside = read_vxlan_gpe(in, encapsulation);
      return TunnelOutcome::kEntered;
    case kGenevePort:
      inside = read_geneve(in, encapsulation);
      return TunnelOutcome::kEntered;
    case kTzspPort:
      inside = read_tzsp(in);
      return TunnelOutcome::kEntered;
    case kMplsPort:
      inside = ether_type(kEtherTypeMpls);
      return TunnelOutcome::kEntered;
    default:
      break;
  }
  const uint16_t other = outer.source.port;
  if (port == kGtpPort || other == kGtpPort) {
    inside = read_gtp(in, wire_length);
  } else if (port == kTeredoPort || other == kTeredoPort) {
    inside = read_teredo(in);
  } else if (port == kL2tpPort || other == kL2tpPort) {
    inside = read_l2tp(in);
  } else {
    return TunnelOutcome::kNone;
  }
  return TunnelOutcome::kEntered;
}

TunnelOutcome read_tunnel(const DecodedPacket& outer, ByteReader& in, uint32_t wire_length,
                          uint32_t& encapsulation, Inside& inside) noexcept {
  switch (outer.protocol) {
    case kUdp:
      return read_udp_tunnel(outer, in, wire_length, encapsulation, inside);
    case kIpInIp:
    case kIpv6InIp:
    case kOldIpInIp:
      inside = by_version(in);
      return TunnelOutcome::kEntered;
    case kGre:
      inside = read_gre(in, encapsulation);
      return TunnelOutcome::kEntered;
    case kEtherIp:
      if (in.u16() == 0x3000) inside = kEthernetInside;
      return TunnelOutcome::kEntered;
    case kMplsInIp:
      inside = ether_type(kEtherTypeMpls);
      return TunnelOutcome::kEntered;
    case kEsp:
    case kEncapsulationHeader:
    case kL2tpV3:
      return TunnelOutcome::kUnread;
    default:
      return TunnelOutcome::kNone;
  }
}

}  // namespace

TunnelOutcome enter_tunnel(const DecodedPacket& outer, Layer& inner) noexcept {
  if (outer.protocol == static_cast<uint8_t>(IpProtocol::kTcp)) return TunnelOutcome::kNone;
  const uint32_t wire_length = static_cast<uint32_t>(outer.payload.size()) + outer.missing;
  ByteReader in(outer.payload);
  Inside inside;
  uint32_t encapsulation = outer.encapsulation;
  const TunnelOutcome outcome = read_tunnel(outer, in, wire_length, encapsulation, inside);
  if (outcome != TunnelOutcome::kEntered) return outcome;
  if (!in.ok() || in.empty() || inside.kind == Inside::kNothing) return TunnelOutcome::kUnread;
  inner.is_link = inside.kind == Inside::kLink;
  inner.type = inside.type;
  inner.wire_length = wire_length - static_cast<uint32_t>(in.position());
  inner.encapsulation = encapsulation;
  inner.bytes = in.rest();
  return TunnelOutcome::kEntered;
}

}  // namespace weir::capture
