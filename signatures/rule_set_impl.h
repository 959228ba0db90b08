// Inside of RuleSet, for its own files: sources, and the databases made of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "signatures/content_rules.h"
#include "signatures/rule_source.h"

namespace weir::signatures {

struct RuleSet::Impl {
  std::vector<RuleSource> sources;
  PatternDatabase stream;  // all rules; ids are indexes
  PatternDatabase locate;  // the same for whole buffers: where does a match begin?

  struct Field {
    uint32_t rule = 0;
    std::string parent;  // normalised; empty: any
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, std::vector<Field>, Hash, std::equal_to<>> fields;
  std::vector<uint32_t> any_field;  // rules whose fields are "*"

  // Makes the databases of `sources`.
  Status compile();
  void add_fields(uint32_t rule);
};

enum class RuleUse : uint8_t { kStream, kWholeBuffer };

// Letters and digits of a field's name, in lower case: "X-Time_Zone" is "xtimezone".
std::string normal_field(std::string_view name);

// Values of the company's own as rules of scope kField.
void add_company_rules(const config::EnvironmentSettings& company, std::vector<RuleSource>& out);

// Some of the sources as one database; the ids stay indexes into `sources`.
Result<PatternDatabase> compile_rules(const std::vector<RuleSource>& sources,
                                      const std::vector<uint32_t>& indexes, RuleUse use);

}  // namespace weir::signatures
