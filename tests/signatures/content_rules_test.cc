// The rule loader: what it refuses, and where it says the fault is. The shipped rules: each against
// its own examples.
#include "signatures/content_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace weir::signatures {
namespace {

constexpr const char* kRules = WEIR_SOURCE_DIR "/signatures/rules";

std::string load_error(const std::string& text) {
  const auto rules = RuleSet::parse(text, "r.yaml");
  return rules ? "loaded" : rules.error().to_string();
}

std::string rule(const std::string& pattern, const std::string& more = "") {
  return "rules:\n"
         "  - id: lab-key\n"
         "    title: lab key\n"
         "    kind: secret\n"
         "    score: 0.9\n"
         "    pattern: '" +
         pattern + "'\n" + more +
         "    examples: [lab_a1b2c3d4]\n"
         "    counter_examples: [lab_]\n";
}

TEST(RuleSet, ShippedRulesMeetTheirExamples) {
  const auto rules = RuleSet::load({kRules});
  ASSERT_TRUE(rules.has_value()) << rules.error().to_string();
  EXPECT_GE((*rules)->size(), 100U);
  const RuleCheck check = (*rules)->check();
  for (const Error& failure : check.failures) ADD_FAILURE() << failure.to_string();
  EXPECT_EQ(check.rules, (*rules)->size());
  EXPECT_GE(check.examples, check.rules);
  EXPECT_GE(check.counter_examples, check.rules);
}

TEST(RuleSet, OptionalFilesAreLoadedByNameOnly) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "weir_rules_optional";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.yaml") << rule("lab_[a-z0-9]{8}");
  std::ofstream(folder / "notes.txt") << "no rules";
  std::filesystem::copy_file(std::string(kRules) + "/optional_numbers.yaml", folder / "b.yaml",
                             std::filesystem::copy_options::overwrite_existing);
  const auto all = RuleSet::load({folder.string()});
  const auto named = RuleSet::load({folder.string(), (folder / "b.yaml").string()});
  ASSERT_TRUE(all.has_value()) << all.error().to_string();
  ASSERT_TRUE(named.has_value()) << named.error().to_string();
  EXPECT_EQ((*all)->size(), 1U);
  EXPECT_EQ((*named)->size(), 2U);
  EXPECT_TRUE((*named)->check().failures.empty());
  std::filesystem::remove_all(folder);
}

TEST(RuleSet, AGoodRuleLoads) {
  const auto rules = RuleSet::parse(rule("lab_[a-z0-9]{8}"), "r.yaml");
  ASSERT_TRUE(rules.has_value()) << rules.error().to_string();
  EXPECT_EQ((*rules)->rule(0).max_length, 12U);
  EXPECT_EQ((*rules)->rule(0).line, 2);
  EXPECT_TRUE((*rules)->check().failures.empty());
}

