// Tunnels over IP and UDP: from the packet that carries one to the packet inside.
// IP in IP (RFC 2003, 4213, 2473), EtherIP (RFC 3378), MPLS in IP (RFC 4023), GRE (RFC 2784, 2890,
// 1701; PPTP's version 1, RFC 2637) with IP, Ethernet, MPLS, PPP, NSH, ERSPAN I to III, WCCP and
// Aruba's 802.11; over UDP VXLAN (RFC 7348, with group policy) and VXLAN-GPE, Geneve (RFC 8926),
// GTP-U (TS 29.281), TZSP, Teredo (RFC 4380), MPLS (RFC 7510), L2TP version 2 (RFC 2661).
// Only headers are read here. Whether the inside is a packet is for the caller to find out.
#pragma once

#include <cstdint>

#include "core/packet.h"

namespace weir::capture {

// Where decoding goes on: bytes that begin with a link-layer header, or with what an EtherType
// announces.
struct Layer {
  bool is_link = true;
  int type = 0;  // link type or EtherType
  ByteSpan bytes;
  uint32_t wire_length = 0;  // of these bytes; at least bytes.size()
  // VNI, ERSPAN session, VLAN …, folded. Left out is what differs between the two ways of a flow:
  // GTP's endpoint ids, PPTP call ids, L2TP sessions, and GRE keys, which RFC 2890 lets differ. A
  // tunnel without a number changes nothing, so that a flow whose one way is tunnelled (WCCP,
  // direct server return) stays one flow.
  uint32_t encapsulation = 0;
};

enum class TunnelOutcome : uint8_t {
  kNone,     // no tunnel
  kUnread,   // a tunnel by its protocol or port, with nothing in it that is read
  kEntered,  // `inner` was filled
};

[[nodiscard]] TunnelOutcome enter_tunnel(const DecodedPacket& outer, Layer& inner) noexcept;

}  // namespace weir::capture
