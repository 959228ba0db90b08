#include "inspect/identify/ndpi_classifier.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "inspect/identify/ndpi_packet.h"
#include "tests/support/packet_maker.h"

namespace weir::inspect {
namespace {

using namespace std::string_literals;

class NdpiClassifier : public ::testing::Test {
 protected:
  static Limits few_flows() {
    Limits limits;
    limits.ndpi_flows = 2;
    return limits;
  }
  void SetUp() override {
    auto made = NdpiEngine::create(few_flows());
    ASSERT_TRUE(made) << made.error().to_string();
    engine = std::move(made).value();
  }
  std::optional<NdpiVerdict> tcp(NdpiFlow& flow, bool up, const std::string& payload) {
    uint32_t& seq = up ? up_seq : down_seq;
    const DecodedPacket packet = peer.packet(up, seq, up ? down_seq : up_seq,
                                             {.psh = true, .ack = true}, as_bytes(payload), next());
    seq += static_cast<uint32_t>(payload.size());
    return engine->feed(flow, packet);
  }
  std::optional<NdpiVerdict> udp(NdpiFlow& flow, bool up, const std::string& payload) {
    DecodedPacket packet = peer.packet(up, 0, 0, {}, as_bytes(payload), next());
    packet.protocol = 17;
    return engine->feed(flow, packet);
  }
  Timestamp next() { return now = now + Duration::millis(20); }

  test::TcpPeer peer{{IpAddress::v4(0x0a000001), 40000}, {IpAddress::v4(0xc0a80102), 8443}};
  uint32_t up_seq = 1000;
  uint32_t down_seq = 5000;
  Timestamp now{1'700'000'000'000'000'000};
  std::unique_ptr<NdpiEngine> engine;
};

TEST_F(NdpiClassifier, SshByItsBanner) {
  NdpiFlow flow = engine->begin();
  ASSERT_TRUE(flow.active());
  auto verdict = tcp(flow, false, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
  if (!verdict) verdict = tcp(flow, true, "SSH-2.0-OpenSSH_8.9\r\n");
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->protocol, "ssh");
  EXPECT_EQ(verdict->category, "remoteaccess");
  EXPECT_TRUE(verdict->encrypted);
  EXPECT_FALSE(flow.active());
  EXPECT_EQ(engine->active(), 0U);
  EXPECT_EQ(engine->counters().decided.get(), 1U);
}

TEST_F(NdpiClassifier, BitTorrentByItsHandshake) {
  NdpiFlow flow = engine->begin();
  const std::string handshake = "\x13"s + "BitTorrent protocol" + std::string(8, '\0') +
                                std::string(20, 'h') + "-TR3000-abcdefghijkl";
  auto verdict = tcp(flow, true, handshake);
  if (!verdict) verdict = tcp(flow, false, handshake);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->protocol, "bittorrent");
}

TEST_F(NdpiClassifier, WireGuardByItsHandshake) {
  NdpiFlow flow = engine->begin();
  std::string noise;
  for (int i = 0; i < 200; ++i) noise += static_cast<char>(i * 73 + 5);
  const std::string initiation = "\x01\0\0\0abcd"s + noise.substr(0, 140);
  const std::string response = "\x02\0\0\0wxyzabcd"s + noise.substr(0, 80);
  const std::string data = "\x04\0\0\0wxyz\0\0\0\0\0\0\0\0"s + noise.substr(0, 16);
  ASSERT_EQ(initiation.size(), 148U);
  ASSERT_EQ(response.size(), 92U);
  auto verdict = udp(flow, true, initiation);
  if (!verdict) verdict = udp(flow, false, response);
  if (!verdict) verdict = udp(flow, true, data);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->protocol, "wireguard");
  EXPECT_EQ(verdict->category, "vpn");
  EXPECT_TRUE(verdict->encrypted);
}

