// RuleSet::check(): every rule against its own examples, through the scanner that traffic meets.
#include <algorithm>
#include <string>
#include <utility>

#include "signatures/rule_scanner.h"
#include "signatures/rule_set_impl.h"

namespace weir::signatures {

namespace {

class Checker {
 public:
  Checker(const RuleSet& rules, const std::vector<RuleSource>& sources, RuleCheck& check)
      : rules_(rules), sources_(sources), check_(check), scanner_(rules, 1U << 16) {}

  Status prepare() { return rules_.prepare(scratch_); }

  // Rule `index` over a database of its own, or of all.
  void run(uint32_t index, const PatternDatabase& database, const char* how) {
    if (const Status ready = scratch_.prepare(database); !ready) return fail(index, ready.error());
    if (const Status open = scanner_.open(database); !open) return fail(index, open.error());
    const RuleSource& source = sources_[index];
    for (const RuleExample& example : source.examples) {
      expect(index, example, true, std::string(how));
    }
    for (const RuleExample& example : source.counter_examples) {
      expect(index, example, false, std::string(how));
    }
  }

  // A rule without a pattern.
  void run_fields(uint32_t index) {
    for (const RuleExample& example : sources_[index].examples) {
      expect(index, example, true, "by field");
    }
    for (const RuleExample& example : sources_[index].counter_examples) {
      expect(index, example, false, "by field");
    }
  }

  void fail(uint32_t index, const Error& error) {
    check_.failures.push_back({"rule " + sources_[index].rule.id + ": " + error.message,
                               sources_[index].rule.file, sources_[index].rule.line, 0});
  }

 private:
  void expect(uint32_t index, const RuleExample& example, bool match, const std::string& how) {
    if (!example.field.empty()) return expect_field(index, example, match);
    if (sources_[index].pattern.empty()) {
      check_.failures.push_back({"rule " + sources_[index].rule.id +
                                     ": an example without a field, of a rule without a pattern",
                                 sources_[index].rule.file, example.line, example.column});
      return;
    }
    const bool whole = found(index, example.text, example.text.size());
    const bool bytewise = found(index, example.text, 1);
    if (whole == match && bytewise == match) return;
    std::string when = how;
    if (whole != bytewise) when += whole == match ? ", byte by byte" : ", in one piece";
    Error failure;
    failure.message = "rule " + sources_[index].rule.id + ": " +
                      (match ? "example is not found" : "counter-example is found") + " (" + when +
                      ")";
    failure.file = sources_[index].rule.file;
    failure.line = example.line;
    failure.column = example.column;
    check_.failures.push_back(std::move(failure));
  }

  // Where several rules know a name, one that comes first may take the value.
  void expect_field(uint32_t index, const RuleExample& example, bool match) {
    const size_t dot = example.field.rfind('.');
    const std::string_view whole = example.field;
    const std::string_view parent = dot == std::string::npos ? "" : whole.substr(0, dot);
    const std::string_view name = dot == std::string::npos ? whole : whole.substr(dot + 1);
    auto rule = rules_.field_rule(name, parent, example.text);
    if (!rule) rule = rules_.any_field_rule(example.text);
    if ((rule == index) == match) return;
    Error failure;
    failure.message = "rule " + sources_[index].rule.id + ": " +
                      (match ? "example is not found" : "counter-example is found") + " (by field)";
    if (match && rule) failure.message += ", rule " + sources_[*rule].rule.id + " takes it";
    failure.file = sources_[index].rule.file;
    failure.line = example.line;
    failure.column = example.column;
    check_.failures.push_back(std::move(failure));
  }

  bool found(uint32_t index, const std::string& text, size_t step) {
    hits_.clear();
    scanner_.reset();
    const ByteSpan bytes = as_bytes(text);
    for (size_t at = 0; at < bytes.size(); at += step) {
      const ByteSpan part = bytes.subspan(at, std::min(step, bytes.size() - at));
      if (scanner_.scan(scratch_, part, at, hits_) != ScanStatus::kOk) return false;
    }
    if (scanner_.finish(scratch_, hits_) != ScanStatus::kOk) return false;
    return std::any_of(hits_.begin(), hits_.end(),
                       [index](const RuleHit& hit) { return hit.rule == index; });
  }

  const RuleSet& rules_;
  const std::vector<RuleSource>& sources_;
  RuleCheck& check_;
  PatternScratch scratch_;
  RuleScanner scanner_;
  std::vector<RuleHit> hits_;
};

}  // namespace

RuleCheck RuleSet::check() const {
  RuleCheck check;
  check.rules = impl_->sources.size();
  Checker checker(*this, impl_->sources, check);
  if (check.rules == 0) return check;
  if (const Status ready = checker.prepare(); !ready) {
    check.failures.push_back(ready.error());
    return check;
  }
  for (uint32_t i = 0; i < impl_->sources.size(); ++i) {
    check.examples += impl_->sources[i].examples.size();
    check.counter_examples += impl_->sources[i].counter_examples.size();
    if (impl_->sources[i].pattern.empty()) {
      checker.run_fields(i);
      continue;
    }
    const auto alone = compile_rules(impl_->sources, {i}, RuleUse::kStream);
    if (alone) {
      checker.run(i, *alone, "alone");
    } else {
      checker.fail(i, alone.error());
    }
    checker.run(i, impl_->stream, "with all rules");
  }
  return check;
}

}  // namespace weir::signatures
