// Content rules: secrets, keys, confidentiality markers, customer terms; YAML with examples and
// counter-examples, compiled to one streaming Hyperscan database. A match of the database is only a
// candidate: confirm() decides by validators (entropy, checksum, near keyword) on the text itself.
// How a rule is written stands in docs/rules.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/bytes.h"
#include "core/evidence.h"
#include "core/result.h"
#include "signatures/pattern_database.h"

namespace weir::signatures {

// Where a pattern of environment data counts; other kinds count anywhere.
enum class RuleScope : uint8_t {
  kAnywhere,
  kPrompt,  // the text of a prompt: messages, instructions
  kBytes,   // strings of protobuf, in whatever holds it
  kField,   // a value that stands under a name: JSON outside of messages, a header, a form field
};

struct ContentRule {
  std::string id;
  std::string title;
  EvidenceKind kind = EvidenceKind::kSecret;
  double score = 1.0;        // of a confirmed match, 0..1
  std::string data_class;    // environment: what the value says (data_class.h)
  std::string field;         // environment: the name told for a match of the pattern
  bool documented = false;   // environment: sent by a public standard
  bool in_messages = false;  // its fields count inside messages too (arguments of tool calls)
  RuleScope scope = RuleScope::kAnywhere;
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
  // `company`: values of the company's own, as rules beside those of the files.
  // Each path is a rule file, or a folder whose *.yaml files are read in the order of their names.
  // A file marked `optional: true` is read only where it is named itself.
  static Result<std::shared_ptr<const RuleSet>> load(
      const std::vector<std::string>& paths, const config::EnvironmentSettings& company = {});
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

  // Environment data by the name that it stands under. Names are compared by their letters and
  // digits alone, in any case. `parent`: the name around it, for rules that ask for one.
  [[nodiscard]] bool knows_field(std::string_view name) const noexcept;
  // The first rule of that name whose kinds of values hold.
  [[nodiscard]] std::optional<uint32_t> field_rule(std::string_view name, std::string_view parent,
                                                   std::string_view value) const noexcept;
  // The same for values whose name says nothing.
  [[nodiscard]] std::optional<uint32_t> any_field_rule(std::string_view value) const noexcept;
  // A shorter value is none of any_field_rule's.
  static constexpr size_t kAnyFieldBytes = 80;

  // Every example must be found, every counter-example must not: each rule alone and all together,
  // in one piece and byte by byte.
  [[nodiscard]] RuleCheck check() const;

 private:
  struct Impl;
  explicit RuleSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::signatures
