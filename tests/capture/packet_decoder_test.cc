#include "capture/packet_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "bench/lab/frames.h"
#include "tests/capture/endpoints.h"

namespace weir::capture {
namespace {

using lab::Bytes;
using lab::ByteWriter;

constexpr int kRawIp = 101;

RawPacket raw_of(const Bytes& frame, int link_type = 1, uint32_t wire_length = 0) {
  RawPacket raw;
  raw.time = {1'700'000'000'000'000'001};
  raw.link_type = link_type;
  raw.data = frame;
  raw.wire_length = wire_length != 0 ? wire_length : static_cast<uint32_t>(frame.size());
  return raw;
}

struct Decoded {
  Bytes frame;  // that packet.payload points into
  DecodeOutcome outcome;
  DecodedPacket packet;
  DecodeCounters counters;
};

Decoded decode(Bytes frame, int link_type = 1, uint32_t wire_length = 0) {
  PacketDecoder decoder;
  Decoded out;
  out.frame = std::move(frame);
  out.outcome = decoder.decode(raw_of(out.frame, link_type, wire_length), out.packet);
  out.counters = decoder.counters();
  return out;
}

Bytes tcp_ip(std::string_view payload, const lab::IpFields& ip = {}) {
  lab::TcpFields tcp;
  tcp.seq = 0x01020304;
  tcp.ack = 0xfffefdfc;
  tcp.flags = {.psh = true, .ack = true};
  tcp.window = 4242;
  return lab::tcp_packet(kClient, kServer, tcp, as_bytes(payload), ip);
}

// An IPv6 packet with `headers` (of `first` kind) between the fixed header and TCP.
Bytes ipv6_with(uint8_t first, const Bytes& headers, std::string_view payload) {
  Bytes body = headers;
  const Bytes segment = lab::tcp_segment(kClient6, kServer6, {}, as_bytes(payload));
  body.insert(body.end(), segment.begin(), segment.end());
  return lab::ip_packet(kClient6.ip, kServer6.ip, first, body);
}

TEST(PacketDecoder, ReadsTcpOverIpv4) {
  const Bytes frame = lab::ethernet_ip(tcp_ip("hello"));
  const Decoded got = decode(frame);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.source, kClient);
  EXPECT_EQ(got.packet.destination, kServer);
  EXPECT_EQ(got.packet.protocol, 6);
  EXPECT_EQ(got.packet.time.ns, 1'700'000'000'000'000'001);
  EXPECT_EQ(got.packet.seq, 0x01020304U);
  EXPECT_EQ(got.packet.ack, 0xfffefdfcU);
  EXPECT_EQ(got.packet.window, 4242);
  EXPECT_TRUE(got.packet.flags.psh && got.packet.flags.ack);
  EXPECT_FALSE(got.packet.flags.syn || got.packet.flags.fin || got.packet.flags.rst);
  EXPECT_EQ(as_chars(got.packet.payload), "hello") << "padding of the short frame is cut off";
  EXPECT_EQ(got.packet.missing, 0U);
  EXPECT_EQ(got.packet.encapsulation, 0U);
  EXPECT_EQ(got.counters.packets.get(), 1U);
  EXPECT_EQ(got.counters.decoded.get(), 1U);
}

TEST(PacketDecoder, EachTcpFlagIsItsOwn) {
  for (int bit = 0; bit < 5; ++bit) {
    lab::TcpFields tcp;
    tcp.flags = {bit == 0, bit == 1, bit == 2, bit == 3, bit == 4};
    const Decoded got = decode(lab::ethernet_ip(lab::tcp_packet(kClient, kServer, tcp, {})));
    ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
    EXPECT_EQ(got.packet.flags.fin, bit == 0);
    EXPECT_EQ(got.packet.flags.syn, bit == 1);
    EXPECT_EQ(got.packet.flags.rst, bit == 2);
    EXPECT_EQ(got.packet.flags.psh, bit == 3);
    EXPECT_EQ(got.packet.flags.ack, bit == 4);
    EXPECT_TRUE(got.packet.payload.empty());
  }
}

TEST(PacketDecoder, ReadsUdpOverIpv6) {
  const Bytes frame =
      lab::ethernet_ip(lab::udp_packet(kClient6, kServer6, as_bytes("datagram of some length")));
  const Decoded got = decode(frame);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.source, kClient6);
  EXPECT_EQ(got.packet.destination, kServer6);
  EXPECT_EQ(got.packet.protocol, 17);
  EXPECT_EQ(as_chars(got.packet.payload), "datagram of some length");
}

