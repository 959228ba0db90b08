#include "inspect/engine/small_packets.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/packet_maker.h"

namespace weir::inspect {
namespace {

TEST(SsdpHost, FindsTheHostInAnyCase) {
  EXPECT_EQ(
      ssdp_host(as_bytes("M-SEARCH * HTTP/1.1\r\nMX: 1\r\nHost:239.255.255.250:1900 \r\n\r\n")),
      "239.255.255.250:1900");
  EXPECT_EQ(ssdp_host(as_bytes("NOTIFY * HTTP/1.1\nHOST: [FF02::C]:1900")), "[FF02::C]:1900");
}

TEST(SsdpHost, RefusesOtherDatagrams) {
  EXPECT_FALSE(ssdp_host({}));
  EXPECT_FALSE(ssdp_host(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
  EXPECT_FALSE(ssdp_host(as_bytes("M-SEARCH * HTTP/1.1\r\nMX: 1\r\n\r\n")));
  EXPECT_FALSE(ssdp_host(as_bytes("M-SEARCH * HTTP/1.1")));
}

class AckWithPadding : public testing::Test {
 protected:
  DecodedPacket packet(ByteSpan payload, uint32_t wire_length) const {
    DecodedPacket p = peer_.packet(true, 1, 1, {.ack = true}, payload, {1});
    p.wire_length = wire_length;
    return p;
  }
  test::TcpPeer peer_;
  std::array<uint8_t, 8> zeros_{};
};

TEST_F(AckWithPadding, IsAFewZerosInASmallFrame) {
  EXPECT_TRUE(is_ack_with_padding(packet(ByteSpan(zeros_).first(2), 56)));
  EXPECT_TRUE(is_ack_with_padding(packet(ByteSpan(zeros_).first(6), 60)));
}

TEST_F(AckWithPadding, IsNoData) {
  EXPECT_FALSE(is_ack_with_padding(packet({}, 60)));
  EXPECT_FALSE(is_ack_with_padding(packet(ByteSpan(zeros_).first(7), 60)));
  EXPECT_FALSE(is_ack_with_padding(packet(ByteSpan(zeros_).first(6), 66)));
  const std::array<uint8_t, 2> data = {0, 1};
  EXPECT_FALSE(is_ack_with_padding(packet(data, 56)));
  DecodedPacket pushed = packet(ByteSpan(zeros_).first(2), 56);
  pushed.flags.psh = true;
  EXPECT_FALSE(is_ack_with_padding(pushed));
  DecodedPacket udp = packet(ByteSpan(zeros_).first(2), 44);
  udp.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
  EXPECT_FALSE(is_ack_with_padding(udp));
}

}  // namespace
}  // namespace weir::inspect
