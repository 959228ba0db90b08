// From a YAML document to rule sources (rule_source.h). Every key is explained in docs/rules.md.
#include <algorithm>
#include <utility>

#include "signatures/data_class.h"
#include "signatures/regex_literal.h"
#include "signatures/rule_set_impl.h"
#include "signatures/rule_source.h"

namespace weir::signatures {

namespace {

using config::MapReader;
using config::YamlErrors;
using config::YamlNode;

bool good_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 64 && id.front() != '-' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// A text, or a list of parts that are put together.
bool example_text(const YamlNode& node, std::string& out) {
  if (node.kind == YamlNode::Kind::kScalar) {
    out = node.scalar;
    return true;
  }
  if (node.kind != YamlNode::Kind::kList || node.items.empty()) return false;
  for (const YamlNode& part : node.items) {
    if (part.kind != YamlNode::Kind::kScalar) return false;
    out += part.scalar;
  }
  return true;
}

void read_examples(MapReader& map, std::string_view key, YamlErrors& errors,
                   std::vector<RuleExample>& out) {
  map.require(key);
  const YamlNode* list = map.list(key);
  if (list == nullptr) return;
  if (list->items.empty()) map.bad(key, "empty, expected at least one");
  for (const YamlNode& item : list->items) {
    RuleExample example;
    if (item.kind == YamlNode::Kind::kMap) {
      MapReader field(item, map.path(key), errors);
      field.require("field");
      field.text("field", example.field);
      field.require("value");
      field.text("value", example.text);
      field.finish();
      example.line = item.line;
      example.column = item.column;
      out.push_back(std::move(example));
      continue;
    }
    if (!example_text(item, example.text) || example.text.empty()) {
      errors.add(item, map.path(key) + ": expected a text, a list of its parts, or {field, value}");
      continue;
    }
    example.line = item.line;
    example.column = item.column;
    out.push_back(std::move(example));
  }
}

void read_byte_set(MapReader& map, std::string_view key, ByteSet& out) {
  std::string text;
  if (!map.text(key, text)) return;
  if (const auto set = ByteSet::parse(text)) {
    out = *set;
  } else {
    map.bad(key, "\"" + text + "\", expected characters and ranges such as \"A-Za-z0-9_-\"");
  }
}

void read_value(MapReader& rule, YamlErrors& errors, ValueRegion& out) {
  const YamlNode* node = rule.map("value");
  if (node == nullptr) return;
  MapReader map(*node, rule.path("value"), errors);
  read_byte_set(map, "trim", out.trim);
  read_byte_set(map, "chars", out.chars);
  read_byte_set(map, "after", out.after);
  if (!out.chars.empty() && !out.after.empty()) {
    map.bad("after", "does not go with \"chars\": both say where the value begins");
  }
  map.finish();
}

void read_validators(MapReader& rule, YamlErrors& errors, RuleValidators& out) {
  const YamlNode* node = rule.map("validators");
  if (node == nullptr) return;
  MapReader map(*node, rule.path("validators"), errors);
  map.number("entropy", out.entropy, 0.5, 8);
  map.choice("checksum", out.checksum, parse_checksum, "luhn or github");
  if (map.number("checksum_failed", out.checksum_failed, 0, 1) && out.checksum == Checksum::kNone) {
    map.bad("checksum_failed", "says nothing without \"checksum\"");
  }
  map.boolean("placeholders", out.placeholders);
  int64_t words = 0;
  if (map.integer("line_start", words, 0, 8)) out.line_start = static_cast<uint32_t>(words);
  std::vector<std::string> needs;
  map.texts("needs", needs);
  for (const std::string& name : needs) {
    if (const auto bit = parse_character_class(name)) {
      out.needs = static_cast<uint8_t>(out.needs | *bit);
    } else {
      map.bad("needs", "\"" + name + "\", expected letter, lower, upper, digit or symbol");
    }
  }
  map.texts("not", out.not_in);
  if (const YamlNode* near = map.map("near")) {
    MapReader near_map(*near, map.path("near"), errors);
    near_map.require("words");
    near_map.texts("words", out.near_words);
    int64_t distance = 64;
    near_map.integer("distance", distance, 1, static_cast<int64_t>(kRuleNear));
    out.near_distance = static_cast<uint32_t>(distance);
    near_map.finish();
  }
  const auto blank = [](const std::string& word) { return word.empty(); };
  if (std::any_of(out.not_in.begin(), out.not_in.end(), blank)) {
    map.bad("not", "an empty text stands in every value");
  }
  if (std::any_of(out.near_words.begin(), out.near_words.end(), blank)) {
    map.bad("near", "an empty word stands near everything");
  }
  map.finish();
}

void read_flags(MapReader& map, RuleSource& source) {
  std::vector<std::string> flags;
  map.texts("flags", flags);
  for (const std::string& flag : flags) {
    if (flag == "caseless") {
      source.caseless = true;
    } else if (flag == "dotall") {
      source.dotall = true;
    } else if (flag == "multiline") {
      source.multiline = true;
    } else {
      map.bad("flags", "\"" + flag + "\", expected caseless, dotall or multiline");
    }
  }
}

std::optional<RuleScope> parse_scope(std::string_view name) noexcept {
  if (name == "prompt") return RuleScope::kPrompt;
  if (name == "binary") return RuleScope::kBytes;
  if (name == "field") return RuleScope::kField;
  return std::nullopt;
}

// What only rules of environment data have.
void read_environment(MapReader& map, RuleSource& source) {
  map.require("class");
  if (map.text("class", source.rule.data_class) && !parse_data_class(source.rule.data_class)) {
    map.bad("class",
            "\"" + source.rule.data_class + "\", expected one of " + std::string(kDataClassNames));
  }
  source.rule.scope = RuleScope::kPrompt;
  map.choice("scope", source.rule.scope, parse_scope, "prompt, binary or field");
  map.text("field", source.rule.field);
  map.boolean("documented", source.rule.documented);
  map.boolean("in_messages", source.rule.in_messages);
  map.boolean("length_prefixed", source.length_prefixed);
  map.texts("fields", source.fields);
  for (const std::string& field : source.fields) {
    if (field != "*" && normal_field(field.substr(field.rfind('.') + 1)).empty()) {
      map.bad("fields", "\"" + field +
                            "\", expected a name of up to 64 letters and digits, with the "
                            "name around it before a '.', or \"*\"");
    }
  }
  std::vector<std::string> kinds;
  map.texts("is", kinds);
  for (const std::string& name : kinds) {
    if (const auto kind = parse_value_kind(name)) {
      source.kinds.push_back(*kind);
    } else {
      map.bad("is", "\"" + name + "\", expected one of " + std::string(kValueKindNames));
    }
  }
  if (!source.fields.empty() && source.kinds.empty()) {
    map.bad("fields", "a name alone says nothing: \"is\" must say what its value is");
  }
}

void read_rule(const YamlNode& node, const std::string& path, bool optional, YamlErrors& errors,
               std::vector<RuleSource>& out) {
  RuleSource source;
  source.optional = optional;
  source.rule.file = errors.file();
  source.rule.line = node.line;
  MapReader map(node, path, errors);
  map.require("id");
  if (map.text("id", source.rule.id) && !good_id(source.rule.id)) {
    map.bad("id", "\"" + source.rule.id +
                      "\", expected up to 64 lower-case letters, digits and inner '-'");
  }
  map.require("title");
  map.text("title", source.rule.title);
  map.require("kind");
  map.choice("kind", source.rule.kind, parse_evidence_kind,
             "secret, marker, name, environment or anomaly");
  if (source.rule.kind == EvidenceKind::kCode || source.rule.kind == EvidenceKind::kHash) {
    map.bad("kind",
            "comes from an index, not from rules; expected secret, marker, name, "
            "environment or anomaly");
  }
  source.validators.placeholders = source.rule.kind == EvidenceKind::kSecret;
  map.require("score");
  map.number("score", source.rule.score, 0.01, 1);
  if (source.rule.kind == EvidenceKind::kEnvironment) read_environment(map, source);
  if (source.fields.empty()) map.require("pattern");
  map.text("pattern", source.pattern);
  if (const YamlNode* pattern = node.find("pattern")) {
    source.pattern_line = pattern->line;
    source.pattern_column = pattern->column;
    const size_t literal = required_literal(source.pattern);
    if (pattern->kind == YamlNode::Kind::kScalar && !optional && literal < kRuleMinLiteral) {
      map.bad("pattern", "no text of at least " + std::to_string(kRuleMinLiteral) +
                             " characters stands in every match (" + std::to_string(literal) +
                             "); such a pattern slows every scan, and belongs in a file marked "
                             "\"optional: true\"");
    }
  }
  read_flags(map, source);
  int64_t length = 0;
  map.integer("max_length", length, 1, static_cast<int64_t>(kRuleMaxLength));
  source.rule.max_length = static_cast<uint32_t>(length);
  read_value(map, errors, source.value);
  read_validators(map, errors, source.validators);
  read_examples(map, "examples", errors, source.examples);
  read_examples(map, "counter_examples", errors, source.counter_examples);
  map.finish();
  out.push_back(std::move(source));
}

}  // namespace

void read_rules(const YamlNode& root, YamlErrors& errors, std::vector<RuleSource>& out) {
  MapReader map(root, {}, errors);
  bool optional = false;
  map.boolean("optional", optional);
  map.require("rules");
  if (const YamlNode* list = map.list("rules")) {
    for (size_t i = 0; i < list->items.size(); ++i) {
      read_rule(list->items[i], "rules[" + std::to_string(i) + "]", optional, errors, out);
    }
  }
  map.finish();
}

}  // namespace weir::signatures