TEST(PacketDecoder, StepsOverIpv4AndTcpOptions) {
  lab::TcpFields tcp;
  tcp.options = Bytes(40, 1);
  lab::IpFields ip;
  ip.options = Bytes(40, 1);
  const Decoded got =
      decode(lab::tcp_packet(kClient, kServer, tcp, as_bytes("after options"), ip), kRawIp);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(as_chars(got.packet.payload), "after options");
}

TEST(PacketDecoder, SnaplenCutCountsMissingPayload) {
  Bytes frame = lab::ethernet_ip(tcp_ip(std::string(1000, 'x')));
  const auto wire = static_cast<uint32_t>(frame.size());
  frame.resize(14 + 40 + 96);
  const Decoded got = decode(frame, 1, wire);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.payload.size(), 96U);
  EXPECT_EQ(got.packet.missing, 904U);
  EXPECT_EQ(got.counters.cut_payload.get(), 1U);
}

TEST(PacketDecoder, SnaplenCutInTcpOptionsKeepsPortsAndMissing) {
  lab::TcpFields tcp;
  tcp.options = Bytes(20, 1);
  Bytes frame = lab::tcp_packet(kClient, kServer, tcp, as_bytes("payload"));
  const auto wire = static_cast<uint32_t>(frame.size());
  frame.resize(20 + 24);
  const Decoded got = decode(frame, kRawIp, wire);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.destination, kServer);
  EXPECT_TRUE(got.packet.payload.empty());
  EXPECT_EQ(got.packet.missing, 7U);
}

TEST(PacketDecoder, EveryCutIsTruncatedOrDecodedAndAlwaysCounted) {
  const Bytes whole = lab::ethernet_ip(tcp_ip(std::string(100, 'x')), {{7}});
  PacketDecoder decoder;
  for (size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    DecodedPacket packet;
    const DecodeOutcome outcome =
        decoder.decode(raw_of(cut, 1, static_cast<uint32_t>(whole.size())), packet);
    const bool headers_there = size >= 18 + 20 + 20;
    EXPECT_EQ(outcome, headers_there ? DecodeOutcome::kDecoded : DecodeOutcome::kMalformed) << size;
    if (headers_there) {
      EXPECT_EQ(packet.payload.size() + packet.missing, 100U);
    }
  }
  EXPECT_EQ(decoder.counters().truncated.get(), 58U);
  EXPECT_EQ(decoder.counters().decoded.get() + 58, decoder.counters().packets.get());
}

TEST(PacketDecoder, TotalLengthZeroMeansAllThatIsThere) {
  Bytes ip = tcp_ip(std::string(3000, 'y'));
  ip[2] = ip[3] = 0;
  const Decoded got = decode(lab::ethernet_ip(ip));
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.payload.size(), 3000U);
  Bytes ip6 = ipv6_with(6, {}, std::string(2000, 'z'));
  ip6[4] = ip6[5] = 0;
  const Decoded got6 = decode(lab::ethernet_ip(ip6));
  ASSERT_EQ(got6.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got6.packet.payload.size(), 2000U);
}

TEST(PacketDecoder, ReadsReceiveOffloadPacketsOf64K) {
  const Decoded got = decode(lab::ethernet_ip(tcp_ip(std::string(65495, 'g'))));
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.payload.size(), 65495U);
  EXPECT_EQ(got.packet.missing, 0U);
}

TEST(PacketDecoder, UdpLengthBeyondTheDatagramIsMalformed) {
  Bytes datagram = lab::udp_datagram(kClient, kServer, Bytes(100, 'u'));
  datagram[4] = 0x40;  // 16 KB in all
  const Decoded got = decode(lab::ip_packet(kClient.ip, kServer.ip, 17, datagram), kRawIp);
  EXPECT_EQ(got.outcome, DecodeOutcome::kMalformed);
  EXPECT_EQ(got.counters.bad_transport.get(), 1U);
}

TEST(PacketDecoder, UdpLengthCutsWhatStandsBehindIt) {
  Bytes datagram = lab::udp_datagram(kClient, kServer, as_bytes("in datagram, behind it"));
  datagram[5] = 8 + 11;
  const Decoded got = decode(lab::ip_packet(kClient.ip, kServer.ip, 17, datagram), kRawIp);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(as_chars(got.packet.payload), "in datagram");
  EXPECT_EQ(got.packet.missing, 0U);
}

