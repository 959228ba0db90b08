// Checks JSON against the schemas in docs/: as much of JSON Schema as they use. A member that a
// schema does not list is a problem.
#pragma once

#include <gtest/gtest.h>
#include <regex.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weir::test {

using Json = nlohmann::json;

inline Json schema(const std::string& name) {
  std::ifstream in(std::string(WEIR_SOURCE_DIR) + "/docs/" + name);
  return Json::parse(in);
}

inline bool matches_pattern(const std::string& text, const std::string& pattern) {
  regex_t compiled;
  EXPECT_EQ(::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB), 0);
  const bool found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

// As much of JSON Schema as the two schemas use. Problems are added to `out`.
inline void check_schema(const Json& root, Json rule, const Json& value, const std::string& at,
                         std::vector<std::string>& out) {
  if (rule.contains("$ref")) {
    const std::string ref = rule["$ref"];
    rule = root.at(Json::json_pointer(ref.substr(1)));
  }
  if (rule.contains("enum") &&
      std::find(rule["enum"].begin(), rule["enum"].end(), value) == rule["enum"].end()) {
    out.push_back(at + ": not one of the values");
  }
  const std::string type = rule.value("type", "");
  const bool right =
      type.empty() || (type == "object" && value.is_object()) ||
      (type == "array" && value.is_array()) || (type == "string" && value.is_string()) ||
      (type == "boolean" && value.is_boolean()) ||
      (type == "integer" && value.is_number_integer()) || (type == "number" && value.is_number());
  if (!right) {
    out.push_back(at + ": not of type " + type);
    return;
  }
  if (rule.contains("pattern") &&
      !matches_pattern(value.get<std::string>(), rule["pattern"].get<std::string>())) {
    out.push_back(at + ": does not match " + rule["pattern"].get<std::string>());
  }
  if (rule.contains("minimum") && value < rule["minimum"]) out.push_back(at + ": too small");
  if (rule.contains("maximum") && value > rule["maximum"]) out.push_back(at + ": too great");
  if (value.is_object()) {
    const Json required = rule.value("required", Json::array());
    const Json properties = rule.value("properties", Json::object());
    for (const Json& name : required) {
      if (!value.contains(name.get<std::string>())) {
        out.push_back(at + ": without " + name.get<std::string>());
      }
    }
    for (const auto& member : value.items()) {
      const std::string inner = at + "/" + member.key();
      if (properties.contains(member.key())) {
        check_schema(root, properties[member.key()], member.value(), inner, out);
      } else if (rule.contains("additionalProperties") &&
                 rule["additionalProperties"].is_object()) {
        check_schema(root, rule["additionalProperties"], member.value(), inner, out);
      } else {
        out.push_back(inner + ": not in the schema");
      }
    }
  }
  if (value.is_array() && rule.contains("items")) {
    for (size_t i = 0; i < value.size(); ++i) {
      check_schema(root, rule["items"], value[i], at + "/" + std::to_string(i), out);
    }
  }
}

// What is wrong with a line, by a schema of docs/.
inline std::vector<std::string> problems(const std::string& name, const std::string& text) {
  const Json rules = schema(name);
  std::vector<std::string> out;
  check_schema(rules, rules, Json::parse(text), "", out);
  return out;
}

}  // namespace weir::test
