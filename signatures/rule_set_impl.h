// Inside of RuleSet, for its own files: sources, and the databases made of them.
#pragma once

#include <cstdint>
#include <vector>

#include "signatures/content_rules.h"
#include "signatures/rule_source.h"

namespace weir::signatures {

struct RuleSet::Impl {
  std::vector<RuleSource> sources;
  PatternDatabase stream;  // all rules; ids are indexes
  PatternDatabase locate;  // the same for whole buffers: where does a match begin?

  // Makes the databases of `sources`.
  Status compile();
};

enum class RuleUse : uint8_t { kStream, kWholeBuffer };

// Some of the sources as one database; the ids stay indexes into `sources`.
Result<PatternDatabase> compile_rules(const std::vector<RuleSource>& sources,
                                      const std::vector<uint32_t>& indexes, RuleUse use);

}  // namespace weir::signatures
