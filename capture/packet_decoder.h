// Link layer, network layer and transport header of one frame: Ethernet with VLAN tags, Linux
// cooked v1/v2, raw IP, loopback; IPv4 with options, IPv6 with extension headers; TCP, UDP.
// Stateless but for its counters; allocates nothing.
#pragma once

#include <cstdint>

#include "core/counters.h"
#include "core/packet.h"

namespace weir::capture {

enum class DecodeOutcome : uint8_t {
  kDecoded,
  kNotIp,       // ARP, LLDP …: counted, of no interest
  kFragment,    // a fragment that is not the first: no ports (counted; reassembly comes later)
  kMalformed,   // counted by the layer that failed
  kUnsupported  // link type or tunnel that is not known
};

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
  Counter other_transport;  // decoded, neither TCP nor UDP
};

class PacketDecoder {
 public:
  [[nodiscard]] DecodeOutcome decode(const RawPacket& raw, DecodedPacket& out) noexcept;
  [[nodiscard]] const DecodeCounters& counters() const noexcept { return counters_; }

 private:
  DecodeCounters counters_;
};

}  // namespace weir::capture