TEST_F(NdpiClassifier, UnknownAfterTheLastPacket) {
  NdpiFlow flow = engine->begin();
  std::optional<NdpiVerdict> verdict;
  size_t packets = 0;
  while (!verdict && packets < 50) {
    verdict = udp(flow, packets % 2 == 0, std::string(30, static_cast<char>(0xf1 + packets)));
    ++packets;
  }
  ASSERT_TRUE(verdict);
  EXPECT_EQ(packets, Limits{}.ndpi_udp_packets);
  EXPECT_EQ(verdict->protocol, "unknown");
  EXPECT_FALSE(verdict->known());
  EXPECT_EQ(engine->counters().unknown.get(), 1U);
  EXPECT_FALSE(udp(flow, true, "more")) << "a decided flow is done";
}

TEST_F(NdpiClassifier, PortsAreNotBelieved) {
  peer.server.port = 22;
  NdpiFlow flow = engine->begin();
  EXPECT_FALSE(tcp(flow, true, "\x90\x91\x92\x93"));
  EXPECT_FALSE(engine->give_up(flow).known());
}

TEST_F(NdpiClassifier, FlowsAtOnceAreBounded) {
  NdpiFlow first = engine->begin();
  NdpiFlow second = engine->begin();
  EXPECT_FALSE(engine->begin().active());
  EXPECT_EQ(engine->counters().refused.get(), 1U);
  first.reset();
  NdpiFlow third = engine->begin();
  EXPECT_TRUE(third.active());
  second = std::move(third);
  EXPECT_EQ(engine->active(), 1U);
}

TEST_F(NdpiClassifier, MemoryOfFlowsIsCountedAndComesBack) {
  const size_t before = NdpiEngine::memory_in_use();
  EXPECT_GT(before, 100'000U) << "the module itself";
  NdpiFlow flow = engine->begin();
  tcp(flow, true, "GET / HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x\r\n\r\n");
  if (flow.active()) {
    EXPECT_GT(NdpiEngine::memory_in_use(), before);
  }
  flow.reset();
  // Caches of the module may have grown, by less than a flow.
  EXPECT_LT(NdpiEngine::memory_in_use(), before + 600);
}

TEST(IpPacketWriter, WritesIpv4Tcp) {
  IpPacketWriter writer;
  const test::TcpPeer peer;
  const std::string payload = "hello";
  const DecodedPacket packet =
      peer.packet(true, 0x01020304, 0x05060708, {.syn = true, .ack = true}, as_bytes(payload), {});
  const ByteSpan ip = writer.write(packet);
  const uint8_t expected[] = {0x45, 0, 0, 45, 0,   0,   0x40, 0,   64,   6,    0,    0,
                              10,   0, 0, 1,  192, 168, 1,    2,   0x9c, 0x40, 1,    187,
                              1,    2, 3, 4,  5,   6,   7,    8,   0x50, 0x12, 0xff, 0xff,
                              0,    0, 0, 0,  'h', 'e', 'l',  'l', 'o'};
  EXPECT_TRUE(std::equal(ip.begin(), ip.end(), std::begin(expected), std::end(expected)));
}

TEST(IpPacketWriter, WritesIpv6UdpAndCutsThePayload) {
  IpPacketWriter writer;
  DecodedPacket packet;
  packet.source = {*IpAddress::parse("2001:db8::1"), 53};
  packet.destination = {*IpAddress::parse("2001:db8::2"), 5353};
  packet.protocol = 17;
  const std::vector<uint8_t> payload(60'000, 'z');
  packet.payload = payload;
  const ByteSpan ip = writer.write(packet);
  ASSERT_EQ(ip.size(), 40 + 8 + IpPacketWriter::kMostPayload);
  EXPECT_EQ(ip[0], 0x60);
  EXPECT_EQ(ip[4] << 8 | ip[5], 8 + static_cast<int>(IpPacketWriter::kMostPayload));
  EXPECT_EQ(ip[6], 17);
  EXPECT_EQ(ip[23], 1);
  EXPECT_EQ(ip[39], 2);
  EXPECT_EQ(ip[44] << 8 | ip[45], 8 + static_cast<int>(IpPacketWriter::kMostPayload));
}

}  // namespace
}  // namespace weir::inspect
