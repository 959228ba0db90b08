#include "core/ip.h"

#include <gtest/gtest.h>

#include "core/flow_key.h"

namespace weir {
namespace {

TEST(IpAddress, TextRoundTrip) {
  for (const char* text : {"10.1.2.3", "2001:db8::1", "::", "0.0.0.0"}) {
    const auto ip = IpAddress::parse(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(ip->to_string(), text);
  }
  for (const char* text : {"", "10.1.2", "10.1.2.3.4", "10.1.2.3/8", "fe80::1%eth0", "x"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpNetwork, ContainsByPrefix) {
  const auto net = IpNetwork::parse("10.16.0.0/12");
  ASSERT_TRUE(net);
  EXPECT_TRUE(net->contains(*IpAddress::parse("10.31.255.255")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("10.32.0.0")));
  EXPECT_FALSE(net->contains(*IpAddress::parse("2001:db8::1")));
  const auto six = IpNetwork::parse("2607:6bc0::/32");
  ASSERT_TRUE(six);
  EXPECT_TRUE(six->contains(*IpAddress::parse("2607:6bc0:1::5")));
  const auto all = IpNetwork::parse("0.0.0.0/0");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->contains(*IpAddress::parse("255.1.1.1")));
  EXPECT_FALSE(all->contains(*IpAddress::parse("::1")));
}

TEST(IpNetwork, RejectsBadText) {
  for (const char* text :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1", "/8"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

TEST(FlowKey, BothDirectionsGiveOneKey) {
  const Endpoint a{IpAddress::v4(0x0a000001), 5000};
  const Endpoint b{IpAddress::v4(0x0a000001), 443};
  bool swapped_ab = false;
  bool swapped_ba = false;
  const FlowKey ab = FlowKey::make(a, b, 6, 7, &swapped_ab);
  const FlowKey ba = FlowKey::make(b, a, 6, 7, &swapped_ba);
  EXPECT_EQ(ab, ba);
  EXPECT_NE(swapped_ab, swapped_ba);
  bool ignored = false;
  EXPECT_NE(ab, FlowKey::make(a, b, 6, 8, &ignored));
  EXPECT_NE(ab, FlowKey::make(a, b, 17, 7, &ignored));
}

}  // namespace
}  // namespace weir
