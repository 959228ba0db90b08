// Fragments as the decoder meets them: in frames, below extension headers, in tunnels.
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

const std::string kText(3000, 'T');

std::vector<ByteSpan> cut(ByteSpan payload, size_t size) {
  std::vector<ByteSpan> out;
  for (size_t at = 0; at < payload.size(); at += size) {
    out.push_back(payload.subspan(at, std::min(size, payload.size() - at)));
  }
  return out;
}

// IPv4 fragments of `size` bytes, a multiple of eight.
std::vector<Bytes> fragments4(const Endpoint& from, const Endpoint& to, uint8_t protocol,
                              ByteSpan payload, size_t size, uint16_t id = 77) {
  std::vector<Bytes> out;
  const auto pieces = cut(payload, size);
  for (size_t i = 0; i < pieces.size(); ++i) {
    lab::IpFields fields;
    fields.id = id;
    fields.fragment = static_cast<uint16_t>(i * size / 8 | (i + 1 < pieces.size() ? 0x2000U : 0U));
    out.push_back(lab::ip_packet(from.ip, to.ip, protocol, pieces[i], fields));
  }
  return out;
}

std::vector<Bytes> fragments6(uint8_t next, ByteSpan payload, size_t size) {
  std::vector<Bytes> out;
  const auto pieces = cut(payload, size);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Bytes body = ByteWriter()
                           .u8(44)  // destination options before the fragment header
                           .u8(0)
                           .zeros(6)
                           .u8(next)
                           .u8(0)
                           .u16(i * size | (i + 1 < pieces.size() ? 1U : 0U))
                           .u32(0xabcd1234)
                           .bytes(pieces[i])
                           .take();
    out.push_back(lab::ip_packet(kClient6.ip, kServer6.ip, 60, body));
  }
  return out;
}

