#include "config/user_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace weir::config {
namespace {

using ::testing::HasSubstr;

std::string_view user(const UserMap& map, const char* address) {
  return map.user_of(*IpAddress::parse(address));
}

TEST(UserMap, TheLongestPrefixWins) {
  const auto map = UserMap::parse(
      "# who sits where\n\n10.0.0.0/8 company\n 10.20.0.0/16\tbuild farm \r\n"
      "10.20.1.7 alice\n2001:db8:7::/48 guests\n",
      "users");
  ASSERT_TRUE(map) << map.error().to_string();
  EXPECT_EQ(map->size(), 4U);
  EXPECT_EQ(user(*map, "10.20.1.7"), "alice");
  EXPECT_EQ(user(*map, "10.20.1.8"), "build farm");
  EXPECT_EQ(user(*map, "10.255.255.255"), "company");
  EXPECT_EQ(user(*map, "11.0.0.0"), "");
  EXPECT_EQ(user(*map, "2001:db8:7:ffff::1"), "guests");
  EXPECT_EQ(user(*map, "2001:db8:8::1"), "");
}

TEST(UserMap, ErrorsNameTheLine) {
  const auto error = [](const char* text) {
    const auto map = UserMap::parse(text, "users");
    return map ? std::string() : map.error().to_string();
  };
  EXPECT_THAT(error("10.0.0.1 a\n10.0.0 b\n"), HasSubstr("users:2:1: \"10.0.0\", expected"));
  EXPECT_THAT(error("10.0.0.1\n"), HasSubstr("users:1: expected a user"));
  EXPECT_THAT(error("10.0.0.1 a\x01z\n"), HasSubstr("printable"));
  EXPECT_THAT(error("10.0.0.0/8 a\n\n10.9.0.0/8 b\n"),
              HasSubstr("users:3:1: stands there already, in line 1"));
  EXPECT_THAT(UserMap::load("/nonexistent/users").error().to_string(), HasSubstr("cannot be read"));
}

// Against a walk over all networks.
TEST(UserMap, AgreesWithTheObviousLookUp) {
  std::mt19937 random(7);
  std::string text;
  std::vector<std::pair<IpNetwork, std::string>> all;
  for (int i = 0; i < 300; ++i) {
    const std::string address = "10." + std::to_string(random() % 4) + "." +
                                std::to_string(random() % 8) + "." + std::to_string(random() % 256);
    const std::string where = address + "/" + std::to_string(14 + random() % 19);
    const IpNetwork network = *IpNetwork::parse(where);
    const bool known = std::any_of(all.begin(), all.end(), [&](const auto& other) {
      return other.first.prefix == network.prefix && other.first.contains(network.address);
    });
    if (known) continue;
    all.emplace_back(network, "user " + std::to_string(i));
    text += where + " " + all.back().second + "\n";
  }
  const auto map = UserMap::parse(text, "users");
  ASSERT_TRUE(map) << map.error().to_string();
  for (int i = 0; i < 2'000; ++i) {
    const IpAddress address =
        IpAddress::v4((10U << 24) | static_cast<uint32_t>(random() % (5U << 16)));
    const std::pair<IpNetwork, std::string>* best = nullptr;
    for (const auto& entry : all) {
      if (!entry.first.contains(address)) continue;
      if (best == nullptr || entry.first.prefix > best->first.prefix) best = &entry;
    }
    EXPECT_EQ(map->user_of(address), best == nullptr ? "" : best->second) << address.to_string();
  }
}

}  // namespace
}  // namespace weir::config
