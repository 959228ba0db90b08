#include "inspect/identify/ndpi_packet.h"

#include <algorithm>

#include "core/hash.h"

namespace weir::inspect {

IpAddress private_stand_in(const IpAddress& ip) noexcept {
  if (!ip.is_v4()) return ip;
  const uint32_t b = ip.bytes[12];
  const uint32_t c = ip.bytes[13];
  const bool special = b == 0 || b == 10 || b == 127 || b >= 224 || (b == 169 && c == 254) ||
                       (b == 172 && (c & 0xf0) == 16) || (b == 192 && c == 168);
  if (special) return ip;
  const uint32_t number = b << 24 | c << 16 | uint32_t{ip.bytes[14]} << 8 | uint32_t{ip.bytes[15]};
  return IpAddress::v4(0x0a000000U | static_cast<uint32_t>(mix64(number) & 0xffffff));
}

void IpPacketWriter::put16(uint32_t value) noexcept {
  put8(static_cast<uint8_t>(value >> 8));
  put8(static_cast<uint8_t>(value));
}

void IpPacketWriter::put32(uint32_t value) noexcept {
  put16(value >> 16);
  put16(value);
}

void IpPacketWriter::put(ByteSpan bytes) noexcept {
  std::copy(bytes.begin(), bytes.end(), buffer_.begin() + static_cast<ptrdiff_t>(size_));
  size_ += bytes.size();
}

ByteSpan IpPacketWriter::write(const DecodedPacket& packet) noexcept {
  const bool tcp = packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp);
  const bool udp = packet.protocol == static_cast<uint8_t>(IpProtocol::kUdp);
  const ByteSpan payload = packet.payload.first(std::min(packet.payload.size(), kMostPayload));
  const uint32_t transport = (tcp ? 20 : udp ? 8 : 0) + static_cast<uint32_t>(payload.size());
  const ByteSpan from(packet.source.ip.bytes);
  const ByteSpan to(packet.destination.ip.bytes);
  size_ = 0;
  if (packet.source.ip.is_v4() && packet.destination.ip.is_v4()) {
    put16(0x4500);
    put16(20 + transport);
    put32(0x00004000);  // do not fragment
    put8(64);
    put8(packet.protocol);
    put16(0);
    put(from.last(4));
    put(to.last(4));
  } else {
    put32(0x60000000);
    put16(transport);
    put8(packet.protocol);
    put8(64);
    put(from);
    put(to);
  }
  if (tcp || udp) {
    put16(packet.source.port);
    put16(packet.destination.port);
  }
  if (tcp) {
    const TcpFlags& f = packet.flags;
    put32(packet.seq);
    put32(packet.ack);
    const unsigned flags = (f.fin ? 1U : 0) | (f.syn ? 2U : 0) | (f.rst ? 4U : 0) |
                           (f.psh ? 8U : 0) | (f.ack ? 16U : 0);
    put16(0x5000 | flags);
    put16(packet.window);
    put32(0);  // checksum, urgent pointer
  } else if (udp) {
    put16(transport);
    put16(0);
  }
  put(payload);
  std::fill(buffer_.begin() + static_cast<ptrdiff_t>(size_), buffer_.end(), uint8_t{0});
  return ByteSpan(buffer_).first(size_);
}

}  // namespace weir::inspect
