// Typed reading of a map: what each reader takes, what it refuses, and the words of the errors.
#include <gtest/gtest.h>

#include "config/yaml.h"
#include "core/verdict.h"

namespace weir::config {
namespace {

// Reads one key of `text` by `read` and gives the errors, "" when there are none.
template <typename Read>
std::string errors_of(std::string_view text, Read read) {
  const Result<YamlNode> parsed = parse_yaml(text, "f.yaml");
  if (!parsed) return parsed.error().to_string();
  YamlErrors errors("f.yaml");
  MapReader map(*parsed, "part", errors);
  read(map);
  map.finish();
  return errors.empty() ? "" : errors.to_error().to_string();
}

std::string integer_error(std::string_view text, int64_t& out) {
  return errors_of(text, [&](MapReader& m) { m.integer("n", out, 64, 65535); });
}

TEST(MapReader, Integers) {
  int64_t n = 7;
  EXPECT_EQ(integer_error("{}", n), "");
  EXPECT_EQ(n, 7);
  EXPECT_EQ(integer_error("n: 100", n), "");
  EXPECT_EQ(n, 100);
  EXPECT_EQ(integer_error("n: 70000", n), "f.yaml:1:4: part.n: 70000 outside 64..65535");
  EXPECT_EQ(integer_error("n: -1", n), "f.yaml:1:4: part.n: -1 outside 64..65535");
  const std::string expected = ", expected an integer 64..65535";
  for (const std::string word : {"010", "0x10", "+100", "1_000", "1e3", "100.0", "many",
                                 "99999999999999999999", "1-", "00"}) {
    EXPECT_EQ(integer_error("n: " + word, n), "f.yaml:1:4: part.n: \"" + word + "\"" + expected);
  }
  EXPECT_EQ(integer_error("n: \"100\"", n), "f.yaml:1:4: part.n: \"100\" (in quotes)" + expected);
  EXPECT_EQ(integer_error("n:", n), "f.yaml:1:1: part.n: nothing" + expected);
  EXPECT_EQ(integer_error("n: [1]", n), "f.yaml:1:4: part.n: a list" + expected);
  EXPECT_EQ(n, 100);
}

TEST(MapReader, Numbers) {
  double x = 0;
  const auto error = [&x](std::string_view text) {
    return errors_of(text, [&](MapReader& m) { m.number("x", x, 0, 1); });
  };
  EXPECT_EQ(error("x: 0.75"), "");
  EXPECT_DOUBLE_EQ(x, 0.75);
  EXPECT_EQ(error("x: 1e-3"), "");
  EXPECT_DOUBLE_EQ(x, 0.001);
  EXPECT_EQ(error("x: 1.5"), "f.yaml:1:4: part.x: 1.5 outside 0..1");
  for (const std::string word : {".5", "1.", "nan", ".inf", "1e999", "01.5", "0,5"}) {
    EXPECT_EQ(error("x: " + word), "f.yaml:1:4: part.x: \"" + word + "\", expected a number 0..1");
  }
}

TEST(MapReader, Booleans) {
  bool b = false;
  const auto error = [&b](std::string_view text) {
    return errors_of(text, [&](MapReader& m) { m.boolean("b", b); });
  };
  EXPECT_EQ(error("b: true"), "");
  EXPECT_TRUE(b);
  for (const std::string word : {"yes", "on", "True", "1"}) {
    EXPECT_EQ(error("b: " + word), "f.yaml:1:4: part.b: \"" + word + "\", expected true or false");
  }
  EXPECT_EQ(error("b: \"false\""),
            "f.yaml:1:4: part.b: \"false\" (in quotes), expected true or false");
  EXPECT_TRUE(b);
}

TEST(MapReader, Bytes) {
  uint64_t n = 0;
  const auto error = [&n](std::string_view text) {
    return errors_of(text, [&](MapReader& m) { m.bytes("n", n, 1, 1ULL << 40); });
  };
  const std::pair<const char*, uint64_t> good[] = {
      {"512", 512},       {"512B", 512},        {"64KiB", 64U << 10}, {"4MiB", 4U << 20},
      {"1GiB", 1U << 30}, {"1TiB", 1ULL << 40}, {"\"2KiB\"", 2048}};
  for (const auto& [word, value] : good) {
    EXPECT_EQ(error(std::string("n: ") + word), "");
    EXPECT_EQ(n, value) << word;
  }
  EXPECT_EQ(error("n: 2TiB"), "f.yaml:1:4: part.n: 2TiB outside 1B..1TiB");
  for (const std::string word :
       {"4MB", "4 MiB", "1.5GiB", "-1", "0100", "MiB", "4mib", "99999999TiB"}) {
    EXPECT_EQ(error("n: " + word),
              "f.yaml:1:4: part.n: \"" + word + "\", expected a size such as 64KiB, 1B..1TiB");
  }
  EXPECT_EQ(error("n: \"512\""),
            "f.yaml:1:4: part.n: \"512\" (in quotes), expected a size such as 64KiB, 1B..1TiB");
}

TEST(MapReader, Durations) {
  Duration d;
  const auto error = [&d](std::string_view text) {
    return errors_of(text, [&](MapReader& m) {
      m.duration("d", d, Duration::millis(1), Duration::seconds(7 * 86'400));
    });
  };
  const std::pair<const char*, int64_t> good[] = {{"250ms", 250},      {"5s", 5'000},
                                                  {"10m", 600'000},    {"2h", 7'200'000},
                                                  {"7d", 604'800'000}, {"30", 30'000}};
  for (const auto& [word, millis] : good) {
    EXPECT_EQ(error(std::string("d: ") + word), "");
    EXPECT_EQ(d, Duration::millis(millis)) << word;
  }
  EXPECT_EQ(error("d: 8d"), "f.yaml:1:4: part.d: 8d outside 1ms..7d");
  EXPECT_EQ(error("d: 0"), "f.yaml:1:4: part.d: 0 outside 1ms..7d");
  for (const std::string word : {"5sec", "1.5s", "-5s", "99999999999d"}) {
    EXPECT_EQ(error("d: " + word), "f.yaml:1:4: part.d: \"" + word +
                                       "\", expected a time such as 250ms, 5s, 10m or 2h, 1ms..7d");
  }
}

TEST(MapReader, Texts) {
  std::vector<std::string> out = {"default"};
  const auto error = [&out](std::string_view text) {
    return errors_of(text, [&](MapReader& m) { m.texts("t", out); });
  };
  EXPECT_EQ(error("t:"), "");
  EXPECT_EQ(out, std::vector<std::string>{"default"});
  EXPECT_EQ(error("t: one"), "");
  EXPECT_EQ(out, std::vector<std::string>{"one"});
  EXPECT_EQ(error("t: [a, 'b', 3]"), "");
  EXPECT_EQ(out, (std::vector<std::string>{"a", "b", "3"}));
  EXPECT_EQ(error("t: [a, [b]]"), "f.yaml:1:8: part.t: a list in the list, expected text");
  EXPECT_EQ(error("t: {a: b}"), "f.yaml:1:4: part.t: a map, expected a list of texts");
}

TEST(MapReader, Choices) {
  Action action = Action::kAllow;
  const auto error = [&action](std::string_view text) {
    return errors_of(text, [&](MapReader& m) {
      m.choice("then", action, parse_action, "allow, alert, reset or drop");
    });
  };
  EXPECT_EQ(error("then: drop"), "");
  EXPECT_EQ(action, Action::kDrop);
  EXPECT_EQ(error("then: block"),
            "f.yaml:1:7: part.then: \"block\", expected allow, alert, reset or drop");
}

TEST(MapReader, UnknownKeysNameTheNearOne) {
  const auto read = [](MapReader& m) {
    m.child("policy");
    m.child("protect");
    m.child("policy");
  };
  EXPECT_EQ(errors_of("polcy: 1", read),
            "f.yaml:1:1: part: unknown key \"polcy\", did you mean \"policy\"? "
            "(known: policy, protect)");
  EXPECT_EQ(errors_of("zebra: 1\nx: 2", read),
            "f.yaml:1:1: part: unknown key \"zebra\" (known: policy, protect)\n"
            "f.yaml:2:1: part: unknown key \"x\" (known: policy, protect)");
}

TEST(MapReader, ChildrenAndRequiredKeys) {
  const auto read = [](MapReader& m) {
    EXPECT_EQ(m.map("m"), nullptr);
    EXPECT_EQ(m.list("l"), nullptr);
    m.require("r");
  };
  EXPECT_EQ(errors_of("m:\nl:\nr: 1", read), "");
  EXPECT_EQ(errors_of("m: [1]\nl: {a: 1}", read),
            "f.yaml:1:1: part.r: missing\n"
            "f.yaml:1:4: part.m: a list, expected a map\n"
            "f.yaml:2:4: part.l: a map, expected a list");
}

TEST(MapReader, ANodeThatIsNoMapIsOneError) {
  int64_t n = 0;
  EXPECT_EQ(integer_error("[1, 2]", n), "f.yaml:1:1: part: a list, expected a map");
  EXPECT_EQ(integer_error("", n), "");
}

}  // namespace
}  // namespace weir::config
