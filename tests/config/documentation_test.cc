// docs/configuration.md against the reader: each key that the reader knows stands there, each key
// that stands there is known, limits with their exact range and default, and the examples load.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "config/limits_table.h"
#include "config/settings.h"

namespace weir::config {
namespace {

std::string document() {
  std::ifstream in(std::filesystem::path(WEIR_SOURCE_DIR) / "docs/configuration.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

// "policy[0].when" -> "policy[].when"
std::string without_indexes(std::string_view path) {
  std::string out;
  bool inside = false;
  for (const char c : path) {
    if (c == ']') inside = false;
    if (!inside) out.push_back(c);
    if (c == '[') inside = true;
  }
  return out;
}

// The reader names the keys that it knows wherever it meets one that it does not.
std::set<std::string> known_keys() {
  const Result<Settings> none = parse_settings(R"(zz: 1
capture: {zz: 1, resets: {zz: 1}}
services: {zz: 1, own: [{zz: 1}]}
protect: {zz: 1}
signatures: {zz: 1}
environment: {zz: 1}
accounts: {zz: 1}
contacts: {zz: 1}
see_inside: {zz: 1, hold: {zz: 1}}
policy: [{zz: 1, when: {zz: 1}}]
alerts: {zz: 1, sinks: [{type: zmq, zz: 1}, {type: jsonl, zz: 1}]}
control: {zz: 1}
health: {zz: 1}
limits: {zz: 1}
)",
                                               "f.yaml");
  // These take any id as a key.
  std::set<std::string> keys = {"services.status.default", "services.status.ID"};
  if (none) return keys;
  const std::string errors = none.error().to_string();
  constexpr std::string_view kUnknown = "unknown key \"zz\" (known: ";
  for (size_t at = errors.find(kUnknown); at != std::string::npos;
       at = errors.find(kUnknown, at + 1)) {
    // f.yaml:2:11: capture: unknown key ...
    const size_t begin = errors.rfind('\n', at) + 1;
    std::string prefix = errors.substr(begin, at - begin);
    prefix.erase(0, prefix.find(": ") + 2);
    if (!prefix.empty()) prefix.resize(prefix.size() - 2);
    const size_t first = at + kUnknown.size();
    std::string list = errors.substr(first, errors.find(')', first) - first) + ", ";
    for (size_t comma = list.find(", "); comma != std::string::npos; comma = list.find(", ")) {
      const std::string key = list.substr(0, comma);
      keys.insert(prefix.empty() ? key : without_indexes(prefix) + "." + key);
      list.erase(0, comma + 2);
    }
  }
  return keys;
}

TEST(Documentation, NamesEachKeyThatIsKnown) {
  const std::string text = document();
  const std::set<std::string> keys = known_keys();
  EXPECT_GT(keys.size(), 70U);
  for (const std::string& key : keys) {
    EXPECT_NE(text.find("`" + key + "`"), std::string::npos) << key;
  }
}

TEST(Documentation, EachKeyInItsTablesIsKnown) {
  const std::string text = document();
  const std::set<std::string> keys = known_keys();
  size_t rows = 0;
  for (size_t at = text.find("\n| `"); at != std::string::npos; at = text.find("\n| `", at + 1)) {
    const size_t begin = at + 4;
    const std::string key = text.substr(begin, text.find('`', begin) - begin);
    if (key.find(": ") != std::string::npos) continue;  // a form of a condition
    ++rows;
    EXPECT_EQ(keys.count(key), 1U) << key;
  }
  EXPECT_GT(rows, 60U);
}

TEST(Documentation, LimitsStandWithRangeAndDefault) {
  const std::string text = document();
  const Limits defaults;
  for (const LimitRow& row : limit_rows()) {
    const std::string unit = row.unit == LimitUnit::kCount   ? "count"
                             : row.unit == LimitUnit::kBytes ? "size"
                                                             : "time";
    const std::string expected = "| `limits." + std::string(row.name) + "` | " + unit + " | " +
                                 limit_range(row) + " | " + limit_value(row, defaults) + " | ";
    EXPECT_NE(text.find(expected), std::string::npos) << expected;
  }
}

TEST(Documentation, ItsExamplesLoad) {
  const std::string text = document();
  constexpr std::string_view kFence = "```yaml\n";
  size_t examples = 0;
  for (size_t at = text.find(kFence); at != std::string::npos; at = text.find(kFence, at + 1)) {
    const size_t begin = at + kFence.size();
    const std::string yaml = text.substr(begin, text.find("```", begin) - begin);
    const Result<Settings> settings = parse_settings(yaml, "example");
    EXPECT_TRUE(settings) << settings.error().to_string();
    ++examples;
  }
  EXPECT_GE(examples, 1U);
}

// The defaults in the shipped file are written out, so they must be the defaults.
TEST(Documentation, TheShippedFileWritesTheDefaults) {
  const Result<Settings> shipped =
      load_settings((std::filesystem::path(WEIR_SOURCE_DIR) / "config/weir.yaml").string());
  ASSERT_TRUE(shipped) << shipped.error().to_string();
  const Settings defaults;
  EXPECT_EQ(shipped->capture.mode, defaults.capture.mode);
  EXPECT_EQ(shipped->capture.workers, defaults.capture.workers);
  EXPECT_EQ(shipped->capture.ring_bytes, defaults.capture.ring_bytes);
  EXPECT_EQ(shipped->capture.snaplen, defaults.capture.snaplen);
  EXPECT_EQ(shipped->capture.promiscuous, defaults.capture.promiscuous);
  EXPECT_EQ(shipped->capture.filter, defaults.capture.filter);
  EXPECT_EQ(shipped->capture.cpus, defaults.capture.cpus);
  EXPECT_EQ(shipped->control.socket, defaults.control.socket);
  EXPECT_EQ(shipped->health.dropped, defaults.health.dropped);
  EXPECT_EQ(shipped->health.unseen, defaults.health.unseen);
  EXPECT_EQ(shipped->health.every, defaults.health.every);
  EXPECT_EQ(shipped->services.default_status, defaults.services.default_status);
  EXPECT_EQ(shipped->protect.min_lines, defaults.protect.min_lines);
  EXPECT_EQ(shipped->fail, defaults.fail);
  EXPECT_EQ(shipped->alerts.window, defaults.alerts.window);
  for (const LimitRow& row : limit_rows()) {
    EXPECT_EQ(limit_value(row, shipped->limits), limit_value(row, defaults.limits)) << row.name;
  }
  const std::vector<PolicyRule> rules = default_policy();
  ASSERT_EQ(shipped->policy.size(), rules.size());
  for (size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(shipped->policy[i].name, rules[i].name);
    EXPECT_EQ(shipped->policy[i].when, rules[i].when) << rules[i].name;
    EXPECT_EQ(shipped->policy[i].then, rules[i].then) << rules[i].name;
    EXPECT_EQ(shipped->policy[i].severity, rules[i].severity) << rules[i].name;
  }
}

}  // namespace
}  // namespace weir::config
