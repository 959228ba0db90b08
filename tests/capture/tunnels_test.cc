// The same packet in every tunnel; it must come out the same, and what is no tunnel must come out
// as the packet that carries it.
#include "capture/tunnels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bench/lab/frames.h"
#include "capture/packet_decoder.h"
#include "tests/capture/endpoints.h"

namespace weir::capture {
namespace {

using lab::Bytes;
using lab::ByteWriter;

const Endpoint kOuterA{IpAddress::v4(0xac100001), 55555};
const IpAddress kOuterB = IpAddress::v4(0xac100002);
const IpAddress kOuterA6 = *IpAddress::parse("fd00::1");
const IpAddress kOuterB6 = *IpAddress::parse("fd00::2");

Bytes frame4() { return lab::ethernet_ip(ip4()); }
Bytes frame6() { return lab::ethernet_ip(ip6(), {{42}}); }

Bytes over_udp(uint16_t port, const Bytes& payload) {
  return lab::udp_packet(kOuterA, {kOuterB, port}, payload);
}
Bytes over_ip(uint8_t protocol, const Bytes& payload) {
  return lab::ip_packet(kOuterA.ip, kOuterB, protocol, payload);
}
Bytes over_ip6(uint8_t protocol, const Bytes& payload) {
  return lab::ip_packet(kOuterA6, kOuterB6, protocol, payload);
}
Bytes join(ByteWriter header, const Bytes& inside) { return header.bytes(inside).take(); }

struct Got {
  DecodeOutcome outcome;
  DecodedPacket packet;
  std::string payload;
  DecodeCounters counters;
};

Got decode(const Bytes& ip, const Limits& limits = {}, uint32_t wire_length = 0) {
  PacketDecoder decoder(limits);
  RawPacket raw;
  raw.link_type = 101;
  raw.data = ip;
  raw.wire_length = wire_length != 0 ? wire_length : static_cast<uint32_t>(ip.size());
  Got got;
  got.outcome = decoder.decode(raw, got.packet);
  got.payload = as_chars(got.packet.payload);
  got.packet.payload = {};
  got.counters = decoder.counters();
  return got;
}

void expect_inside(const Bytes& ip, const char* what, uint64_t entered = 1) {
  const Got got = decode(ip);
  EXPECT_EQ(got.outcome, DecodeOutcome::kDecoded) << what;
  EXPECT_EQ(got.payload, "inside") << what;
  EXPECT_EQ(got.packet.protocol, 6) << what;
  EXPECT_EQ(got.packet.destination.port, 443) << what;
  EXPECT_EQ(got.counters.tunnels_entered.get(), entered) << what;
  EXPECT_EQ(got.counters.tunnels.get(), 0U) << what;
  EXPECT_EQ(got.counters.decoded.get(), 1U) << what;
}

// The packet that carries it comes out.
void expect_outside(const Bytes& ip, uint8_t protocol, const char* what) {
  const Got got = decode(ip);
  EXPECT_EQ(got.outcome, DecodeOutcome::kDecoded) << what;
  EXPECT_EQ(got.packet.protocol, protocol) << what;
  EXPECT_EQ(got.packet.source.ip, kOuterA.ip) << what;
  EXPECT_EQ(got.packet.encapsulation, 0U) << what;
  EXPECT_EQ(got.counters.tunnels_entered.get(), 0U) << what;
  EXPECT_EQ(got.counters.tunnels.get(), 1U) << what;
}

uint32_t encapsulation(const Bytes& ip) { return decode(ip).packet.encapsulation; }

ByteWriter vxlan(uint32_t vni, unsigned flags = 0x08, unsigned reserved = 0) {
  return ByteWriter().u8(flags).u24(reserved).u24(vni).u8(0);
}
ByteWriter geneve(uint16_t type, uint32_t vni, size_t option_words = 0, unsigned flags = 0) {
  return ByteWriter()
      .u8(static_cast<unsigned>(option_words))
      .u8(flags)
      .u16(type)
      .u24(vni)
      .u8(0)
      .zeros(option_words * 4);
}

TEST(Tunnels, IpInIp) {
  expect_inside(over_ip(4, ip4()), "IPv4 in IPv4");
  expect_inside(over_ip(94, ip4()), "IPv4 in IPv4, old number");
  expect_inside(over_ip(41, ip6()), "IPv6 in IPv4");
  expect_inside(over_ip6(41, ip6()), "IPv6 in IPv6");
  expect_inside(over_ip6(4, ip4()), "IPv4 in IPv6");
  expect_inside(over_ip(4, over_ip(41, over_ip6(41, ip6()))), "three of them", 3);
  expect_inside(over_ip(97, join(ByteWriter().u16(0x3000), frame4())), "EtherIP");
  expect_inside(over_ip(137, join(ByteWriter().u32(0x00064140), ip4())), "MPLS in IP");
  EXPECT_EQ(encapsulation(over_ip(4, ip4())), 0U) << "no number, no encapsulation";
  expect_outside(over_ip(4, Bytes(40, 0x11)), 4, "no IP inside");
  expect_outside(over_ip(50, ip4()), 50, "ESP");
}

TEST(Tunnels, Gre) {
  const auto gre = [](unsigned flags, unsigned type, const Bytes& rest) {
    return over_ip(47, ByteWriter().u16(flags).u16(type).bytes(rest).take());
  };
  const auto after = [](size_t fields, const Bytes& inside) {
    return ByteWriter().zeros(fields * 4).bytes(inside).take();
  };
  expect_inside(gre(0, 0x0800, ip4()), "plain");
  expect_inside(gre(0x8000, 0x0800, after(1, ip4())), "checksum");
  expect_inside(gre(0x2000, 0x86dd, after(1, ip6())), "key");
  expect_inside(gre(0x1000, 0x0800, after(1, ip4())), "sequence");
  expect_inside(gre(0xb000, 0x86dd, after(3, ip6())), "all three");
  expect_inside(gre(0x3000, 0x6558, after(2, frame6())), "Ethernet");
  expect_inside(gre(0, 0x8847, join(ByteWriter().u32(0x00064140), ip4())), "MPLS");
  expect_inside(gre(0, 0x8100, join(ByteWriter().u16(7).u16(0x0800), ip4())), "VLAN tag");
  expect_inside(gre(0, 0x880b, join(ByteWriter().u32(0xff030021), ip4())), "PPP");
  expect_inside(gre(0x3001, 0x880b, after(2, join(ByteWriter().u8(0x21), ip4()))), "PPTP");
  expect_inside(gre(0x3081, 0x880b, after(3, join(ByteWriter().u32(0xff030021), ip4()))),
                "PPTP with acknowledgement");
  expect_inside(gre(0, 0x883e, ip4()), "WCCP 1");
  expect_inside(gre(0, 0x883e, after(1, ip4())), "WCCP 2");
  const Bytes routes =
      ByteWriter().u32(0).u16(0x0800).u8(4).u8(8).zeros(8).u16(0).u16(0).bytes(ip4()).take();
  expect_inside(gre(0x4000, 0x0800, routes), "source routes");
  const Bytes wifi =
      ByteWriter().u16(0x8801).zeros(24).u24(0xaaaa03).u24(0).u16(0x0800).bytes(ip4()).take();
  expect_inside(gre(0, 0x8200, wifi), "802.11 to a controller");
  expect_outside(gre(0, 0x0800, Bytes(40, 0xff)), 47, "no IP inside");
  expect_outside(gre(0x2081, 0x880b, after(2, {})), 47, "PPTP acknowledgement");
  expect_outside(gre(2, 0x0800, ip4()), 47, "version 2");
  expect_outside(gre(0x4000, 0x0800, Bytes(400, 1)), 47, "source routes without end");
  EXPECT_EQ(encapsulation(gre(0x2000, 0x0800, join(ByteWriter().u32(1), ip4()))),
            encapsulation(gre(0x2000, 0x0800, join(ByteWriter().u32(2), ip4()))))
      << "keys may differ between the two ways of a flow";
}

TEST(Tunnels, Erspan) {
  const auto gre = [](unsigned flags, unsigned type, const Bytes& rest) {
    return over_ip(47, ByteWriter().u16(flags).u16(type).bytes(rest).take());
  };
  const auto type2 = [&](unsigned session, unsigned version = 1) {
    return gre(
        0x1000, 0x88be,
        ByteWriter().u32(99).u16(version << 12 | 100).u16(session).u32(0).bytes(frame6()).take());
  };
  const auto type3 = [&](unsigned flags, const Bytes& inside) {
    return gre(0x1000, 0x22eb,
               ByteWriter()
                   .u32(99)
                   .u16(0x2064)
                   .u16(0x0005)
                   .u32(0)
                   .u16(0)
                   .u16(flags)
                   .zeros((flags & 1) != 0 ? 8 : 0)
                   .bytes(inside)
                   .take());
  };
  expect_inside(gre(0, 0x88be, frame4()), "type I");
  expect_inside(type2(5), "type II");
  expect_inside(type3(0, frame4()), "type III");
  expect_inside(type3(1, frame4()), "type III with platform header");
  expect_inside(type3(2U << 10, ip4()), "type III around IP");
  expect_outside(type2(5, 7), 47, "type II with another version");
  EXPECT_EQ(encapsulation(type2(0x0c05)), encapsulation(type2(5))) << "session: ten bits";
  EXPECT_NE(encapsulation(type2(6)), encapsulation(type2(5)));
}

TEST(Tunnels, Vxlan) {
  expect_inside(over_udp(4789, join(vxlan(7), frame4())), "VXLAN");
  expect_inside(over_udp(8472, join(vxlan(7), frame6())), "VXLAN on its old port");
  expect_inside(over_udp(4789, join(vxlan(7, 0x88, 0x1234), frame4())), "group policy");
  expect_inside(over_udp(4790, join(ByteWriter().u32(0x0c000001).u32(7 << 8), ip4())), "GPE, IP");
  expect_inside(over_udp(4790, join(ByteWriter().u32(0x0c000003).u32(7 << 8), frame4())),
                "GPE, Ethernet");
  expect_outside(over_udp(4789, join(vxlan(7, 0), frame4())), 17, "no VNI");
  expect_inside(over_udp(4789, join(vxlan(7, 0x48, 0x087f7f), frame4())), "reserved bits");
  expect_outside(over_udp(4789, join(vxlan(7), Bytes(60, 0x45))), 17, "no Ethernet");
  expect_outside(over_udp(4789, join(vxlan(7), lab::ethernet(0x0806, Bytes(28, 0)))), 17, "ARP");
  expect_outside(over_udp(4789, {}), 17, "empty");
  const uint32_t seven = encapsulation(over_udp(4789, join(vxlan(7), frame4())));
  EXPECT_NE(seven, 0U);
  EXPECT_NE(seven, encapsulation(over_udp(4789, join(vxlan(8), frame4()))));
  EXPECT_NE(seven, encapsulation(over_udp(4789, join(vxlan(7), frame6())))) << "VLAN inside";
  EXPECT_NE(seven, encapsulation(over_udp(6081, join(geneve(0x6558, 7), frame4()))));
}

TEST(Tunnels, Geneve) {
  expect_inside(over_udp(6081, join(geneve(0x6558, 3), frame4())), "Ethernet");
  expect_inside(over_udp(6081, join(geneve(0x0800, 3), ip4())), "IPv4");
  expect_inside(over_udp(6081, join(geneve(0x86dd, 3, 63, 0x40), ip6())), "252 bytes of options");
  expect_outside(over_udp(6081, join(geneve(0x6558, 3, 0, 0x80), frame4())), 17, "control");
  expect_outside(over_udp(6081, join(geneve(0x6558, 3, 0, 0x01), frame4())), 17, "reserved");
  expect_outside(over_udp(6081, geneve(0x6558, 3, 20).take()), 17, "nothing inside");
}

TEST(Tunnels, Gtp) {
  const auto gtp = [](unsigned flags, uint32_t endpoint, const Bytes& rest) {
    return over_udp(
        2152, ByteWriter().u8(flags).u8(255).u16(rest.size()).u32(endpoint).bytes(rest).take());
  };
  expect_inside(gtp(0x30, 1, ip4()), "plain");
  expect_inside(gtp(0x32, 1, join(ByteWriter().u32(0x00990000), ip6())), "sequence");
  expect_inside(gtp(0x34, 1, join(ByteWriter().u32(0x00000085).u8(1).u16(0).u8(0), ip4())),
                "extension header");
  EXPECT_EQ(encapsulation(gtp(0x30, 1, ip4())), encapsulation(gtp(0x30, 2, ip4())))
      << "each side has an endpoint id of its own";
  expect_inside(lab::udp_packet({kOuterA.ip, 2152}, {kOuterB, 5906},
                                join(ByteWriter().u16(0x30ff).u16(ip4().size()).u32(1), ip4())),
                "answer from the port");
  expect_outside(over_udp(2152, join(ByteWriter().u16(0x30ff).u16(9).u32(1), ip4())), 17, "length");
  expect_outside(over_udp(2152, join(ByteWriter().u16(0x3001).u16(ip4().size()).u32(1), ip4())), 17,
                 "echo");
  expect_outside(gtp(0x34, 1, join(ByteWriter().u32(0x00000085).u8(0).u16(0).u8(0), ip4())), 17,
                 "extension header of no length");
}

TEST(Tunnels, OthersOverUdp) {
  expect_inside(over_udp(37008, join(ByteWriter().u16(0x0100).u16(1).u8(1), frame4())), "TZSP");
  expect_inside(
      over_udp(37008,
               join(ByteWriter().u16(0x0101).u16(1).u8(0).u8(10).u8(2).u16(7).u8(1), frame4())),
      "TZSP with tags");
  expect_outside(over_udp(37008, join(ByteWriter().u16(0x0104).u16(1).u8(1), frame4())), 17,
                 "TZSP keepalive");
  expect_outside(over_udp(37008, join(ByteWriter().u16(0x0100).u16(1), Bytes(200, 0))), 17,
                 "TZSP tags without end");
  expect_inside(over_udp(3544, ip6()), "Teredo");
  expect_inside(over_udp(3544, join(ByteWriter().u16(0).u16(0xffff).u32(0), ip6())), "origin");
  expect_inside(
      over_udp(3544, join(ByteWriter().u16(1).u16(0).zeros(9).u16(0).u16(1).u32(2), ip6())),
      "authentication and origin");
  expect_outside(over_udp(3544, ip4()), 17, "IPv4 on the Teredo port");
  expect_inside(over_udp(6635, join(ByteWriter().u32(0x00064140), ip4())), "MPLS");
  expect_inside(
      over_udp(1701, join(ByteWriter().u16(0x0002).u32(0x00070008).u32(0xff030021), ip4())),
      "L2TP");
  expect_inside(over_udp(1701, join(ByteWriter()
                                        .u16(0x4a02)
                                        .u16(0)
                                        .u32(0x00070008)
                                        .u32(0x00010002)
                                        .u16(2)
                                        .u16(0)
                                        .u8(0x57),
                                    ip6())),
                "L2TP with all fields");
  expect_outside(over_udp(1701, join(ByteWriter().u16(0xc802).zeros(10), ip4())), 17,
                 "L2TP control");
}

TEST(Tunnels, DepthIsBounded) {
  Limits limits;
  limits.encapsulation_depth = 2;
  const Got two = decode(over_ip(4, over_udp(4789, join(vxlan(1), frame4()))), limits);
  EXPECT_EQ(two.payload, "inside");
  EXPECT_EQ(two.counters.tunnel_depth.get(), 0U);
  const Got three =
      decode(over_ip(4, over_ip(4, over_udp(4789, join(vxlan(1), frame4())))), limits);
  EXPECT_EQ(three.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(three.packet.destination, (Endpoint{kOuterB, 4789}));
  EXPECT_EQ(three.counters.tunnel_depth.get(), 1U);
  EXPECT_EQ(three.counters.tunnels_entered.get(), 2U);
}

TEST(Tunnels, AnInnerTunnelThatFailsLeavesItsCarrier) {
  const Got got = decode(over_ip(4, over_udp(4789, join(vxlan(1), Bytes(100, 0x33)))));
  EXPECT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.destination, (Endpoint{kOuterB, 4789}));
  EXPECT_EQ(got.counters.tunnels_entered.get(), 1U);
  EXPECT_EQ(got.counters.tunnels.get(), 1U);
}

TEST(Tunnels, CutInsideCountsMissing) {
  Bytes whole = over_udp(
      4789,
      join(vxlan(1), lab::ethernet_ip(lab::tcp_packet(kClient, kServer, {}, Bytes(1000, 'x')))));
  const auto wire = static_cast<uint32_t>(whole.size());
  for (size_t size = 28; size < whole.size(); size += 7) {
    const Got got =
        decode(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)), {}, wire);
    EXPECT_EQ(got.outcome, DecodeOutcome::kDecoded) << size;
    if (size < 28 + 8 + 14 + 40) {
      EXPECT_EQ(got.packet.destination.port, 4789) << size;
    } else {
      EXPECT_EQ(got.packet.destination, kServer) << size;
      EXPECT_EQ(got.payload.size() + got.packet.missing, 1000U) << size;
    }
  }
  // The mirror cut the packet before it wrapped it: the outer headers are right.
  Bytes inner = lab::ethernet_ip(lab::tcp_packet(kClient, kServer, {}, Bytes(1000, 'x')));
  inner.resize(200);
  const Got got = decode(over_udp(4789, join(vxlan(1), inner)));
  EXPECT_EQ(got.packet.destination, kServer);
  EXPECT_EQ(got.packet.missing, 1000U - (200 - 14 - 40));
}

}  // namespace
}  // namespace weir::capture
