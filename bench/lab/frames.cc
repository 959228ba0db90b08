#include "bench/lab/frames.h"

#include "core/byte_reader.h"
#include "core/check.h"

namespace weir::lab {
namespace {

// RFC 1071.
class Checksum {
 public:
  void add(ByteSpan bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      sum_ += i % 2 == 0 ? uint64_t{bytes[i]} << 8 : uint64_t{bytes[i]};
    }
  }
  void add(uint64_t word) { sum_ += word; }
  [[nodiscard]] uint16_t value() const {
    uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum);
  }

 private:
  uint64_t sum_ = 0;
};

// The address as it stands in a packet: 4 or 16 bytes.
ByteSpan wire_address(const IpAddress& ip) {
  return ip.is_v4() ? ByteSpan(ip.bytes).subspan(12) : ByteSpan(ip.bytes);
}

uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                            ByteSpan segment) {
  Checksum sum;
  sum.add(wire_address(source));
  sum.add(wire_address(destination));
  sum.add(protocol);
  sum.add(segment.size());
  sum.add(segment);
  return sum.value();
}

}  // namespace

Bytes tcp_segment(const Endpoint& source, const Endpoint& destination, const TcpFields& fields,
                  ByteSpan payload) {
  const TcpFlags& f = fields.flags;
  const unsigned flags = (f.fin ? 1U : 0U) | (f.syn ? 2U : 0U) | (f.rst ? 4U : 0U) |
                         (f.psh ? 8U : 0U) | (f.ack ? 16U : 0U);
  const auto words = static_cast<unsigned>(5 + fields.options.size() / 4);
  ByteWriter out;
  out.u16(source.port).u16(destination.port).u32(fields.seq).u32(fields.ack);
  out.u8(words << 4).u8(flags).u16(fields.window).u16(0).u16(0);
  out.bytes(fields.options).bytes(payload);
  out.put_u16(16, transport_checksum(source.ip, destination.ip, 6, out.span()));
  return out.take();
}

Bytes udp_datagram(const Endpoint& source, const Endpoint& destination, ByteSpan payload) {
  ByteWriter out;
  out.u16(source.port).u16(destination.port).u16(payload.size() + 8).u16(0).bytes(payload);
  const uint16_t sum = transport_checksum(source.ip, destination.ip, 17, out.span());
  out.put_u16(6, sum == 0 ? 0xffff : sum);
  return out.take();
}

Bytes ip_packet(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                ByteSpan payload, const IpFields& fields) {
  ByteWriter out;
  if (!source.is_v4()) {
    out.u32(0x60000000).u16(payload.size()).u8(protocol).u8(fields.ttl);
    out.bytes(source.bytes).bytes(destination.bytes).bytes(payload);
    return out.take();
  }
  const size_t header = 20 + fields.options.size();
  out.u8(static_cast<unsigned>(0x40 | header / 4)).u8(0).u16(header + payload.size());
  out.u16(fields.id).u16(fields.fragment).u8(fields.ttl).u8(protocol).u16(0);
  out.bytes(wire_address(source)).bytes(wire_address(destination)).bytes(fields.options);
  Checksum sum;
  sum.add(out.span());
  out.put_u16(10, sum.value());
  out.bytes(payload);
  return out.take();
}

Bytes tcp_packet(const Endpoint& source, const Endpoint& destination, const TcpFields& fields,
                 ByteSpan payload, const IpFields& ip) {
  return ip_packet(source.ip, destination.ip, 6, tcp_segment(source, destination, fields, payload),
                   ip);
}

Bytes udp_packet(const Endpoint& source, const Endpoint& destination, ByteSpan payload,
                 const IpFields& ip) {
  return ip_packet(source.ip, destination.ip, 17, udp_datagram(source, destination, payload), ip);
}

Bytes ethernet(uint16_t type, ByteSpan payload, const std::vector<VlanTag>& tags) {
  ByteWriter out;
  out.u32(0x02000000).u16(0x0002).u32(0x02000000).u16(0x0001);
  for (const VlanTag& tag : tags) out.u16(tag.type).u16(tag.id);
  out.u16(type).bytes(payload);
  if (out.size() < 60) out.zeros(60 - out.size());
  return out.take();
}

Bytes ethernet_ip(ByteSpan ip, const std::vector<VlanTag>& tags) {
  const bool v6 = !ip.empty() && ip[0] >> 4 == 6;
  return ethernet(v6 ? 0x86dd : 0x0800, ip, tags);
}

bool carries_vlan(uint32_t link_type) noexcept {
  return link_type == 1 || link_type == 113 || link_type == 276;
}

Bytes reframe(ByteSpan ethernet_frame, uint32_t link_type) {
  ByteReader in(ethernet_frame);
  in.skip(12);
  const uint16_t outer_type = in.u16();
  const ByteSpan behind_outer_type = in.peek();  // tags, if any, and the packet
  uint16_t type = outer_type;
  while (type == 0x8100 || type == 0x88a8) {
    in.skip(2);
    type = in.u16();
  }
  WEIR_CHECK(in.ok());
  const bool v6 = type == 0x86dd;
  ByteWriter out;
  switch (link_type) {
    case 1:
      return {ethernet_frame.begin(), ethernet_frame.end()};
    case 113:
      out.u16(0).u16(1).u16(6).u64(0x0200000000010000).u16(outer_type);
      return out.bytes(behind_outer_type).take();
    case 276:
      out.u16(outer_type).u16(0).u32(2).u16(1).u8(0).u8(6).u64(0x0200000000010000);
      return out.bytes(behind_outer_type).take();
    case 101:
      return out.bytes(in.rest()).take();
    case 0:
      return out.le32(v6 ? 30 : 2).bytes(in.rest()).take();
    case 108:
      return out.u32(v6 ? 24 : 2).bytes(in.rest()).take();
    default:
      WEIR_CHECK(link_type == 9);
      return out.u16(0xff03).u16(v6 ? 0x0057 : 0x0021).bytes(in.rest()).take();
  }
}

}  // namespace weir::lab
