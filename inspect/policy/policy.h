// Company policy: ordered rules over what is known of a flow and what was found in it. The
// strictest matching rule wins; among equals the severer, then the first.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/evidence.h"
#include "core/finding.h"
#include "core/verdict.h"

namespace weir::inspect {

struct PolicyFacts {
  const FlowIdentity* flow = nullptr;  // null: nothing is known of the flow
  std::string_view user;               // empty: the flow's
  uint64_t upload_bytes = 0;
  std::span<const Evidence> evidence;  // of one request; empty for the flow as such
};

struct Decision {
  Action action = Action::kAllow;
  Severity severity = Severity::kNone;
  const config::PolicyRule* rule = nullptr;  // null: no rule matched; lives as long as the Policy
};

class Policy {
 public:
  explicit Policy(std::vector<config::PolicyRule> rules);
  // Allocates nothing. Decisions point into the policy: keep it until they are read.
  [[nodiscard]] Decision decide(const PolicyFacts& facts) const noexcept;
  // What each rule says of the facts, a line a rule, for `weir policy explain`.
  [[nodiscard]] std::string explain(const PolicyFacts& facts) const;
  [[nodiscard]] const std::vector<config::PolicyRule>& rules() const noexcept { return rules_; }

 private:
  std::vector<config::PolicyRule> rules_;
};

}  // namespace weir::inspect
