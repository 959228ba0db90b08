#include "app/terminal.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

TEST(Terminal, NumbersForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(99'949), "99.9 kB");
  EXPECT_EQ(human_bytes(99'950), "100 kB");
  EXPECT_EQ(human_bytes(999'600), "1.0 MB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18447 PB");
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1'234'567), "1,234,567");
}

TEST(Terminal, TablesAlignTextLeftAndNumbersRight) {
  Table table({{"NAME"}, {"N", true}});
  EXPECT_TRUE(table.empty());
  table.add({"naïve", "5"});
  table.add({"b", "12,000"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.to_string(),
            "  NAME        N\n"
            "  naïve       5\n"
            "  b      12,000\n");
}

TEST(Terminal, TablesWithoutTitlesHaveNoHead) {
  Table table({{""}, {"", true}});
  table.add({"files", "6"});
  EXPECT_EQ(table.to_string(0), "files  6\n");
}

// What stands in a packet cannot drive the terminal.
TEST(Terminal, ControlCharactersAreNotPrinted) {
  EXPECT_EQ(printable("a\x1b[31mb\n\x7f"), "a?[31mb??");
  Table table({{"X"}});
  table.add({"\x1b]0;title\x07"});
  EXPECT_EQ(table.to_string(0), "X\n?]0;title?\n");
}

}  // namespace
}  // namespace weir::app
