#include "core/byte_budget.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(ByteBudget, BuffersShareWhatThereIs) {
  Counter refused;
  ByteBudget budget(1000, refused);
  const std::string text(400, 'x');
  {
    BudgetedBytes a(&budget);
    BudgetedBytes b(&budget);
    ASSERT_TRUE(a.append(as_bytes(text)));
    ASSERT_TRUE(b.append(as_bytes(text)));
    EXPECT_EQ(budget.used(), 800U);
    EXPECT_FALSE(b.append(as_bytes(text)));
    EXPECT_EQ(b.size(), 400U);
    EXPECT_EQ(refused.get(), 1U);
    a.free();
    EXPECT_EQ(budget.used(), 400U);
    ASSERT_TRUE(b.append(as_bytes(text)));
    EXPECT_EQ(as_chars(b.bytes()), text + text);
    BudgetedBytes moved = std::move(b);
    EXPECT_EQ(budget.used(), 800U);
    EXPECT_EQ(moved.size(), 800U);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(ByteBudget, WhatABufferKeepsCostsNothing) {
  Counter refused;
  ByteBudget budget(0, refused);
  BudgetedBytes buffer(&budget, 512);
  const std::string text(300, 'x');
  ASSERT_TRUE(buffer.append(as_bytes(text)));
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_FALSE(buffer.append(as_bytes(text)));
  buffer.clear();
  ASSERT_TRUE(buffer.resize(10));
  EXPECT_EQ(buffer[9], 0);
  buffer.erase_front(4);
  EXPECT_EQ(buffer.size(), 6U);
}

TEST(ByteBudget, MemoryIsChargedNotBytes) {
  Counter refused;
  ByteBudget budget(1U << 20, refused);
  BudgetedBytes buffer(&budget);
  const uint8_t one = 1;
  size_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(buffer.append(ByteSpan(&one, 1)));
    most = std::max<size_t>(most, budget.used());
  }
  EXPECT_EQ(most, 1024U);
  buffer.clear();
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace weir
