#include "core/hash.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

// The key 00..0f over the messages 00, 00 01, …: vectors of the SipHash paper's reference code.
TEST(SipHash, PublishedVectors) {
  const HashKey key{{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};
  std::vector<uint8_t> message;
  EXPECT_EQ(siphash(key, message), 0x726fdb47dd0e0e31ULL);
  for (uint8_t i = 0; i < 15; ++i) message.push_back(i);
  EXPECT_EQ(siphash(key, message), 0xa129ca6149be45e5ULL);
}

TEST(Hex, IsLowerCaseBigEndian) {
  EXPECT_EQ(to_hex(uint64_t{0xABCDEF0123456789ULL}), "abcdef0123456789");
  const std::vector<uint8_t> bytes = {0, 0xff, 0x1a};
  EXPECT_EQ(to_hex(ByteSpan(bytes)), "00ff1a");
}

TEST(HashKey, RandomKeysDiffer) { EXPECT_NE(HashKey::random().words, HashKey::random().words); }

}  // namespace
}  // namespace weir
