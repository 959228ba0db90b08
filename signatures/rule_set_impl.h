// Inside of RuleSet, for its own files: sources, and the databases made of them.
#pragma once

#include <memory>
#include <vector>

#include "signatures/content_rules.h"
#include "signatures/rule_source.h"

namespace weir::signatures {

struct RuleSet::Impl {
  std::vector<RuleSource> sources;
  PatternDatabase stream;               // all rules; ids are indexes
  std::vector<PatternDatabase> locate;  // of each rule, for whole buffers

  // Makes the databases of `sources`.
  Status compile();
};

// Some of the sources as one streaming database; the ids stay indexes into `sources`.
Result<PatternDatabase> compile_rules(const std::vector<RuleSource>& sources,
                                      const std::vector<uint32_t>& indexes);

}  // namespace weir::signatures
