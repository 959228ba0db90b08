#include "core/byte_reader.h"

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

constexpr std::array<uint8_t, 8> kBytes = {1, 2, 3, 4, 5, 6, 7, 8};

TEST(ByteReader, ReadsBothOrders) {
  ByteReader r{ByteSpan(kBytes)};
  EXPECT_EQ(r.u8(), 1);
  EXPECT_EQ(r.u16(), 0x0203);
  EXPECT_EQ(r.u24(), 0x040506U);
  EXPECT_EQ(r.le16(), 0x0807);
  EXPECT_TRUE(r.ok());
  EXPECT_TRUE(r.empty());
}

TEST(ByteReader, ShortReadFailsForGood) {
  ByteReader r{ByteSpan(kBytes)};
  r.skip(6);
  EXPECT_EQ(r.u32(), 0U);
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.u8(), 0);  // the bytes are there, but the reader stays failed
  EXPECT_TRUE(r.take(1).empty());
  EXPECT_EQ(r.remaining(), 0U);
}

TEST(ByteReader, HugeLengthDoesNotWrap) {
  ByteReader r{ByteSpan(kBytes)};
  r.u8();
  EXPECT_TRUE(r.take(SIZE_MAX).empty());
  EXPECT_FALSE(r.ok());
}

TEST(ByteReader, SubReaderIsBoundedAndFailureSpreads) {
  ByteReader r{ByteSpan(kBytes)};
  ByteReader inner = r.sub(2);
  EXPECT_EQ(inner.u16(), 0x0102);
  EXPECT_EQ(inner.u8(), 0);
  EXPECT_FALSE(inner.ok());
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.u8(), 3);
  ByteReader beyond = r.sub(100);
  EXPECT_FALSE(beyond.ok());
  EXPECT_FALSE(r.ok());
}

}  // namespace
}  // namespace weir
