// Content rules: secrets, keys, confidentiality markers, customer terms; YAML with examples and
// counter-examples, compiled to one streaming Hyperscan database. A match of the database is only a
// candidate: confirm() decides by validators (entropy, checksum, near keyword) on the text itself.
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

class RuleSet {
 public:
  // Each path is a rule file or a folder of them.
  static Result<std::shared_ptr<const RuleSet>> load(const std::vector<std::string>& paths);
  ~RuleSet();

  [[nodiscard]] size_t size() const noexcept;
  [[nodiscard]] const ContentRule& rule(uint32_t index) const noexcept;
  [[nodiscard]] const PatternDatabase& database() const noexcept;  // ids are rule indexes

  struct Confirmed {
    size_t begin = 0;  // in `text`
    size_t end = 0;
    std::string excerpt;  // masked
  };
  // `text` is what is known up to the match's end and a little beyond it; `end` the reported end in
  // it. False when validators refuse it.
  [[nodiscard]] bool confirm(uint32_t index, ByteSpan text, size_t end, Confirmed& out) const;

  // Every example must be found, every counter-example must not: each rule alone and all together,
  // in one piece and byte by byte.
  [[nodiscard]] RuleCheck check() const;

 private:
  struct Impl;
  explicit RuleSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::signatures
