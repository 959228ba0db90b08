// HostTable against host_matches() over generated patterns and names, and host_matches() and
// wildcard_match() by cases.
#include "signatures/host_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "signatures/wildcard.h"

namespace weir::signatures {
namespace {

TEST(Wildcard, StarIsAnyRun) {
  EXPECT_TRUE(wildcard_match("/a/*/c*", "/a/b/c?x"));
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("a*b*c", "aXbXbc"));
  EXPECT_FALSE(wildcard_match("a*b", "abc"));
  EXPECT_FALSE(wildcard_match("ABC", "abc"));
  EXPECT_TRUE(wildcard_match("ABC*", "abcd", LetterCase::kIgnore));
  EXPECT_FALSE(wildcard_match("", "a"));
  EXPECT_FALSE(wildcard_match("*aaaaaaaab", std::string(10'000, 'a')));
}

TEST(HostPattern, StarStaysInItsLabel) {
  EXPECT_TRUE(host_matches("*.x.example", "x.example"));
  EXPECT_TRUE(host_matches("*.x.example", "a.b.x.example"));
  EXPECT_FALSE(host_matches("*.x.example", "ax.example"));
  EXPECT_TRUE(host_matches("api.*.x.example", "api.eu-1.x.example"));
  EXPECT_FALSE(host_matches("api.*.x.example", "api.a.b.x.example"));
  EXPECT_FALSE(host_matches("api-*.x.example", "api-.x.example"));
  EXPECT_TRUE(host_matches("*", "anything"));
}

TEST(HostPattern, BadOnesAreToldFromGood) {
  for (const char* good : {"*", "a", "*.a.b", "x-*-y.a.b", "a.*.b", "a_b.c"}) {
    EXPECT_EQ(check_host_pattern(good), "") << good;
  }
  for (const char* bad :
       {"", "A.b", "a..b", ".a", "a.", "*.*.b", "a.**.b", "a.*", "a b", "a/b", "*.", "a:443"}) {
    EXPECT_NE(check_host_pattern(bad), "") << bad;
  }
}

TEST(NormaliseHost, TakesOffPortAndDot) {
  std::array<char, kMaxHost> buffer;
  EXPECT_EQ(normalise_host("API.x.Example:8443", buffer.data()), "api.x.example");
  EXPECT_EQ(normalise_host("x.example.", buffer.data()), "x.example");
  EXPECT_EQ(normalise_host("[2001:DB8::1]:443", buffer.data()), "2001:db8::1");
  EXPECT_EQ(normalise_host("2001:db8::1", buffer.data()), "2001:db8::1");
  EXPECT_EQ(normalise_host("[2001", buffer.data()), "");
  EXPECT_EQ(normalise_host("", buffer.data()), "");
  EXPECT_EQ(normalise_host(std::string(256, 'a'), buffer.data()), "");
}

std::string random_name(std::mt19937_64& random, bool pattern) {
  static constexpr const char* kLabels[] = {"a", "b", "ab", "ba", "api", "x-1"};
  static constexpr const char* kStars[] = {"*", "a*", "*b", "x-*", "a*b"};
  std::string out;
  const size_t labels = 1 + random() % 4;
  for (size_t i = 0; i < labels; ++i) {
    const bool star = pattern && i + 1 < labels && random() % 4 == 0;
    out += (i > 0 ? "." : "");
    out += star ? kStars[random() % std::size(kStars)] : kLabels[random() % std::size(kLabels)];
  }
  return out;
}

// The order that host_table.h promises: exact, patterns with an inner star by literals, "*.x" by
// length, "*".
int rank(const std::string& pattern) {
  if (pattern == "*") return 3;
  if (pattern.find('*') == std::string::npos) return 0;
  return pattern.starts_with("*.") && pattern.find('*', 1) == std::string::npos ? 2 : 1;
}

TEST(HostTable, AgreesWithTryingEveryPattern) {
  std::mt19937_64 random(7);
  size_t met = 0;
  for (int round = 0; round < 300; ++round) {
    HostTable table;
    std::vector<std::string> patterns;
    const size_t count = 1 + random() % 12;
    for (size_t i = 0; i < count; ++i) {
      const std::string pattern = random() % 20 == 0 ? "*" : random_name(random, true);
      if (!check_host_pattern(pattern).empty()) continue;
      if (std::find(patterns.begin(), patterns.end(), pattern) != patterns.end()) continue;
      EXPECT_FALSE(table.add(pattern, static_cast<uint32_t>(patterns.size())));
      patterns.push_back(pattern);
    }
    table.build();
    for (int i = 0; i < 40; ++i) {
      const std::string host = random_name(random, false);
      std::vector<uint32_t> got;
      table.visit(host, [&](uint32_t value) {
        got.push_back(value);
        return false;
      });
      std::vector<uint32_t> expected;
      for (uint32_t p = 0; p < patterns.size(); ++p) {
        if (host_matches(patterns[p], host)) expected.push_back(p);
      }
      met += expected.size();
      std::vector<uint32_t> sorted = got;
      std::sort(sorted.begin(), sorted.end());
      ASSERT_EQ(sorted, expected) << host;
      for (size_t k = 1; k < got.size(); ++k) {
        const std::string& before = patterns[got[k - 1]];
        const std::string& after = patterns[got[k]];
        ASSERT_LE(rank(before), rank(after)) << host << ": " << before << " before " << after;
        if (rank(before) == 2 && rank(after) == 2) {
          ASSERT_GT(before.size(), after.size());
        }
      }
    }
  }
  EXPECT_GT(met, 1000U);
}

TEST(HostTable, TheLastOfTwoEqualPatternsWins) {
  HostTable table;
  EXPECT_FALSE(table.add("a.b", 1));
  EXPECT_TRUE(table.add("a.b", 2));
  table.build();
  std::vector<uint32_t> got;
  table.visit("a.b", [&](uint32_t value) {
    got.push_back(value);
    return false;
  });
  EXPECT_EQ(got, std::vector<uint32_t>{2});
  EXPECT_EQ(table.value_of("a.b"), 2);
  EXPECT_EQ(table.value_of("b"), -1);
}

TEST(HostTable, AnEmptyTableKnowsNothing) {
  HostTable table;
  table.visit("a.b", [](uint32_t) {
    ADD_FAILURE();
    return true;
  });
  table.build();
  table.visit("", [](uint32_t) {
    ADD_FAILURE();
    return true;
  });
}

}  // namespace
}  // namespace weir::signatures
