// Link types are those of the tcpdump.org registry; where libpcap's DLT number differs from the
// LINKTYPE number of the file, both are listed.
#include "capture/link_layer.h"

#include "core/hash.h"

namespace weir::capture {
namespace {

enum LinkType : int {
  kNull = 0,
  kEthernet = 1,
  kPpp = 9,
  kRawDlt = 12,
  kRawBsdos = 14,
  kPppSerial = 50,
  kPppEther = 51,
  kRaw = 101,
  kCiscoHdlc = 104,
  kWifi = 105,
  kFrameRelay = 107,
  kLoop = 108,
  kCooked = 113,
  kRadiotap = 127,
  kPpi = 192,
  kIpv4 = 228,
  kIpv6 = 229,
  kCooked2 = 276,
};

enum EtherType : uint16_t {
  kTypeIpv4 = 0x0800,
  kTypeVlan = 0x8100,
  kTypeIpv6 = 0x86dd,
  kTypeMpls = 0x8847,
  kTypeMplsMulticast = 0x8848,
  kTypePppoeSession = 0x8864,
  kTypeJumboLlc = 0x8870,
  kTypeProviderVlan = 0x88a8,
  kTypeMacsec = 0x88e5,
  kTypeBackbone = 0x88e7,  // 802.1ah
  kTypeEtag = 0x893f,
  kTypeVntag = 0x8926,
  kTypeNsh = 0x894f,
  kTypeOldVlan1 = 0x9100,
  kTypeOldVlan2 = 0x9200,
};

// Below this an EtherType field is the length of an 802.3 frame.
constexpr uint16_t kFirstEtherType = 0x0600;

LinkOutcome done(const ByteReader& in, LinkOutcome outcome) noexcept {
  return in.ok() ? outcome : LinkOutcome::kShort;
}

// Adds the number of one more wrapper. 0 adds nothing: a priority tag names no VLAN.
uint32_t fold_id(uint32_t encapsulation, uint16_t id) noexcept {
  if (id == 0) return encapsulation;
  if (encapsulation < 4096) return encapsulation << 12 | id;
  const auto folded = static_cast<uint32_t>(mix64(uint64_t{encapsulation} << 12 | id));
  return folded == 0 ? 1 : folded;
}

bool is_vlan(uint16_t type) noexcept {
  return type == kTypeVlan || type == kTypeProviderVlan || type == kTypeOldVlan1 ||
         type == kTypeOldVlan2;
}

struct Llc {
  enum Kind : uint8_t { kIp, kSnap, kOther } kind = kOther;
  uint16_t type = 0;  // the EtherType of a SNAP header
};

// 802.2: RFC 1042 SNAP, or IP as a service of its own.
Llc read_llc_header(ByteReader& in) noexcept {
  const uint8_t destination = in.u8();
  const uint8_t source = in.u8();
  const uint8_t control = in.u8();
  if (destination == 0x06 && source == 0x06 && control == 0x03) return {Llc::kIp, 0};
  if (destination != 0xaa || source != 0xaa || control != 0x03) return {};
  const uint32_t organisation = in.u24();
  const uint16_t type = in.u16();
  if (organisation != 0 && organisation != 0x0000f8) return {};
  return {Llc::kSnap, type};
}

LinkOutcome read_ppp_protocol(ByteReader& in) noexcept {
  uint16_t protocol = in.u8();
  // RFC 1661 section 6.5: a protocol field may be cut to its odd low byte.
  if ((protocol & 1) == 0) protocol = static_cast<uint16_t>(protocol << 8 | in.u8());
  if (!in.ok()) return LinkOutcome::kShort;
  if (protocol == 0x0021 || protocol == 0x0057) return LinkOutcome::kIp;
  if (protocol == 0x0281 || protocol == 0x0283) return LinkOutcome::kTunnel;  // MPLS
  return LinkOutcome::kNotIp;
}

// RFC 2516. The session is a wrapper of its own.
LinkOutcome read_pppoe(ByteReader& in, uint32_t& encapsulation) noexcept {
  in.skip(1);
  const uint8_t code = in.u8();
  const uint16_t session = in.u16();
  in.skip(2);
  if (!in.ok()) return LinkOutcome::kShort;
  if (code != 0) return LinkOutcome::kNotIp;
  encapsulation = fold_id(encapsulation, session);
  return read_ppp_protocol(in);
}

// RFC 3032. Labels differ between the two ways of a flow, so they do not count as encapsulation.
LinkOutcome read_mpls(ByteReader& in) noexcept {
  constexpr uint32_t kBottomOfStack = 0x100;
  for (int labels = 0; labels < kMaxMplsLabels; ++labels) {
    const bool bottom = (in.u32() & kBottomOfStack) != 0;
    if (!in.ok()) return LinkOutcome::kShort;
    if (!bottom) continue;
    if (in.empty()) return LinkOutcome::kShort;
    const int version = in.peek()[0] >> 4;
    return version == 4 || version == 6 ? LinkOutcome::kIp : LinkOutcome::kTunnel;  // pseudowire
  }
  return LinkOutcome::kBad;
}

LinkOutcome read_ether_payload(uint16_t type, ByteReader& in, uint32_t& encapsulation) noexcept {
  switch (type) {
    case kTypeIpv4:
    case kTypeIpv6:
      return LinkOutcome::kIp;
    case kTypeMpls:
    case kTypeMplsMulticast:
      return read_mpls(in);
    case kTypePppoeSession:
      return read_pppoe(in, encapsulation);
    case kTypeMacsec:
    case kTypeBackbone:
    case kTypeEtag:
    case kTypeVntag:
    case kTypeNsh:
      return LinkOutcome::kTunnel;
    default:
      return LinkOutcome::kNotIp;
  }
}

// RFC 1662 address and control where they are; Cisco HDLC where its addresses are.
LinkOutcome read_ppp(ByteReader& in, uint32_t& encapsulation) noexcept {
  const ByteSpan head = in.peek();
  if (head.size() >= 2 && head[0] == 0xff && head[1] == 0x03) in.skip(2);
  if (head.size() >= 2 && (head[0] == 0x0f || head[0] == 0x8f) && head[1] == 0) {
    in.skip(2);
    const uint16_t type = in.u16();
    return in.ok() ? read_ether_type(type, in, encapsulation) : LinkOutcome::kShort;
  }
  return read_ppp_protocol(in);
}

// The address family in the byte order of the host that captured. Families are small, so the
// order shows. IPv6 has a number per system: 10 Linux, 24 NetBSD and OpenBSD, 28 FreeBSD,
// 30 macOS, 23 Windows.
LinkOutcome read_loopback(ByteReader& in) noexcept {
  uint32_t family = in.u32();
  if (!in.ok()) return LinkOutcome::kShort;
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
    case 2:
    case 10:
    case 23:
    case 24:
    case 28:
    case 30:
      return LinkOutcome::kIp;
    default:
      return LinkOutcome::kNotIp;
  }
}

// The protocol field of Linux cooked captures: an EtherType, or a small number with a meaning of
// its own.
LinkOutcome read_cooked_protocol(uint16_t protocol, ByteReader& in,
                                 uint32_t& encapsulation) noexcept {
  if (!in.ok()) return LinkOutcome::kShort;
  if (protocol == 0x0004) return read_llc(in, encapsulation);
  if (protocol < kFirstEtherType) return LinkOutcome::kNotIp;
  return read_ether_type(protocol, in, encapsulation);
}

LinkOutcome read_cooked(ByteReader& in, uint32_t& encapsulation) noexcept {
  in.skip(14);  // packet type, device type, address length and address
  const uint16_t protocol = in.u16();
  return read_cooked_protocol(protocol, in, encapsulation);
}

LinkOutcome read_cooked2(ByteReader& in, uint32_t& encapsulation) noexcept {
  const uint16_t protocol = in.u16();
  in.skip(18);  // reserved, interface, device type, packet type, address length and address
  return read_cooked_protocol(protocol, in, encapsulation);
}

LinkOutcome read_ethernet(ByteReader& in, uint32_t& encapsulation) noexcept {
  in.skip(12);
  const uint16_t type = in.u16();
  return in.ok() ? read_ether_type(type, in, encapsulation) : LinkOutcome::kShort;
}

LinkOutcome read_cisco_hdlc(ByteReader& in, uint32_t& encapsulation) noexcept {
  in.skip(2);
  const uint16_t type = in.u16();
  return in.ok() ? read_ether_type(type, in, encapsulation) : LinkOutcome::kShort;
}

// Frame relay: a Q.922 address of two to four bytes, then RFC 2427 or Cisco's EtherType.
LinkOutcome read_frame_relay(ByteReader& in, uint32_t& encapsulation) noexcept {
  int address_bytes = 0;
  uint8_t byte = 0;
  do {
    byte = in.u8();
  } while (++address_bytes < 4 && (byte & 1) == 0);
  if (!in.ok()) return LinkOutcome::kShort;
  if ((byte & 1) == 0 || address_bytes < 2) return LinkOutcome::kBad;
  const ByteSpan head = in.peek();
  if (head.size() < 2) return LinkOutcome::kShort;
  if (head[0] != 0x03) {
    const uint16_t type = in.u16();
    return type < kFirstEtherType ? LinkOutcome::kNotIp : read_ether_type(type, in, encapsulation);
  }
  in.skip(1);
  uint8_t nlpid = in.u8();
  if (nlpid == 0) nlpid = in.u8();  // one byte of padding
  if (nlpid == 0xcc || nlpid == 0x8e) return done(in, LinkOutcome::kIp);
  if (nlpid != 0x80) return done(in, LinkOutcome::kNotIp);
  in.skip(3);  // SNAP
  const uint16_t type = in.u16();
  return in.ok() ? read_ether_type(type, in, encapsulation) : LinkOutcome::kShort;
}

// Per-Packet Information: fields of no interest, then a frame of the DLT that it names. False when
// there is no such frame.
bool step_over_ppi(ByteReader& in, int& link_type) noexcept {
  in.skip(2);
  const uint16_t length = in.le16();
  const uint32_t inner = in.le32();
  if (!in.ok() || length < 8 || inner > 0xffff) return false;
  in.skip(length - 8U);
  link_type = static_cast<int>(inner);
  return in.ok();
}

}  // namespace