TEST(PacketDecoder, StepsOverIpv6ExtensionHeaders) {
  ByteWriter headers;
  headers.u8(43).u8(0).zeros(6);        // hop-by-hop, 8 bytes
  headers.u8(60).u8(2).zeros(22);       // routing, 24 bytes
  headers.u8(44).u8(0).zeros(6);        // destination options
  headers.u8(51).u8(0).u16(0).u32(99);  // atomic fragment
  headers.u8(6).u8(4).zeros(22);        // authentication, 24 bytes
  const Decoded got = decode(ipv6_with(0, headers.take(), "deep inside"), kRawIp);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.destination, kServer6);
  EXPECT_EQ(as_chars(got.packet.payload), "deep inside");
}

TEST(PacketDecoder, ExtensionHeadersAreBounded) {
  const auto chain = [](int count) {
    ByteWriter headers;
    for (int i = 0; i < count; ++i) headers.u8(i + 1 == count ? 6 : 60).u8(0).zeros(6);
    return ipv6_with(60, headers.take(), "x");
  };
  EXPECT_EQ(decode(chain(16), kRawIp).outcome, DecodeOutcome::kDecoded);
  const Decoded got = decode(chain(17), kRawIp);
  EXPECT_EQ(got.outcome, DecodeOutcome::kMalformed);
  EXPECT_EQ(got.counters.bad_network.get(), 1U);
}

TEST(PacketDecoder, ExtensionHeaderBeyondThePacketIsMalformed) {
  ByteWriter header;
  header.u8(6).u8(200).zeros(6);
  const Decoded got = decode(ipv6_with(60, header.take(), "x"), kRawIp);
  EXPECT_EQ(got.outcome, DecodeOutcome::kMalformed);
  EXPECT_EQ(got.counters.bad_network.get(), 1U);
}

TEST(PacketDecoder, ReadsJumboLength) {
  ByteWriter header;
  header.u8(6).u8(0).u8(0xc2).u8(4).u32(8 + 20 + 70000);
  Bytes packet = ipv6_with(0, header.take(), std::string(70000, 'j'));
  packet[4] = packet[5] = 0;
  packet.resize(packet.size() + 11, 0xee);  // padding
  const Decoded got = decode(packet, kRawIp);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.payload.size(), 70000U);
}

TEST(PacketDecoder, OtherTransportsHaveNoPorts) {
  const Bytes packet = lab::ip_packet(kClient.ip, kServer.ip, 1, as_bytes("ping"));
  Decoded got = decode(packet, kRawIp);
  ASSERT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.packet.protocol, 1);
  EXPECT_EQ(got.packet.source.port, 0);
  EXPECT_EQ(as_chars(got.packet.payload), "ping");
  EXPECT_EQ(got.counters.other_transport.get(), 1U);
  EXPECT_EQ(got.counters.tunnels.get(), 0U);
  got = decode(lab::ip_packet(kClient.ip, kServer.ip, 47, as_bytes("gre?")), kRawIp);
  EXPECT_EQ(got.outcome, DecodeOutcome::kDecoded);
  EXPECT_EQ(got.counters.tunnels.get(), 1U);
}

TEST(PacketDecoder, ImpossibleHeadersAreMalformed) {
  struct Case {
    const char* what;
    size_t at;
    uint8_t value;
    Counter DecodeCounters::*counter;
  };
  const Case cases[] = {
      {"IP version 5", 0, 0x55, &DecodeCounters::bad_network},
      {"IPv4 header of 16 bytes", 0, 0x44, &DecodeCounters::bad_network},
      {"total length below the header", 3, 19, &DecodeCounters::bad_network},
      {"TCP header of 16 bytes", 32, 0x40, &DecodeCounters::bad_transport},
      {"TCP header beyond the packet", 32, 0xf0, &DecodeCounters::bad_transport},
  };
  for (const Case& c : cases) {
    Bytes packet = tcp_ip("abc");
    packet[2] = 0;
    packet[c.at] = c.value;
    const Decoded got = decode(packet, kRawIp);
    EXPECT_EQ(got.outcome, DecodeOutcome::kMalformed) << c.what;
    EXPECT_EQ((got.counters.*c.counter).get(), 1U) << c.what;
  }
}

TEST(PacketDecoder, EmptyFrameIsMalformedForEveryLinkType) {
  for (const int type : {0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 107, 108, 113, 127, 228, 276}) {
    EXPECT_EQ(decode({}, type).outcome, DecodeOutcome::kMalformed) << type;
  }
  const Decoded got = decode({}, 147);
  EXPECT_EQ(got.outcome, DecodeOutcome::kUnsupported);
  EXPECT_EQ(got.counters.unsupported_link.get(), 1U);
}

}  // namespace
}  // namespace weir::capture
