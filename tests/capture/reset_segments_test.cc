#include "capture/reset_segments.h"

#include <gtest/gtest.h>

#include <vector>

#include "capture/packet_decoder.h"
#include "capture/reset_sender.h"

namespace weir::capture {
namespace {

DecodedPacket segment_seen(const char* from, const char* to) {
  static const std::vector<uint8_t> kPayload(100, 'x');
  DecodedPacket packet;
  packet.source = {*IpAddress::parse(from), 40'000};
  packet.destination = {*IpAddress::parse(to), 443};
  packet.protocol = static_cast<uint8_t>(IpProtocol::kTcp);
  packet.seq = 0xffff'ffc0;  // the next one is beyond the wrap
  packet.ack = 7'000;
  packet.flags.ack = true;
  packet.payload = kPayload;
  return packet;
}

DecodedPacket read_back(const ResetSegment& segment) {
  RawPacket raw;
  raw.link_type = 101;
  raw.data = segment.span();
  raw.wire_length = static_cast<uint32_t>(segment.length);
  PacketDecoder decoder;
  DecodedPacket out;
  EXPECT_EQ(decoder.decode(raw, out), DecodeOutcome::kDecoded);
  return out;
}

// The obvious sum of RFC 1071 over what a receiver checks: 0xffff when it is right.
uint32_t sum_of(std::vector<uint8_t> bytes) {
  if (bytes.size() % 2 != 0) bytes.push_back(0);
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) sum += bytes[i] * 256U + bytes[i + 1];
  while (sum > 0xffff) sum = sum % 0x10000 + sum / 0x10000;
  return static_cast<uint32_t>(sum);
}

TEST(ResetSender, KnowsAPacketThatATunnelCarried) {
  const DecodedPacket seen = segment_seen("10.0.0.5", "192.0.2.9");
  const ResetSegment segment = make_resets(seen, {}).segments[1];
  std::vector<uint8_t> frame(12, 2);
  frame.insert(frame.end(), {0x81, 0, 0, 7, 8, 0});  // VLAN 7, IPv4
  frame.insert(frame.end(), segment.span().begin(), segment.span().end());
  RawPacket raw;
  raw.link_type = 1;
  raw.data = frame;
  DecodedPacket inside = seen;
  inside.encapsulation = 7;
  EXPECT_FALSE(reaches_nobody(raw, inside)) << "a VLAN is no tunnel";
  inside.tunnelled = true;
  EXPECT_TRUE(reaches_nobody(raw, inside));
  EXPECT_FALSE(reaches_nobody(raw, seen));
  frame[12] = 0x88;  // PPPoE: no header that a reset could stand behind
  frame[13] = 0x64;
  EXPECT_FALSE(reaches_nobody(raw, seen));
  inside.tunnelled = false;
  EXPECT_TRUE(reaches_nobody(raw, inside)) << "its addresses are those of a session";
  raw.link_type = 101;
  EXPECT_FALSE(reaches_nobody(raw, inside));
}

TEST(ResetSegments, InThePathBothEndsExpectThem) {
  const DecodedPacket seen = segment_seen("10.0.0.5", "192.0.2.9");
  const ResetSegments resets = make_resets(seen, {});
  ASSERT_EQ(resets.count, 2U);
  ASSERT_TRUE(resets.segments[0].to_sender);
  const DecodedPacket to_client = read_back(resets.segments[0]);
  EXPECT_EQ(to_client.source, seen.destination);
  EXPECT_EQ(to_client.destination, seen.source);
  EXPECT_TRUE(to_client.flags.rst);
  EXPECT_EQ(to_client.seq, 7'000U);
  EXPECT_EQ(to_client.ack, 36U);
  ASSERT_FALSE(resets.segments[1].to_sender);
  const DecodedPacket to_server = read_back(resets.segments[1]);
  EXPECT_EQ(to_server.source, seen.source);
  // The segment was dropped: its first byte is what the server waits for.
  EXPECT_EQ(to_server.seq, 0xffff'ffc0U);
  EXPECT_TRUE(to_server.payload.empty());
}

TEST(ResetSegments, FromAMirrorTheyStandBehindTheSegment) {
  ResetOptions options;
  options.passed = true;
  options.spread = 3;
  const ResetSegments resets = make_resets(segment_seen("10.0.0.5", "192.0.2.9"), options);
  ASSERT_EQ(resets.count, 4U);
  std::vector<uint32_t> seqs;
  for (size_t i = 1; i < resets.count; ++i) seqs.push_back(read_back(resets.segments[i]).seq);
  EXPECT_EQ(seqs, (std::vector<uint32_t>{36, 136, 236}));
}

TEST(ResetSegments, ASynIsAnsweredAsRefused) {
  DecodedPacket syn = segment_seen("10.0.0.5", "192.0.2.9");
  syn.payload = {};
  syn.flags = {};
  syn.flags.syn = true;
  syn.ack = 0;
  const ResetSegments resets = make_resets(syn, {});
  ASSERT_EQ(resets.count, 2U);
  const DecodedPacket to_client = read_back(resets.segments[0]);
  EXPECT_EQ(to_client.seq, 0U);
  EXPECT_EQ(to_client.ack, syn.seq + 1);
  EXPECT_TRUE(to_client.flags.ack);
  EXPECT_FALSE(read_back(resets.segments[1]).flags.ack);
}

TEST(ResetSegments, ChecksumsHoldForBothVersions) {
  for (const auto& [from, to] :
       {std::pair("10.0.0.5", "192.0.2.9"), std::pair("2001:db8::5", "2001:db8:1::9")}) {
    const ResetSegments resets = make_resets(segment_seen(from, to), {});
    for (size_t i = 0; i < resets.count; ++i) {
      const ByteSpan bytes = resets.segments[i].span();
      const bool four = bytes[0] >> 4 == 4;
      const size_t head = four ? 20 : 40;
      ASSERT_EQ(bytes.size(), head + 20);
      if (four) {
        EXPECT_EQ(sum_of({bytes.begin(), bytes.begin() + 20}), 0xffffU);
      }
      const size_t addresses = four ? 12 : 8;
      std::vector<uint8_t> covered(bytes.begin() + static_cast<ptrdiff_t>(addresses), bytes.end());
      covered.insert(covered.end(), {0, 6, 0, 20});
      EXPECT_EQ(sum_of(covered), 0xffffU) << from;
    }
  }
}

TEST(ResetSegments, NoneForResetsAndOtherProtocols) {
  DecodedPacket packet = segment_seen("10.0.0.5", "192.0.2.9");
  packet.flags.rst = true;
  EXPECT_EQ(make_resets(packet, {}).count, 0U);
  packet.flags.rst = false;
  packet.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
  EXPECT_EQ(make_resets(packet, {}).count, 0U);
}

}  // namespace
}  // namespace weir::capture