LinkOutcome read_llc(ByteReader& in, uint32_t& encapsulation) noexcept {
  return read_ether_type(0, in, encapsulation);  // any length stands for an LLC header
}

LinkOutcome read_ether_type(uint16_t type, ByteReader& in, uint32_t& encapsulation) noexcept {
  for (int layers = 0; layers <= kMaxVlanTags; ++layers) {
    if (is_vlan(type)) {
      encapsulation = fold_id(encapsulation, in.u16() & 0x0fff);
      type = in.u16();
    } else if (type < kFirstEtherType || type == kTypeJumboLlc) {
      const Llc llc = read_llc_header(in);
      if (llc.kind == Llc::kIp) return LinkOutcome::kIp;
      if (llc.kind == Llc::kOther) return done(in, LinkOutcome::kNotIp);
      type = llc.type;
    } else {
      return read_ether_payload(type, in, encapsulation);
    }
    if (!in.ok()) return LinkOutcome::kShort;
  }
  return LinkOutcome::kBad;
}

LinkOutcome read_link_layer(int link_type, ByteReader& in, uint32_t& encapsulation) noexcept {
  if (link_type == kPpi && !step_over_ppi(in, link_type)) {
    return in.ok() ? LinkOutcome::kBad : LinkOutcome::kShort;
  }
  switch (link_type) {
    case kEthernet:
      return read_ethernet(in, encapsulation);
    case kCooked:
      return read_cooked(in, encapsulation);
    case kCooked2:
      return read_cooked2(in, encapsulation);
    case kRawDlt:
    case kRawBsdos:
    case kRaw:
    case kIpv4:
    case kIpv6:
      return LinkOutcome::kIp;
    case kNull:
    case kLoop:
      return read_loopback(in);
    case kPpp:
    case kPppSerial:
      return read_ppp(in, encapsulation);
    case kPppEther:
      return read_pppoe(in, encapsulation);
    case kCiscoHdlc:
      return read_cisco_hdlc(in, encapsulation);
    case kFrameRelay:
      return read_frame_relay(in, encapsulation);
    case kRadiotap:
      return read_radiotap(in, encapsulation);
    case kWifi:
      return read_wifi(in, encapsulation);
    default:
      return LinkOutcome::kUnknownType;
  }
}

}  // namespace weir::capture
