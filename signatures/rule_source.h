// A content rule as its file says it, before it is compiled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "core/result.h"
#include "signatures/content_rules.h"
#include "signatures/rule_validators.h"
#include "signatures/value_kinds.h"

namespace weir::signatures {

struct RuleExample {
  std::string text;
  std::string field;  // not empty: `text` is the value under this name
  int line = 0;
  int column = 0;
};

struct RuleSource {
  ContentRule rule;
  std::string pattern;
  int pattern_line = 0;
  int pattern_column = 0;
  bool caseless = false;
  bool dotall = false;
  bool multiline = false;
  bool optional = false;            // its file is: the pattern may do without a required literal
  std::vector<std::string> fields;  // "timezone", "user_location.city", "*"
  std::vector<ValueKind> kinds;     // one must hold; empty: any
  bool length_prefixed = false;     // the byte before the value is its length (protobuf)
  ValueRegion value;
  RuleValidators validators;
  std::vector<RuleExample> examples;
  std::vector<RuleExample> counter_examples;
};

// A match must hold at least so many fixed bytes in a row.
inline constexpr size_t kRuleMinLiteral = 3;

// Appends the rules of one document to `out`. Errors go to `errors`; places of what was read are
// exact.
void read_rules(const config::YamlNode& root, config::YamlErrors& errors,
                std::vector<RuleSource>& out);

}  // namespace weir::signatures
