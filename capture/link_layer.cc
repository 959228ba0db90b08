// Link types are those of the tcpdump.org registry; where libpcap's DLT number differs from the
// LINKTYPE number of the file, both are listed.
#include "capture/link_layer.h"

#include "core/hash.h"

namespace weir::capture {
namespace {

enum LinkType : int {
  kNull = 0,
  kEthernet = kLinkEthernet,
  kArcnetBsd = 7,
  kPpp = kLinkPpp,
  kRawDlt = 12,
  kRawBsdos = 14,
  kPppSerial = 50,
  kPppEther = 51,
  kRaw = 101,
  kCiscoHdlc = 104,
  kWifi = kLinkWifi,
  kFrameRelay = 107,
  kLoop = 108,
  kCooked = 113,
  kRadiotap = 127,
  kArcnetLinux = 129,
  kPpi = 192,
  kIpv4 = 228,
  kIpv6 = 229,
  kCooked2 = 276,
};

enum EtherType : uint16_t {
  kTypeNone = 0,  // of a payload that is of no interest
  kTypeIpv4 = kEtherTypeIpv4,
  kTypeBridged = kEtherTypeBridged,
  kTypeVlan = 0x8100,
  kTypeIpv6 = kEtherTypeIpv6,
  kTypeMpls = kEtherTypeMpls,
  kTypeMplsMulticast = 0x8848,
  kTypePppoeDiscovery = 0x8863,
  kTypePppoeSession = 0x8864,
  kTypeJumboLlc = 0x8870,
  kTypeProviderVlan = 0x88a8,
  kTypeMacsec = 0x88e5,
  kTypeCiscoMetadata = 0x8909,
  kTypeBackbone = 0x88e7,  // 802.1ah
  kTypeEtag = 0x893f,      // 802.1BR
  kTypeVntag = 0x8926,
  kTypeNsh = kEtherTypeNsh,
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

// The EtherType of what a PPP frame carries; kTypeNone for what is of no interest.
uint16_t read_ppp_protocol(ByteReader& in) noexcept {
  uint16_t protocol = in.u8();
  // RFC 1661 section 6.5: a protocol field may be cut to its odd low byte.
  if ((protocol & 1) == 0) protocol = static_cast<uint16_t>(protocol << 8 | in.u8());
  switch (protocol) {
    case 0x0021:
      return kTypeIpv4;
    case 0x0057:
      return kTypeIpv6;
    case 0x0281:
    case 0x0283:
      return kTypeMpls;
    default:
      return kTypeNone;
  }
}

// RFC 2516. The session is a wrapper of its own.
uint16_t read_pppoe(ByteReader& in, uint32_t& encapsulation) noexcept {
  in.skip(1);
  const uint8_t code = in.u8();
  const uint16_t session = in.u16();
  in.skip(2);
  if (!in.ok() || code != 0) return kTypeNone;
  encapsulation = fold_id(encapsulation, session);
  return read_ppp_protocol(in);
}

// RFC 8300. The path is another one for the way back.
uint16_t read_nsh(ByteReader& in) noexcept {
  in.skip(1);
  const uint32_t words = in.u8() & 0x3fU;
  in.skip(1);
  const uint8_t next = in.u8();
  if (words < 2) return kTypeNone;
  in.skip((words - 1) * 4);
  switch (next) {
    case 1:
      return kTypeIpv4;
    case 2:
      return kTypeIpv6;
    case 3:
      return kTypeBridged;
    case 4:
      return kTypeNsh;
    case 5:
      return kTypeMpls;
    default:
      return kTypeNone;
  }
}

// Cisco TrustSec's security group tag: version, length and one option, before the type of what
// follows or, in GRE, behind it.
uint16_t read_cisco_metadata(ByteReader& in) noexcept {
  constexpr size_t kOption = 4;
  uint16_t head = in.u16();
  const uint16_t type_before = head >= kFirstEtherType ? head : uint16_t{kTypeNone};
  if (type_before != kTypeNone) head = in.u16();
  in.skip(kOption);
  if (head != 0x0101) return kTypeNone;
  return type_before != kTypeNone ? type_before : in.u16();
}

bool looks_like_ip(ByteSpan bytes) noexcept {
  if (bytes.size() < 20) return false;
  const auto length = static_cast<size_t>(bytes[2] << 8 | bytes[3]);
  const size_t header = (bytes[0] & 0x0fU) * 4U;
  if (bytes[0] >> 4 == 4) return header >= 20 && length >= header && length <= bytes.size();
  return bytes[0] >> 4 == 6 && bytes.size() >= 40 &&
         static_cast<size_t>(bytes[4] << 8 | bytes[5]) + 40 <= bytes.size();
}

// Of a pseudowire nothing says what it carries (RFC 4928), so the type field must be a known one.
bool looks_like_ethernet(ByteSpan bytes) noexcept {
  if (bytes.size() < 16) return false;
  const auto type = static_cast<uint16_t>(bytes[12] << 8 | bytes[13]);
  if (type < kFirstEtherType) {  // LLC of a protocol that talks to its like
    return type >= 3 && type <= bytes.size() - 14 && bytes[14] == bytes[15] && bytes[14] != 0;
  }
  switch (type) {
    case kTypeIpv4:
      return bytes[14] >> 4 == 4;
    case kTypeIpv6:
      return bytes[14] >> 4 == 6;
    case 0x0806:  // ARP
    case 0x88cc:  // LLDP
    case kTypeMpls:
    case kTypeMplsMulticast:
    case kTypePppoeDiscovery:
    case kTypePppoeSession:
      return true;
    default:
      return is_vlan(type);
  }
}

// RFC 3032: takes the labels off and guesses what is below them, an IP packet or an Ethernet frame
// (RFC 4448, with or without control word). kTypeNone with `outcome` set when that fails.
uint16_t read_mpls(ByteReader& in, LinkOutcome& outcome) noexcept {
  constexpr uint32_t kBottomOfStack = 0x100;
  constexpr size_t kControlWord = 4;
  int labels = 1;
  while ((in.u32() & kBottomOfStack) == 0 && in.ok() && labels < kMaxMplsLabels + 1) ++labels;
  outcome = LinkOutcome::kShort;
  if (!in.ok() || in.empty()) return kTypeNone;
  outcome = LinkOutcome::kBad;
  if (labels > kMaxMplsLabels) return kTypeNone;
  const ByteSpan below = in.peek();
  const int nibble = below[0] >> 4;
  if (nibble == 4 || nibble == 6) {
    if (!looks_like_ip(below) && looks_like_ethernet(below)) return kTypeBridged;
    return nibble == 4 ? kTypeIpv4 : kTypeIpv6;
  }
  // A frame with a VLAN tag also looks like one behind a control word, the other way hardly.
  if (looks_like_ethernet(below)) return kTypeBridged;
  if (nibble == 0 && below.size() > kControlWord &&
      looks_like_ethernet(below.subspan(kControlWord))) {
    in.skip(kControlWord);
    return kTypeBridged;
  }
  outcome = LinkOutcome::kTunnel;
  return kTypeNone;
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
  const uint16_t type = read_ppp_protocol(in);
  return type == kTypeNone ? done(in, LinkOutcome::kNotIp)
                           : read_ether_type(type, in, encapsulation);
}

// RFC 1201 and RFC 1051 over ARCNET. Of a packet that is split over frames only the first is read.
LinkOutcome read_arcnet(ByteReader& in, bool has_offset) noexcept {
  in.skip(has_offset ? 4 : 2);  // source, destination, and where the frame begins in its buffer
  const uint8_t type = in.u8();
  if (type == 0xf0) return done(in, LinkOutcome::kIp);
  if (type != 0xd4 && type != 0xc4) return done(in, LinkOutcome::kNotIp);
  uint8_t split = in.u8();
  in.skip(2);
  if (split == 0xff) {  // an exception packet: the header once more
    in.skip(1);
    split = in.u8();
    in.skip(2);
  }
  const bool later_piece = split != 0 && (split & 1) == 0;
  return done(in, later_piece ? LinkOutcome::kTunnel : LinkOutcome::kIp);
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

uint32_t fold_wrapper(uint32_t encapsulation, Wrapper wrapper, uint32_t id) noexcept {
  const auto folded = static_cast<uint32_t>(
      mix64(uint64_t{encapsulation} << 32 | uint64_t{static_cast<uint8_t>(wrapper)} << 24 | id));
  return folded == 0 ? 1 : folded;
}

LinkOutcome read_llc(ByteReader& in, uint32_t& encapsulation) noexcept {
  return read_ether_type(0, in, encapsulation);  // any length stands for an LLC header
}

LinkOutcome read_ether_type(uint16_t type, ByteReader& in, uint32_t& encapsulation) noexcept {
  for (int layers = 0; layers <= kMaxVlanTags; ++layers) {
    LinkOutcome otherwise = LinkOutcome::kNotIp;  // when no type follows
    if (type < kFirstEtherType) type = kTypeJumboLlc;
    switch (type) {
      case kTypeIpv4:
      case kTypeIpv6:
        return LinkOutcome::kIp;
      case kTypeVlan:
      case kTypeProviderVlan:
      case kTypeOldVlan1:
      case kTypeOldVlan2:
        encapsulation = fold_id(encapsulation, in.u16() & 0x0fff);
        type = in.u16();
        break;
      case kTypeJumboLlc: {
        const Llc llc = read_llc_header(in);
        if (llc.kind == Llc::kIp) return LinkOutcome::kIp;
        if (llc.kind == Llc::kOther) return done(in, LinkOutcome::kNotIp);
        type = llc.type;
        break;
      }
      case kTypeMpls:
      case kTypeMplsMulticast:
        type = read_mpls(in, otherwise);
        if (type == kTypeNone) return otherwise;
        break;
      case kTypePppoeSession:
        type = read_pppoe(in, encapsulation);
        if (type == kTypeNone) return done(in, otherwise);
        break;
      case kTypeCiscoMetadata:
        type = read_cisco_metadata(in);
        if (type == kTypeNone) return done(in, otherwise);
        break;
      case kTypeNsh:
        type = read_nsh(in);
        if (type == kTypeNone) return done(in, otherwise);
        break;
      case kTypeBackbone:
        encapsulation = fold_wrapper(encapsulation, Wrapper::kBackbone, in.u32() & 0xffffffU);
        [[fallthrough]];
      case kTypeBridged:
        in.skip(12);
        type = in.u16();
        break;
      case kTypeEtag:
        in.skip(6);
        type = in.u16();
        break;
      case kTypeVntag:
        in.skip(4);
        type = in.u16();
        break;
      case kTypeMacsec:
        return LinkOutcome::kTunnel;
      default:
        return LinkOutcome::kNotIp;
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
      return read_ether_type(kTypePppoeSession, in, encapsulation);
    case kArcnetBsd:
      return read_arcnet(in, false);
    case kArcnetLinux:
      return read_arcnet(in, true);
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