TEST(RuleSet, SaysWhereARuleIsWrong) {
  EXPECT_EQ(
      load_error(rule("lab_[a-z0-9{8}")),
      "r.yaml:6:14: rule lab-key: pattern: Unterminated character class starting at index 4.");
  EXPECT_THAT(load_error(rule("[a-z0-9]{8}")), testing::HasSubstr("r.yaml:6:14: rules[0].pattern: "
                                                                  "no text of at least 3"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8,}")),
              testing::HasSubstr("r.yaml:6:14: rule lab-key: pattern: matches more than 640"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    max_length: 5\n")),
              testing::HasSubstr("needs at least 12 bytes, max_length is 5"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    colour: red\n")),
              testing::HasSubstr("r.yaml:7:5: "));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    flags: [caseles]\n")),
              testing::HasSubstr("\"caseles\", expected caseless, dotall or multiline"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    validators: {checksum: crc}\n")),
              testing::HasSubstr("luhn or github"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    validators: {near: {words: [\"\"]}}\n")),
              testing::HasSubstr("an empty word"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    value: {chars: \"z-a\"}\n")),
              testing::HasSubstr("expected characters and ranges"));
  EXPECT_THAT(load_error(rule("lab_[a-z0-9]{8}", "    kind: code\n")),
              testing::HasSubstr("r.yaml:7:5: duplicate key"));
  EXPECT_THAT(load_error("rules: [{id: a, title: t, kind: code, score: 1, pattern: abc, "
                         "examples: [abc], counter_examples: [x]}]"),
              testing::HasSubstr("comes from an index"));
  EXPECT_THAT(load_error("rules: [{id: A}]"), testing::HasSubstr("lower-case letters"));
  EXPECT_THAT(load_error("rules: [{id: a, title: t, kind: name, score: 1, pattern: abc}]"),
              testing::HasSubstr("rules[0].examples"));
  EXPECT_THAT(load_error("rules: [{id: a, title: t, kind: name, score: 1, pattern: abc, "
                         "examples: [], counter_examples: [x]}]"),
              testing::HasSubstr("expected at least one"));
  EXPECT_THAT(load_error("optional: true"), testing::HasSubstr("rules"));
}

TEST(RuleSet, AnIdMayStandOnlyOnce) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "weir_rules_twice";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.yaml") << rule("lab_[a-z0-9]{8}");
  std::ofstream(folder / "b.yaml") << "\n" << rule("bal_[a-z0-9]{8}");
  const auto rules = RuleSet::load({folder.string()});
  ASSERT_FALSE(rules.has_value());
  EXPECT_EQ(rules.error().to_string(), (folder / "b.yaml").string() +
                                           ":3: rule id \"lab-key\" is taken by " +
                                           (folder / "a.yaml").string() + ":2");
  std::filesystem::remove_all(folder);
}

TEST(RuleSet, CheckNamesTheExampleThatFails) {
  const std::string text =
      "rules:\n"
      "  - id: lab-key\n"
      "    title: lab key\n"
      "    kind: name\n"
      "    score: 0.9\n"
      "    pattern: lab_[0-9]{4}\n"
      "    examples:\n"
      "      - lab_1234\n"
      "      - lab_12\n"
      "    counter_examples: [lab_99999]\n";
  const auto rules = RuleSet::parse(text, "r.yaml");
  ASSERT_TRUE(rules.has_value());
  const RuleCheck check = (*rules)->check();
  ASSERT_EQ(check.failures.size(), 4U);  // alone and together
  EXPECT_EQ(check.failures[0].to_string(),
            "r.yaml:9:9: rule lab-key: example is not found (alone)");
  EXPECT_EQ(check.failures[1].to_string(),
            "r.yaml:10:24: rule lab-key: counter-example is found (alone)");
}

TEST(RuleSet, AnExampleMayBeGivenInParts) {
  const auto rules = RuleSet::parse(
      "rules: [{id: a, title: t, kind: name, score: 1, pattern: abcdef, "
      "examples: [[abc, def]], counter_examples: [[abc, d]]}]",
      "r.yaml");
  ASSERT_TRUE(rules.has_value()) << rules.error().to_string();
  EXPECT_TRUE((*rules)->check().failures.empty());
}

TEST(RuleSet, AnEmptySetIsASet) {
  const auto rules = RuleSet::load({});
  ASSERT_TRUE(rules.has_value());
  EXPECT_EQ((*rules)->size(), 0U);
  EXPECT_TRUE((*rules)->check().failures.empty());
  PatternScratch scratch;
  EXPECT_TRUE((*rules)->prepare(scratch).has_value());
}

TEST(RuleSet, AMissingFileIsAnError) {
  const auto rules = RuleSet::load({"/nowhere/rules.yaml"});
  ASSERT_FALSE(rules.has_value());
  EXPECT_EQ(rules.error().file, "/nowhere/rules.yaml");
}

}  // namespace
}  // namespace weir::signatures
