// The first byte picks the link type, the second how much the snaplen cut; the rest is the frame.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "capture/packet_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::capture::DecodeOutcome;
  constexpr std::array<int, 21> kTypes{1,   0,   9,   12,  14,  50,  51,   101, 104, 105, 107,
                                       108, 113, 127, 228, 229, 276, 9999, 7,   129, 192};
  if (size < 2) return 0;
  weir::RawPacket raw;
  raw.link_type = kTypes[data[0] % kTypes.size()];
  raw.data = weir::ByteSpan(data + 2, size - 2);
  raw.wire_length = static_cast<uint32_t>(raw.data.size()) + data[1];
  weir::capture::PacketDecoder decoder;
  weir::DecodedPacket packet;
  const DecodeOutcome outcome = decoder.decode(raw, packet);
  const auto& c = decoder.counters();
  const uint64_t exits = c.decoded.get() + c.not_ip.get() + c.fragments.get() + c.truncated.get() +
                         c.bad_link.get() + c.bad_network.get() + c.bad_transport.get() +
                         c.unsupported_link.get() + c.unsupported_tunnel.get();
  if (exits != 1) std::abort();
  if ((c.decoded.get() == 1) != (outcome == DecodeOutcome::kDecoded)) std::abort();
  if (outcome == DecodeOutcome::kDecoded && !packet.payload.empty()) {
    if (packet.payload.data() < raw.data.data() ||
        packet.payload.data() + packet.payload.size() > raw.data.data() + raw.data.size()) {
      std::abort();
    }
  }
  return 0;
}
