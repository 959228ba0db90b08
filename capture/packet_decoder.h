// Link layer, network layer and transport header of one frame, and of the packets in its tunnels:
// Ethernet with VLAN tags, SNAP, MPLS, PPPoE, 802.1BR, VN-tag, 802.1ah and NSH, Linux cooked v1/v2,
// raw IP, loopback, PPP, Cisco HDLC, frame relay, ARCNET, clear 802.11; IPv4 with options, IPv6
// with extension headers; TCP, UDP; the tunnels of capture/tunnels.h.
// Layers are gone through in a loop, each strictly inside the one before. A tunnel whose inside
// does not decode is delivered as the packet that carries it, so that no port number hides one.
#pragma once

#include <cstdint>

#include "capture/tunnels.h"
#include "core/counters.h"
#include "core/limits.h"
#include "core/packet.h"

namespace weir::capture {

enum class DecodeOutcome : uint8_t {
  kDecoded,
  kNotIp,       // ARP, LLDP …: counted, of no interest
  kFragment,    // a fragment without ports: not the first, or its transport header is cut
  kMalformed,   // counted by the layer that failed, or as truncated
  kUnsupported  // link type or tunnel that is not known
};

// packets = decoded + not_ip + fragments + truncated + bad_link + bad_network + bad_transport +
// unsupported_link + unsupported_tunnel; the others count decoded packets once more.
struct DecodeCounters {
  Counter packets;
  Counter decoded;
  Counter not_ip;
  Counter fragments;
  Counter truncated;  // the snaplen cut into headers
  Counter bad_link;
  Counter bad_network;
  Counter bad_transport;
  Counter unsupported_link;
  Counter unsupported_tunnel;
  Counter other_transport;  // decoded, neither TCP nor UDP
  Counter tunnels;          // decoded, and a tunnel whose inside was not read
  Counter tunnels_entered;  // tunnel headers taken off
  Counter tunnel_depth;     // decoded, and a tunnel deeper than limits.encapsulation_depth
  Counter cut_payload;      // decoded, with missing > 0
};

inline constexpr CounterTable<DecodeCounters, 15> kDecodeCounterTable{{
    {"packets", &DecodeCounters::packets, "frames given to the decoder"},
    {"decoded", &DecodeCounters::decoded, "IP packets with a transport that was read"},
    {"not_ip", &DecodeCounters::not_ip, "frames that carry something other than IP"},
    {"fragments", &DecodeCounters::fragments, "IP fragments without a transport header"},
    {"truncated", &DecodeCounters::truncated, "frames whose headers the capture cut off"},
    {"bad_link", &DecodeCounters::bad_link, "malformed link-layer headers"},
    {"bad_network", &DecodeCounters::bad_network, "malformed IP headers"},
    {"bad_transport", &DecodeCounters::bad_transport, "malformed TCP or UDP headers"},
    {"unsupported_link", &DecodeCounters::unsupported_link, "frames of an unknown link type"},
    {"unsupported_tunnel", &DecodeCounters::unsupported_tunnel,
     "frames of a link-layer tunnel that is not entered (MACsec, unknown MPLS pseudowires)"},
    {"other_transport", &DecodeCounters::other_transport, "decoded, neither TCP nor UDP"},
    {"tunnels", &DecodeCounters::tunnels,
     "decoded, and carries a tunnel whose inside was not read (ESP, L2TPv3, no IP inside)"},
    {"tunnels_entered", &DecodeCounters::tunnels_entered, "tunnel headers taken off"},
    {"tunnel_depth", &DecodeCounters::tunnel_depth,
     "decoded, and carries a tunnel that is deeper than limits.encapsulation_depth"},
    {"cut_payload", &DecodeCounters::cut_payload, "decoded, with part of the payload not captured"},
}};
static_assert(describes_all(kDecodeCounterTable));

class PacketDecoder {
 public:
  explicit PacketDecoder(const Limits& limits = {}) noexcept
      : max_depth_(limits.encapsulation_depth) {}

  // Fills `out` only when it returns kDecoded. Views in it point into raw.data.
  [[nodiscard]] DecodeOutcome decode(const RawPacket& raw, DecodedPacket& out) noexcept;
  [[nodiscard]] const DecodeCounters& counters() const noexcept { return counters_; }

 private:
  // How decoding ended, and what counts it.
  struct Exit {
    DecodeOutcome outcome;
    Counter DecodeCounters::*counter;
  };
  [[nodiscard]] Exit decode_layer(const Layer& layer, DecodedPacket& out) noexcept;

  size_t max_depth_;
  DecodeCounters counters_;
};

}  // namespace weir::capture
