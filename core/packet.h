// Packets as views: as read from a source, and decoded down to the transport payload.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/ip.h"
#include "core/time.h"
#include "core/verdict.h"

namespace weir {

// As a source delivers it. `data` is valid during the call only.
struct RawPacket {
  Timestamp time;
  uint32_t wire_length = 0;  // bytes on the wire; data.size() is smaller when the snaplen cut it
  int link_type = 0;         // DLT_* / LINKTYPE_* number
  uint32_t interface_id = 0;
  ByteSpan data;
};

struct TcpFlags {
  bool fin = false, syn = false, rst = false, psh = false, ack = false;
};

// Decoded. Views point into the RawPacket, or into the decoder (a datagram put together from
// fragments), and are valid until the next packet is decoded.
struct DecodedPacket {
  Timestamp time;
  uint32_t wire_length = 0;  // of the whole frame
  Endpoint source;
  Endpoint destination;        // ports are 0 for protocols without ports
  uint8_t protocol = 0;        // IANA number of the transport
  uint32_t encapsulation = 0;  // see FlowKey::encapsulation
  bool tunnelled = false;      // another IP packet carried it
  ByteSpan payload;            // above the transport header, without link-layer padding
  uint32_t missing = 0;        // payload bytes that the IP length promised but the capture cut off
  // TCP only.
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint16_t window = 0;
  TcpFlags flags;
};

// Where capture hands packets. The verdict goes back to the source (drop, reset) where it can act.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual Action on_packet(const DecodedPacket& packet) noexcept = 0;
  // Packet time moved on though no packet came, or the source ended.
  virtual void on_time(Timestamp now) noexcept = 0;
};

}  // namespace weir
