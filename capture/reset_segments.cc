// See reset_segments.h.
#include "capture/reset_segments.h"

#include <algorithm>

namespace weir::capture {
namespace {

constexpr size_t kTcpBytes = 20;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kAck = 0x10;

void put16(uint8_t* to, uint32_t value) noexcept {
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}
void put32(uint8_t* to, uint32_t value) noexcept {
  put16(to, value >> 16);
  put16(to + 2, value & 0xffff);
}

// The sum of RFC 1071, folded at the end. `bytes` of even length.
uint32_t add_up(const uint8_t* bytes, size_t length, uint32_t sum) noexcept {
  for (size_t i = 0; i + 1 < length; i += 2) {
    sum += static_cast<uint32_t>(bytes[i]) << 8 | bytes[i + 1];
  }
  return sum;
}
uint32_t checksum(uint32_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

struct Ends {
  Endpoint from;
  Endpoint to;
  uint32_t seq;
  uint32_t ack;
  bool with_ack;
};

ResetSegment segment_of(const Ends& ends, uint8_t hop_limit) noexcept {
  ResetSegment out;
  const bool four = ends.from.ip.is_v4();
  const size_t address = four ? 4 : 16;
  const size_t head = four ? 20 : 40;
  uint8_t* ip = out.bytes.data();
  uint8_t* tcp = ip + head;
  out.length = head + kTcpBytes;
  const auto copy_address = [&](const IpAddress& from, size_t at) {
    std::copy_n(from.bytes.data() + (16 - address), address, ip + at);
  };
  if (four) {
    ip[0] = 0x45;
    put16(ip + 2, static_cast<uint32_t>(out.length));
    put16(ip + 6, 0x4000);  // do not fragment
    ip[8] = hop_limit;
    ip[9] = static_cast<uint8_t>(IpProtocol::kTcp);
    copy_address(ends.from.ip, 12);
    copy_address(ends.to.ip, 16);
    put16(ip + 10, checksum(add_up(ip, head, 0)));
  } else {
    ip[0] = 0x60;
    put16(ip + 4, kTcpBytes);
    ip[6] = static_cast<uint8_t>(IpProtocol::kTcp);
    ip[7] = hop_limit;
    copy_address(ends.from.ip, 8);
    copy_address(ends.to.ip, 24);
  }
  put16(tcp, ends.from.port);
  put16(tcp + 2, ends.to.port);
  put32(tcp + 4, ends.seq);
  put32(tcp + 8, ends.with_ack ? ends.ack : 0);
  tcp[12] = (kTcpBytes / 4) << 4;
  tcp[13] = static_cast<uint8_t>(kRst | (ends.with_ack ? kAck : 0));
  // The pseudo header is the addresses, the protocol and the length, whatever the version.
  uint32_t sum = add_up(ip + (four ? 12 : 8), 2 * address, 0);
  sum += static_cast<uint32_t>(IpProtocol::kTcp) + kTcpBytes;
  put16(tcp + 16, checksum(add_up(tcp, kTcpBytes, sum)));
  return out;
}

}  // namespace

ResetSegments make_resets(const DecodedPacket& packet, const ResetOptions& options) noexcept {
  ResetSegments out;
  if (packet.protocol != static_cast<uint8_t>(IpProtocol::kTcp) || packet.flags.rst) return out;
  if (packet.source.ip.is_v4() != packet.destination.ip.is_v4()) return out;
  const auto payload = static_cast<uint32_t>(packet.payload.size()) + packet.missing;
  const uint32_t length = payload + (packet.flags.syn ? 1 : 0) + (packet.flags.fin ? 1 : 0);
  const auto add = [&](const Ends& ends, bool to_sender) {
    ResetSegment& made = out.segments[out.count++];
    made = segment_of(ends, options.hop_limit);
    made.to_sender = to_sender;
  };
  // The sender expects what it acknowledged; before it has seen anything, a reset must acknowledge
  // its SYN to count.
  add({packet.destination, packet.source, packet.flags.ack ? packet.ack : 0, packet.seq + length,
       true},
      true);
  const uint32_t step = std::max<uint32_t>(payload, 1);
  uint32_t seq = packet.seq + (options.passed ? length : 0);
  for (size_t i = 0; i < std::clamp<size_t>(options.spread, 1, kMaxSpread); ++i, seq += step) {
    add({packet.source, packet.destination, seq, packet.ack, packet.flags.ack}, false);
  }
  return out;
}

}  // namespace weir::capture
