// The longest required literal, by cases; and the promise behind it, that each match holds it, is
// kept by the loader's tests over the shipped rules.
#include "signatures/regex_literal.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::signatures {
namespace {

TEST(RequiredLiteral, IsTheLongestRunThatEveryMatchHolds) {
  struct Case {
    const char* pattern;
    size_t length;
  };
  const Case cases[] = {
      {"abc", 3},
      {"", 0},
      {"ab*c", 1},
      {"ab+c", 2},
      {"ab?c", 1},
      {"ab{2,3}c", 2},
      {"ab{0,3}c", 1},
      {"ab{,3}c", 1},
      {"abc|de", 2},
      {"x(?:abc|de)y", 2},
      {"x(?:abc|de)?y", 1},
      {"(?:abc){2}", 3},
      {"(?:abc)*", 0},
      {R"(\bghp_[a-z]{36}\b)", 4},
      {R"(\d+-\d+)", 1},
      {"[aA][bB][cC]", 3},
      {"[ab]cd", 2},
      {"[^a]cd", 2},
      {"[]x]ab", 2},
      {"[[:alpha:]]abc", 3},
      {R"(\.\*\n\x41\x{42})", 5},
      {"(?i)abc", 3},
      {"(?i:abc)d", 3},
      {"(?P<name>abcd)", 4},
      {"(?<name>abcd)", 4},
      {"(?#comment)ab", 2},
      {"a(?=bcd)e", 2},
      {R"(\Qabc\E)", 0},
      {R"((a)\1)", 0},
      {"^abc$", 3},
      {"a.c", 1},
      {"[abc", 0},
      {"a{b", 3},
      {"(((", 0},
      {"\\", 0},
  };
  for (const Case& c : cases) EXPECT_EQ(required_literal(c.pattern), c.length) << c.pattern;
}

TEST(RequiredLiteral, DeepNestingIsUnknown) {
  const std::string deep = std::string(40, '(') + "abcdef" + std::string(40, ')');
  EXPECT_EQ(required_literal(deep), 0U);
  const std::string deeper(100'000, '(');
  EXPECT_EQ(required_literal(deeper), 0U);
}

}  // namespace
}  // namespace weir::signatures
