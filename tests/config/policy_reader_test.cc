// Ranges of conditions, the small words ('>=', '..') and their edges; host patterns.
#include "config/policy_reader.h"

#include <gtest/gtest.h>

#include "config/host_pattern.h"
#include "config/scalars.h"

namespace weir::config {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

TEST(Range, Forms) {
  const auto range = [](std::string_view text) { return parse_range(text, parse_bytes); };
  EXPECT_EQ(range(">=8"), (Range{8, std::nullopt}));
  EXPECT_EQ(range("> 8"), (Range{9, std::nullopt}));
  EXPECT_EQ(range(">1MiB"), (Range{(1U << 20) + 1, std::nullopt}));
  EXPECT_EQ(range("<=8"), (Range{std::nullopt, 8}));
  EXPECT_EQ(range("<5"), (Range{std::nullopt, 4}));
  EXPECT_EQ(range("<1"), (Range{std::nullopt, 0}));
  EXPECT_EQ(range("3..10"), (Range{3, 10}));
  EXPECT_EQ(range("3 .. 10"), (Range{3, 10}));
  EXPECT_EQ(range("7..7"), (Range{7, 7}));
  EXPECT_EQ(range("8"), (Range{8, 8}));
  EXPECT_EQ(range("0"), (Range{0, 0}));
  EXPECT_EQ(range(">=18446744073709551615"), (Range{kMost, std::nullopt}));
  for (const std::string_view bad : {"",
                                     ">",
                                     "<",
                                     ">=",
                                     "<0",
                                     "..",
                                     "3..",
                                     "..3",
                                     "10..3",
                                     "3..4..5",
                                     "=8",
                                     "==8",
                                     "!8",
                                     ">>8",
                                     "08",
                                     ">=08",
                                     "-1",
                                     "8 8",
                                     "1.5",
                                     ">18446744073709551615",
                                     "18446744073709551616"}) {
    EXPECT_FALSE(range(bad)) << bad;
  }
}

TEST(Burst, Forms) {
  const Range over_a_mebibyte{(1U << 20) + 1, std::nullopt};
  EXPECT_EQ(parse_burst(">1MiB in 10s"), (Burst{over_a_mebibyte, 10}));
  EXPECT_EQ(parse_burst("64KiB..1MiB in 1m"), (Burst{Range{65'536, 1U << 20}, 60}));
  EXPECT_EQ(parse_burst(">1MiB in 7"), (Burst{over_a_mebibyte, 7}));
  for (const std::string_view bad :
       {"", ">1MiB", "in 10s", ">1MiB in", ">1MiB in 0s", ">1MiB in 61s", ">1MiB in 500ms",
        ">1MiB in 1500ms", ">1MiBin10s", ">1MiB in -1s", ">1MiB in 1h", "x in 10s"}) {
    EXPECT_FALSE(parse_burst(bad)) << bad;
  }
}

TEST(Range, Contains) {
  EXPECT_TRUE((Range{3, 10}).contains(3));
  EXPECT_TRUE((Range{3, 10}).contains(10));
  EXPECT_FALSE((Range{3, 10}).contains(2));
  EXPECT_FALSE((Range{3, 10}).contains(11));
  EXPECT_TRUE(Range().contains(kMost));
}

TEST(HostPattern, NormalisedOrRefused) {
  EXPECT_EQ(normalise_host_pattern("API.Example.COM."), "api.example.com");
  EXPECT_EQ(normalise_host_pattern("*.example.com"), "*.example.com");
  EXPECT_EQ(normalise_host_pattern("localhost"), "localhost");
  EXPECT_EQ(normalise_host_pattern("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(normalise_host_pattern("2001:db8::1"), "2001:db8::1");
  for (const std::string_view bad : {"", "*", "*.", ".", "a..b", ".a", "a.*", "x*.a", "https://a",
                                     "a/b", "a:443", "a b", "m\xC3\xBCller.example"}) {
    EXPECT_FALSE(normalise_host_pattern(bad)) << bad;
  }
  EXPECT_FALSE(normalise_host_pattern(std::string(64, 'a')));
}

TEST(HostPattern, Matches) {
  EXPECT_TRUE(host_matches("a.example", "a.example"));
  EXPECT_FALSE(host_matches("a.example", "b.a.example"));
  EXPECT_TRUE(host_matches("*.a.example", "a.example"));
  EXPECT_TRUE(host_matches("*.a.example", "x.y.a.example"));
  EXPECT_FALSE(host_matches("*.a.example", "xa.example"));
  EXPECT_FALSE(host_matches("*.a.example", ".a.example"));
  EXPECT_FALSE(host_matches("*.a.example", "example"));
  EXPECT_FALSE(host_matches("*.a.example", ""));
}

TEST(NearestWord, FewEditsOnly) {
  const std::vector<std::string> words = {"policy", "protect", "capture"};
  EXPECT_EQ(nearest_word("polcy", words), "policy");
  EXPECT_EQ(nearest_word("poilcy", words), "policy");
  EXPECT_EQ(nearest_word("captures", words), "capture");
  EXPECT_EQ(nearest_word("zebra", words), "");
  EXPECT_EQ(nearest_word("", words), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 'p'), words), "");
}

}  // namespace
}  // namespace weir::config
