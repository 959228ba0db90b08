// Content rules: secrets, keys, confidentiality markers, customer terms; YAML with examples and
// counter-examples, compiled to one streaming Hyperscan database. A match of the database is only a
// candidate: confirm() decides by validators (entropy, checksum, near keyword) on the text itself.
// How a rule is written stands in docs/rules.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/evidence.h"
#include "core/result.h"
#include "signatures/pattern_database.h"

namespace weir::signatures {

struct ContentRule {
  std::string id;
  std::string title;
  EvidenceKind kind = EvidenceKind::kSecret;
  double score = 1.0;       // of a confirmed match, 0..1
  uint32_t max_length = 0;  // longest match in bytes; bounds what is read back
  std::string file;
  int line = 0;
};

struct RuleCheck {
  size_t rules = 0;
  size_t examples = 0;
  size_t counter_examples = 0;
  std::vector<Error> failures;
};

// What a rule may look at: a match, the words near it before, and what follows it.
inline constexpr size_t kRuleMaxLength = 640;
inline constexpr size_t kRuleNear = 256;
inline constexpr size_t kRuleLookAhead = 64;
// So much text before the end of a match is enough to confirm it.
inline constexpr size_t kRuleReadBack = kRuleMaxLength + kRuleNear + 64;

class RuleSet {
 public:
  // Each path is a rule file, or a folder whose *.yaml files are read in the order of their names.
  // A file marked `optional: true` is read only where it is named itself.
  static Result<std::shared_ptr<const RuleSet>> load(const std::vector<std::string>& paths);
  // From memory; `file` names the text in errors.
  static Result<std::shared_ptr<const RuleSet>> parse(std::string_view text,
                                                      const std::string& file);
  ~RuleSet();

  [[nodiscard]] size_t size() const noexcept;
  [[nodiscard]] const ContentRule& rule(uint32_t index) const noexcept;
  [[nodiscard]] const PatternDatabase& database() const noexcept;  // ids are rule indexes
  // Memory of all databases.
  [[nodiscard]] size_t bytes() const noexcept;

  // Grows `scratch` to what scanning and confirm() need.
  [[nodiscard]] Status prepare(PatternScratch& scratch) const;

  struct Confirmed {
    size_t begin = 0;  // in `text`
    size_t end = 0;
    size_t value_begin = 0;  // the secret itself, within the match
    size_t value_end = 0;
    double score = 0;
    std::string excerpt;  // masked
  };
  // `text` is what is known up to the match's end and a little beyond it; `end` the reported end in
  // it. False when validators refuse it. `scratch` must be prepared and in no scan.
  [[nodiscard]] bool confirm(uint32_t index, ByteSpan text, size_t end, PatternScratch& scratch,
                             Confirmed& out) const;

  // Every example must be found, every counter-example must not: each rule alone and all together,
  // in one piece and byte by byte.
  [[nodiscard]] RuleCheck check() const;

 private:
  struct Impl;
  explicit RuleSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::signatures
