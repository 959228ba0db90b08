// Builds decoded packets for tests of what stands above the decoder.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/packet.h"

namespace weir::test {

struct TcpPeer {
  Endpoint client{IpAddress::v4(0x0a000001), 40000};
  Endpoint server{IpAddress::v4(0xc0a80102), 443};

  // `payload` must outlive the packet.
  [[nodiscard]] DecodedPacket packet(bool to_server, uint32_t seq, uint32_t ack, TcpFlags flags,
                                     ByteSpan payload, Timestamp time) const {
    DecodedPacket p;
    p.time = time;
    p.source = to_server ? client : server;
    p.destination = to_server ? server : client;
    p.protocol = static_cast<uint8_t>(IpProtocol::kTcp);
    p.payload = payload;
    p.wire_length = static_cast<uint32_t>(payload.size() + 54);
    p.seq = seq;
    p.ack = ack;
    p.window = 65535;
    p.flags = flags;
    return p;
  }
};

}  // namespace weir::test
