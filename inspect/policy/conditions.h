// Whether the conditions of one rule hold, and if not, which one fails first. decide() and
// explain() share it, so what is explained is what was decided.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/settings.h"
#include "inspect/policy/policy.h"

namespace weir::inspect {

// In the order in which they are looked at.
enum class Condition : uint8_t {
  kStatus,
  kService,
  kClass,
  kTool,
  kProtocol,
  kHost,
  kUser,
  kAccount,
  kVisibility,
  kVisibilityReason,
  kSource,
  kUp,
  kBurst,
  kOneUpload,
  kTelemetry,
  kAnyEvidence,  // the rule speaks of evidence and there is none
  kEvidence,
  kRepository,
  kContentRule,
  kLines,
  kStrength,
  kDocumented,
  kNone,  // all hold
};

struct ConditionCheck {
  Condition failed = Condition::kNone;
  // The piece that got furthest (the first of such), where the rule speaks of evidence.
  const Evidence* piece = nullptr;
};

// Of a burst of so many seconds; 0 where none was measured.
uint64_t burst_of(uint32_t seconds, const PolicyFacts& facts) noexcept;
std::string_view user_of(const FlowIdentity& flow, const PolicyFacts& facts) noexcept;

// `flow` stands for facts.flow, which may be null.
ConditionCheck check_conditions(const config::RuleConditions& when, const FlowIdentity& flow,
                                const PolicyFacts& facts) noexcept;

}  // namespace weir::inspect
