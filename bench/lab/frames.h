// Makes packets from the inside out: a transport segment, in an IP packet, in a frame. Checksums
// are right. For tests that need packets that are wrong: change bytes of a good one.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/lab/byte_writer.h"
#include "core/ip.h"
#include "core/packet.h"

namespace weir::lab {

struct TcpFields {
  uint32_t seq = 0;
  uint32_t ack = 0;
  TcpFlags flags;
  uint16_t window = 64240;
  Bytes options;  // a multiple of four bytes
};

Bytes tcp_segment(const Endpoint& source, const Endpoint& destination, const TcpFields& fields,
                  ByteSpan payload);
Bytes udp_datagram(const Endpoint& source, const Endpoint& destination, ByteSpan payload);

struct IpFields {
  uint16_t id = 0;
  uint8_t ttl = 64;
  uint16_t fragment = 0x4000;  // IPv4 flags and offset; don't fragment
  Bytes options;               // IPv4 options, a multiple of four bytes
};

// IPv4 or IPv6 by the kind of the addresses.
Bytes ip_packet(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                ByteSpan payload, const IpFields& fields = {});

// The same with ports and protocol in one call.
Bytes tcp_packet(const Endpoint& source, const Endpoint& destination, const TcpFields& fields,
                 ByteSpan payload, const IpFields& ip = {});
Bytes udp_packet(const Endpoint& source, const Endpoint& destination, ByteSpan payload,
                 const IpFields& ip = {});

struct VlanTag {
  uint16_t id = 0;
  uint16_t type = 0x8100;
};

// Ethernet around an IP packet (type by its version nibble) or around anything else. Short frames
// are padded to 60 bytes, as on the wire.
Bytes ethernet_ip(ByteSpan ip, const std::vector<VlanTag>& tags = {});
Bytes ethernet(uint16_t type, ByteSpan payload, const std::vector<VlanTag>& tags = {});

// The same packet behind another link layer: LINKTYPE_ETHERNET (1), LINUX_SLL (113), LINUX_SLL2
// (276), RAW (101), NULL (0), LOOP (108), PPP (9). All but the first three lose VLAN tags. Ends the
// process on any other.
Bytes reframe(ByteSpan ethernet_frame, uint32_t link_type);
bool carries_vlan(uint32_t link_type) noexcept;

}  // namespace weir::lab
