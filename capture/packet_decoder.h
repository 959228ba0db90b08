// Link layer, network layer and transport header of one frame, and of the packets in its tunnels:
// Ethernet with VLAN tags, SNAP, MPLS, PPPoE, 802.1BR, VN-tag, 802.1ah and NSH, Linux cooked v1/v2,
// raw IP, loopback, PPP, Cisco HDLC, frame relay, ARCNET, clear 802.11; IPv4 with options, IPv6
// with extension headers, both put together from fragments; TCP, UDP; the tunnels of
// capture/tunnels.h. Layers are gone through in a loop, each strictly inside the one before. A
// tunnel whose inside does not decode is delivered as the packet that carries it, so that no port
// number hides one.
#pragma once

#include <cstdint>

#include "capture/decode_counters.h"
#include "capture/defragmenter.h"
#include "capture/tunnels.h"
#include "core/limits.h"
#include "core/packet.h"

namespace weir::capture {

enum class DecodeOutcome : uint8_t {
  kDecoded,
  kNotIp,       // ARP, LLDP …: counted, of no interest
  kFragment,    // held until its datagram is whole, or dropped; the last one there is decoded
  kMalformed,   // counted by the layer that failed, or as truncated
  kUnsupported  // link type or tunnel that is not known
};

class PacketDecoder {
 public:
  explicit PacketDecoder(const Limits& limits = {})
      : max_depth_(limits.encapsulation_depth), defragmenter_(limits) {}

  // Fills `out` only when it returns kDecoded. Views in it point into raw.data, or into a
  // reassembled datagram, which is valid until the next call.
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
  Defragmenter defragmenter_;
  DecodeCounters counters_;
};

}  // namespace weir::capture