class FragmentsTest : public ::testing::Test {
 protected:
  DecodeOutcome decode(ByteSpan frame, int link_type = 101, uint32_t wire_length = 0) {
    RawPacket raw;
    raw.time = {1'000'000'000};
    raw.link_type = link_type;
    raw.data = frame;
    raw.wire_length = wire_length != 0 ? wire_length : static_cast<uint32_t>(frame.size());
    return decoder_.decode(raw, packet_);
  }
  // All but the last are held, the last gives the packet.
  void expect_text(const std::vector<Bytes>& frames, int link_type = 101) {
    ASSERT_GT(frames.size(), 1U);
    for (size_t i = 0; i < frames.size(); ++i) {
      const bool last = i + 1 == frames.size();
      ASSERT_EQ(decode(frames[i], link_type),
                last ? DecodeOutcome::kDecoded : DecodeOutcome::kFragment)
          << i;
    }
    EXPECT_EQ(as_chars(packet_.payload), kText);
    EXPECT_EQ(packet_.missing, 0U);
    EXPECT_EQ(packet_.destination.port, 443);
    EXPECT_GE(decoder_.counters().reassembled.get(), 1U);
  }

  PacketDecoder decoder_;
  DecodedPacket packet_;
};

Bytes tcp4() { return lab::tcp_segment(kClient, kServer, {}, as_bytes(kText)); }
Bytes udp4() { return lab::udp_datagram(kClient, kServer, as_bytes(kText)); }
Bytes tcp6() { return lab::tcp_segment(kClient6, kServer6, {}, as_bytes(kText)); }

TEST_F(FragmentsTest, Ipv4) {
  expect_text(fragments4(kClient, kServer, 6, tcp4(), 1480));
  expect_text(fragments4(kClient, kServer, 17, udp4(), 1480));
  EXPECT_EQ(decoder_.counters().fragments.get() + decoder_.counters().decoded.get(),
            decoder_.counters().packets.get());
}

TEST_F(FragmentsTest, TinyFragmentsHideNoPorts) {
  expect_text(fragments4(kClient, kServer, 6, tcp4(), 24));
  EXPECT_EQ(packet_.source, kClient);
}

TEST_F(FragmentsTest, ReversedOrder) {
  std::vector<Bytes> frames = fragments4(kClient, kServer, 6, tcp4(), 512);
  std::reverse(frames.begin(), frames.end());
  expect_text(frames);
}

TEST_F(FragmentsTest, PaddedShortFrames) {
  std::vector<Bytes> frames;
  for (const Bytes& ip : fragments4(kClient, kServer, 17, udp4(), 1504)) {
    frames.push_back(lab::ethernet_ip(ip));
  }
  ASSERT_EQ(frames.size(), 2U);
  expect_text(frames, 1);
  frames.clear();
  const Bytes odd = lab::tcp_segment(kClient, kServer, {}, as_bytes(kText));
  for (const Bytes& ip : fragments4(kClient, kServer, 6, odd, 3016)) {
    frames.push_back(lab::ethernet_ip(ip));
  }
  ASSERT_EQ(frames.back().size(), 60U) << "the last holds four bytes and padding";
  expect_text(frames, 1);
}

TEST_F(FragmentsTest, Ipv6) {
  expect_text(fragments6(6, tcp6(), 1400));
  // The fragmented part may begin with extension headers of its own.
  const Bytes options = ByteWriter().u8(6).u8(0).zeros(6).bytes(tcp6()).take();
  expect_text(fragments6(60, options, 1400));
  EXPECT_EQ(packet_.source, kClient6);
}

TEST_F(FragmentsTest, FragmentsOfFragmentsAreMalformed) {
  const Bytes inner = ByteWriter().u8(6).u8(0).u16(1).u32(5).zeros(2000).take();
  const auto frames = fragments6(44, inner, 1400);
  EXPECT_EQ(decode(frames[0]), DecodeOutcome::kFragment);
  EXPECT_EQ(decode(frames[1]), DecodeOutcome::kMalformed);
  EXPECT_EQ(decoder_.counters().bad_network.get(), 1U);
}

TEST_F(FragmentsTest, AtomicFragmentsAreWhole) {
  const Bytes body = ByteWriter().u8(6).u8(0).u16(0).u32(1).bytes(tcp6()).take();
  const Bytes packet = lab::ip_packet(kClient6.ip, kServer6.ip, 44, body);
  EXPECT_EQ(decode(packet), DecodeOutcome::kDecoded);
  EXPECT_EQ(as_chars(packet_.payload), kText);
}

TEST_F(FragmentsTest, InsideAndAroundTunnels) {
  const auto vxlan = [](const Bytes& ip) {
    return ByteWriter().u32(0x08000000).u32(9 << 8).bytes(lab::ethernet_ip(ip)).take();
  };
  // The carrier is fragmented, as a mirror does whose path has the same MTU.
  const Bytes carried = lab::udp_datagram(kClient, {kServer.ip, 4789},
                                          vxlan(lab::ip_packet(kClient.ip, kServer.ip, 6, tcp4())));
  expect_text(fragments4(kClient, kServer, 17, carried, 1480));
  EXPECT_NE(packet_.encapsulation, 0U);
  // Fragments are carried.
  std::vector<Bytes> frames;
  for (const Bytes& ip : fragments4(kClient, kServer, 6, tcp4(), 1480)) {
    frames.push_back(lab::udp_packet(kClient, {kServer.ip, 4789}, vxlan(ip)));
  }
  expect_text(frames);
  // Both: each carried fragment is in a fragmented carrier, one id for all the inner ones.
  frames.clear();
  uint16_t id = 100;
  for (const Bytes& ip : fragments4(kClient, kServer, 6, tcp4(), 1480)) {
    const Bytes carrier = lab::udp_datagram(kClient, {kServer.ip, 4789}, vxlan(ip));
    for (Bytes& frame : fragments4(kClient, kServer, 17, carrier, 800, id++)) {
      frames.push_back(std::move(frame));
    }
  }
  expect_text(frames);
}

TEST_F(FragmentsTest, AReassembledCarrierOutlastsItsInsideThatFails) {
  const Bytes inside(3000, 'T');  // no VXLAN
  Bytes carrier = lab::udp_datagram(kClient, {kServer.ip, 4789}, inside);
  const auto frames = fragments4(kClient, kServer, 17, carrier, 1480);
  for (const Bytes& frame : frames) (void)decode(frame);
  EXPECT_EQ(packet_.destination.port, 4789);
  EXPECT_EQ(as_chars(packet_.payload), kText);
}

TEST_F(FragmentsTest, CutFragmentsCountMissing) {
  auto frames = fragments4(kClient, kServer, 6, tcp4(), 1480);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(decode(frames[0]), DecodeOutcome::kFragment);
  EXPECT_EQ(
      decode(ByteSpan(frames[1]).first(20 + 100), 101, static_cast<uint32_t>(frames[1].size())),
      DecodeOutcome::kFragment);
  EXPECT_EQ(decode(frames[2]), DecodeOutcome::kDecoded);
  EXPECT_EQ(packet_.payload.size(), 1460U + 100);
  EXPECT_EQ(packet_.missing, 3000U - 1560);
}

}  // namespace
}  // namespace weir::capture
