// Every link type carries the same IP packet; it must come out the same.
#include "capture/link_layer.h"

#include <gtest/gtest.h>

#include <string>

#include "bench/lab/frames.h"
#include "capture/packet_decoder.h"
#include "tests/capture/endpoints.h"

namespace weir::capture {
namespace {

using lab::Bytes;
using lab::ByteWriter;

struct Got {
  DecodeOutcome outcome;
  uint32_t encapsulation = 0;
  std::string payload;
  DecodeCounters counters;
};

Got decode(const Bytes& frame, int link_type) {
  PacketDecoder decoder;
  DecodedPacket packet;
  RawPacket raw;
  raw.link_type = link_type;
  raw.data = frame;
  raw.wire_length = static_cast<uint32_t>(frame.size());
  Got got;
  got.outcome = decoder.decode(raw, packet);
  got.encapsulation = packet.encapsulation;
  got.payload = as_chars(packet.payload);
  got.counters = decoder.counters();
  return got;
}

void expect_inside(const Bytes& frame, int link_type, const char* what) {
  const Got got = decode(frame, link_type);
  EXPECT_EQ(got.outcome, DecodeOutcome::kDecoded) << what;
  EXPECT_EQ(got.payload, "inside") << what;
}

TEST(LinkLayer, TakesVlanTagsOff) {
  const auto vlans = [](const std::vector<lab::VlanTag>& tags) {
    const Got got = decode(lab::ethernet_ip(ip4(), tags), 1);
    EXPECT_EQ(got.payload, "inside");
    return got.encapsulation;
  };
  EXPECT_EQ(vlans({}), 0U);
  EXPECT_EQ(vlans({{100}}), 100U);
  EXPECT_EQ(vlans({{0}}), 0U) << "a priority tag is no VLAN";
  EXPECT_EQ(vlans({{0xe064}}), 100U) << "priority bits are no part of the id";
  EXPECT_EQ(vlans({{7, 0x88a8}, {100}}), 7U << 12 | 100U);
  EXPECT_EQ(vlans({{7, 0x9100}, {100}}), 7U << 12 | 100U);
  EXPECT_EQ(vlans({{0}, {100}}), 100U);
  EXPECT_NE(vlans({{1}, {2}, {3}}), vlans({{1}, {2}, {4}}));
  EXPECT_NE(vlans({{1}, {2}, {3}}), vlans({{2}, {1}, {3}}));
}

TEST(LinkLayer, VlanTagsAreBounded) {
  EXPECT_EQ(decode(lab::ethernet_ip(ip4(), std::vector<lab::VlanTag>(8, {5})), 1).outcome,
            DecodeOutcome::kDecoded);
  const Got got = decode(lab::ethernet_ip(ip4(), std::vector<lab::VlanTag>(9, {5})), 1);
  EXPECT_EQ(got.outcome, DecodeOutcome::kMalformed);
  EXPECT_EQ(got.counters.bad_link.get(), 1U);
}

TEST(LinkLayer, ReadsSnapAndLlc) {
  ByteWriter snap;
  snap.u24(0xaaaa03).u24(0).u16(0x0800).bytes(ip4());
  expect_inside(lab::ethernet(static_cast<uint16_t>(snap.size()), snap.span()), 1, "SNAP");
  expect_inside(lab::ethernet(static_cast<uint16_t>(snap.size()), snap.span(), {{9}}), 1,
                "SNAP in a VLAN");
  expect_inside(lab::ethernet(0x8870, snap.span()), 1, "SNAP in a jumbo frame");
  ByteWriter llc;
  llc.u24(0x060603).bytes(ip4());
  expect_inside(lab::ethernet(static_cast<uint16_t>(llc.size()), llc.span()), 1, "LLC IP");
  ByteWriter tree;
  tree.u24(0x424203).zeros(35);
  EXPECT_EQ(decode(lab::ethernet(38, tree.span()), 1).outcome, DecodeOutcome::kNotIp);
}

TEST(LinkLayer, SnapInSnapEnds) {
  ByteWriter nested;
  for (int i = 0; i < 5000; ++i) nested.u24(0xaaaa03).u24(0).u16(0x8870);
  EXPECT_EQ(decode(lab::ethernet(0x8870, nested.span()), 1).outcome, DecodeOutcome::kMalformed);
}

TEST(LinkLayer, OtherEtherTypesAreNotIp) {
  Got got = decode(lab::ethernet(0x0806, Bytes(28, 0)), 1);
  EXPECT_EQ(got.outcome, DecodeOutcome::kNotIp);
  EXPECT_EQ(got.counters.not_ip.get(), 1U);
  got = decode(lab::ethernet(0x88e5, Bytes(60, 0)), 1);
  EXPECT_EQ(got.outcome, DecodeOutcome::kUnsupported);
  EXPECT_EQ(got.counters.unsupported_tunnel.get(), 1U);
}

TEST(LinkLayer, ReadsMpls) {
  const auto stack = [](int labels, const Bytes& inside) {
    ByteWriter out;
    for (int i = 1; i <= labels; ++i) out.u32(0x00064040U | (i == labels ? 0x100U : 0U));
    return lab::ethernet(0x8847, out.bytes(inside).span(), {{12}});
  };
  expect_inside(stack(1, ip4()), 1, "one label");
  expect_inside(stack(3, ip6()), 1, "three labels");
  expect_inside(stack(8, ip4()), 1, "eight labels");
  EXPECT_EQ(decode(stack(2, ip4()), 1).encapsulation, 12U) << "labels are no encapsulation";
  EXPECT_EQ(decode(stack(9, ip4()), 1).counters.bad_link.get(), 1U);
  const Got pseudowire = decode(stack(1, Bytes(64, 0)), 1);
  EXPECT_EQ(pseudowire.outcome, DecodeOutcome::kUnsupported);
  EXPECT_EQ(pseudowire.counters.unsupported_tunnel.get(), 1U);
}

TEST(LinkLayer, ReadsMplsPseudowires) {
  const auto below_label = [](const Bytes& inside) {
    return lab::ethernet(0x8847, ByteWriter().u32(0x00010140).bytes(inside).span());
  };
  const Bytes frame = lab::ethernet_ip(ip4(), {{77}});
  expect_inside(below_label(frame), 1, "without control word");
  expect_inside(below_label(ByteWriter().u32(0).bytes(frame).take()), 1, "with control word");
  Bytes four = frame;
  four[0] = 0x45;  // an address that looks like the first byte of IPv4
  expect_inside(below_label(four), 1, "address that begins with 4");
  EXPECT_EQ(decode(below_label(frame), 1).encapsulation, 77U);
  const Got control = decode(below_label(ByteWriter().u32(0x10000021).bytes(ip4()).take()), 1);
  EXPECT_EQ(control.outcome, DecodeOutcome::kUnsupported) << "associated channel (RFC 4385)";
}

TEST(LinkLayer, ReadsBridgeTags) {
  const auto framed = [](uint16_t type, const Bytes& tag_and_rest) {
    return lab::ethernet(type, tag_and_rest, {{5}});
  };
  const Bytes rest = ByteWriter().u16(0x8100).u16(9).u16(0x0800).bytes(ip4()).take();
  expect_inside(framed(0x893f, ByteWriter().zeros(6).bytes(rest).take()), 1, "802.1BR");
  expect_inside(framed(0x8926, ByteWriter().u32(0x80330001).bytes(rest).take()), 1, "VN-tag");
  EXPECT_EQ(
      decode(framed(0x8926, ByteWriter().u32(0x80330001).bytes(rest).take()), 1).encapsulation,
      5U << 12 | 9U)
      << "ports differ between the two ways of a flow";
  const auto backbone = [&](uint32_t service) {
    return framed(0x88e7, ByteWriter().u32(0xe0000000 | service).zeros(12).bytes(rest).take());
  };
  expect_inside(backbone(4711), 1, "802.1ah");
  EXPECT_NE(decode(backbone(4711), 1).encapsulation, decode(backbone(4712), 1).encapsulation);
}

TEST(LinkLayer, ReadsSecurityGroupTags) {
  const auto tagged = [](const Bytes& tag) {
    return lab::ethernet(0x8909, ByteWriter().bytes(tag).bytes(ip4()).span(), {{5}});
  };
  expect_inside(tagged(ByteWriter().u32(0x01010001).u16(17).u16(0x0800).take()), 1, "on a link");
  expect_inside(tagged(ByteWriter().u16(0x0800).u32(0x01010001).u16(17).take()), 1, "in GRE");
  EXPECT_EQ(decode(tagged(ByteWriter().u32(0x02010001).u16(17).u16(0x0800).take()), 1).outcome,
            DecodeOutcome::kNotIp)
      << "another version";
}

TEST(LinkLayer, ReadsServiceHeaders) {
  const auto service = [](unsigned words, unsigned next, const Bytes& inside) {
    return lab::ethernet(
        0x894f,
        ByteWriter().u8(0).u8(words).u8(1).u8(next).zeros(words * 4 - 4).bytes(inside).span());
  };
  expect_inside(service(2, 1, ip4()), 1, "NSH, IPv4");
  expect_inside(service(6, 2, ip6()), 1, "NSH with metadata, IPv6");
  expect_inside(service(6, 3, lab::ethernet_ip(ip4())), 1, "NSH, Ethernet");
  EXPECT_EQ(decode(service(6, 99, ip4()), 1).outcome, DecodeOutcome::kNotIp);
}

TEST(LinkLayer, NestedLinkHeadersEnd) {
  ByteWriter nested;
  for (int i = 0; i < 5000; ++i) nested.u32(0x00010140).zeros(12).u16(0x8847);
  EXPECT_EQ(decode(lab::ethernet(0x8847, nested.span()), 1).outcome, DecodeOutcome::kMalformed);
}

TEST(LinkLayer, ReadsArcnet) {
  expect_inside(ByteWriter().u24(0xbe50f0).bytes(ip4()).take(), 7, "RFC 1051");
  expect_inside(ByteWriter().u24(0xbe50d4).u24(0x000169).bytes(ip4()).take(), 7, "RFC 1201");
  expect_inside(ByteWriter().u16(0xbe50).u16(0xc600).u8(0xf0).bytes(ip4()).take(), 129,
                "RFC 1051 as Linux captures it");
  expect_inside(ByteWriter()
                    .u16(0xbe50)
                    .u16(0xc600)
                    .u8(0xd4)
                    .u24(0xffffff)
                    .u8(0xd4)
                    .u24(1)
                    .bytes(ip4())
                    .take(),
                129, "exception packet");
  EXPECT_EQ(decode(ByteWriter().u24(0xbe50d4).u24(0x020169).bytes(ip4()).take(), 7).outcome,
            DecodeOutcome::kUnsupported)
      << "second piece of a packet";
  EXPECT_EQ(decode(ByteWriter().u24(0xbe50f1).zeros(20).take(), 7).outcome, DecodeOutcome::kNotIp);
}

TEST(LinkLayer, ReadsPppoeSessions) {
  const auto session = [](unsigned code, const Bytes& inside) {
    return ByteWriter()
        .u8(0x11)
        .u8(code)
        .u16(99)
        .u16(inside.size() + 2)
        .u16(0x0021)
        .bytes(inside)
        .take();
  };
  expect_inside(lab::ethernet(0x8864, session(0, ip4())), 1, "session");
  EXPECT_EQ(decode(lab::ethernet(0x8864, session(0, ip4())), 1).encapsulation, 99U);
  EXPECT_EQ(decode(lab::ethernet(0x8864, session(0, ip4()), {{7}, {8}}), 1).outcome,
            DecodeOutcome::kDecoded);
  EXPECT_EQ(decode(lab::ethernet(0x8864, session(9, ip4())), 1).outcome, DecodeOutcome::kNotIp);
}

TEST(LinkLayer, ReadsLinuxCooked) {
  const auto cooked = [](uint16_t protocol, const Bytes& inside) {
    return ByteWriter().u16(0).u16(1).u16(6).zeros(8).u16(protocol).bytes(inside).take();
  };
  const auto cooked2 = [](uint16_t protocol, const Bytes& inside) {
    return ByteWriter()
        .u16(protocol)
        .u16(0)
        .u32(3)
        .u16(1)
        .u8(0)
        .u8(6)
        .zeros(8)
        .bytes(inside)
        .take();
  };
  const Bytes tagged = ByteWriter().u16(33).u16(0x86dd).bytes(ip6()).take();
  expect_inside(cooked(0x0800, ip4()), 113, "v1");
  expect_inside(cooked2(0x86dd, ip6()), 276, "v2");
  expect_inside(cooked(0x8100, tagged), 113, "v1 with VLAN");
  EXPECT_EQ(decode(cooked2(0x8100, tagged), 276).encapsulation, 33U);
  EXPECT_EQ(decode(cooked(0x000c, ip4()), 113).outcome, DecodeOutcome::kNotIp) << "CAN";
}

TEST(LinkLayer, ReadsRawIp) {
  for (const int type : {12, 14, 101}) {
    expect_inside(ip4(), type, "IPv4");
    expect_inside(ip6(), type, "IPv6");
  }
  expect_inside(ip4(), 228, "LINKTYPE_IPV4");
  expect_inside(ip6(), 229, "LINKTYPE_IPV6");
}

TEST(LinkLayer, ReadsLoopbackInBothByteOrders) {
  for (const uint32_t family : {10U, 23U, 24U, 28U, 30U}) {
    expect_inside(ByteWriter().u32(family).bytes(ip6()).take(), 0, "big-endian");
    expect_inside(ByteWriter().le32(family).bytes(ip6()).take(), 0, "little-endian");
    expect_inside(ByteWriter().u32(family).bytes(ip6()).take(), 108, "OpenBSD");
  }
  expect_inside(ByteWriter().le32(2).bytes(ip4()).take(), 0, "IPv4");
  EXPECT_EQ(decode(ByteWriter().le32(7).bytes(ip4()).take(), 0).outcome, DecodeOutcome::kNotIp);
}

TEST(LinkLayer, ReadsPpp) {
  expect_inside(ByteWriter().u16(0xff03).u16(0x0021).bytes(ip4()).take(), 9, "with address");
  expect_inside(ByteWriter().u16(0x0057).bytes(ip6()).take(), 9, "without address");
  expect_inside(ByteWriter().u8(0x21).bytes(ip4()).take(), 50, "compressed protocol");
  expect_inside(ByteWriter().u16(0x0f00).u16(0x0800).bytes(ip4()).take(), 50, "Cisco addresses");
  expect_inside(ByteWriter().u16(0x1100).u16(5).u16(99).u16(0x0021).bytes(ip4()).take(), 51,
                "PPPoE");
  EXPECT_EQ(decode(ByteWriter().u16(0xc021).zeros(8).take(), 9).outcome, DecodeOutcome::kNotIp);
}

TEST(LinkLayer, ReadsSerialLines) {
  expect_inside(ByteWriter().u16(0x0f00).u16(0x0800).bytes(ip4()).take(), 104, "Cisco HDLC");
  expect_inside(ByteWriter().u16(0x1841).u16(0x03cc).bytes(ip4()).take(), 107, "RFC 2427");
  expect_inside(
      ByteWriter().u16(0x1841).u16(0x0300).u8(0x80).u24(0).u16(0x86dd).bytes(ip6()).take(), 107,
      "RFC 2427 SNAP");
  expect_inside(ByteWriter().u16(0x1841).u16(0x0800).bytes(ip4()).take(), 107, "Cisco");
}

TEST(LinkLayer, ReadsClearWifiData) {
  const Bytes snap = ByteWriter().u24(0xaaaa03).u24(0).u16(0x0800).bytes(ip4()).take();
  const Bytes plain = ByteWriter().u16(0x0801).zeros(22).bytes(snap).take();
  const Bytes qos = ByteWriter().u16(0x8801).zeros(24).bytes(snap).take();
  const Bytes secret = ByteWriter().u16(0x0841).zeros(22).bytes(snap).take();
  const Bytes beacon = ByteWriter().u16(0x8000).zeros(40).take();
  expect_inside(plain, 105, "data");
  expect_inside(qos, 105, "QoS data");
  EXPECT_EQ(decode(secret, 105).outcome, DecodeOutcome::kNotIp);
  EXPECT_EQ(decode(beacon, 105).outcome, DecodeOutcome::kNotIp);
  // Radiotap with TSFT and flags; the QoS header of 26 bytes is padded to 28.
  const Bytes padded = ByteWriter().u16(0x8801).zeros(24).u16(0xdead).bytes(snap).take();
  const Bytes radiotap =
      ByteWriter().u16(0).le16(18).le32(3).zeros(8).u8(0x20).u8(0).bytes(padded).take();
  expect_inside(radiotap, 127, "radiotap");
  const auto ppi = [](uint32_t inner, const Bytes& frame) {
    return ByteWriter().u16(0).le16(12).le32(inner).zeros(4).bytes(frame).take();
  };
  expect_inside(ppi(105, plain), 192, "PPI");
  EXPECT_EQ(decode(ppi(192, ppi(105, plain)), 192).outcome, DecodeOutcome::kUnsupported);
}

}  // namespace
}  // namespace weir::capture
