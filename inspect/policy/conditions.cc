#include "inspect/policy/conditions.h"

#include "config/host_pattern.h"

namespace weir::inspect {
namespace {

using config::OneOf;
using config::RuleConditions;

bool one_of(const std::optional<OneOf<std::string>>& condition, std::string_view value) noexcept {
  if (!condition) return true;
  for (const std::string& word : condition->values) {
    if (word == value) return !condition->negated;
  }
  return condition->negated;
}

template <typename E>
bool one_of(const std::optional<OneOf<E>>& condition, E value) noexcept {
  return !condition || condition->contains(value);
}

bool host_is(const std::optional<OneOf<std::string>>& condition, std::string_view host) noexcept {
  if (!condition) return true;
  for (const std::string& pattern : condition->values) {
    if (config::host_matches(pattern, host)) return !condition->negated;
  }
  return condition->negated;
}

bool from_one_of(const std::optional<std::vector<IpNetwork>>& networks,
                 const IpAddress& client) noexcept {
  if (!networks) return true;
  for (const IpNetwork& network : *networks) {
    if (network.contains(client)) return true;
  }
  return false;
}

bool within(const std::optional<config::Range>& range, uint64_t value) noexcept {
  return !range || range->contains(value);
}

// kAnyEvidence when all that concerns the flow holds.
Condition first_of_flow(const RuleConditions& when, const FlowIdentity& flow,
                        const PolicyFacts& facts) noexcept {
  if (!one_of(when.status, flow.status)) return Condition::kStatus;
  if (!one_of(when.service, flow.service)) return Condition::kService;
  if (!one_of(when.service_class, flow.service_class)) return Condition::kClass;
  if (!one_of(when.tool, flow.tool)) return Condition::kTool;
  if (!one_of(when.protocol, flow.protocol)) return Condition::kProtocol;
  if (!host_is(when.host, flow.host)) return Condition::kHost;
  if (!one_of(when.user, user_of(flow, facts))) return Condition::kUser;
  // Before a request is read, nobody can say whose account it will be.
  if (!one_of(when.account, flow.account) || (when.account && !facts.request_read)) {
    return Condition::kAccount;
  }
  // While keys may still come, nobody can say how much will have been seen.
  if (!one_of(when.visibility, flow.visibility) || (when.visibility && facts.sight_pending)) {
    return Condition::kVisibility;
  }
  if (!one_of(when.visibility_reason, flow.visibility_reason) ||
      (when.visibility_reason && facts.sight_pending)) {
    return Condition::kVisibilityReason;
  }
  if (!from_one_of(when.source, flow.client.ip)) return Condition::kSource;
  if (!within(when.up, facts.upload_bytes)) return Condition::kUp;
  if (when.burst && !when.burst->bytes.contains(burst_of(when.burst->seconds, facts))) {
    return Condition::kBurst;
  }
  if (!within(when.one_upload, facts.one_upload)) return Condition::kOneUpload;
  if (when.telemetry && !(facts.telemetry_day && when.telemetry->contains(*facts.telemetry_day))) {
    return Condition::kTelemetry;
  }
  return Condition::kAnyEvidence;
}

Condition first_of_piece(const RuleConditions& when, const Evidence& piece) noexcept {
  if (!one_of(when.evidence, piece.kind)) return Condition::kEvidence;
  if (!one_of(when.repository, piece.repository)) return Condition::kRepository;
  if (!one_of(when.content_rule, piece.rule)) return Condition::kContentRule;
  if (!within(when.lines, piece.lines)) return Condition::kLines;
  // Written so that a score that is no number fails.
  if (when.min_score && !(piece.score >= *when.min_score)) return Condition::kStrength;
  const bool environment = piece.kind == EvidenceKind::kEnvironment;
  if (when.documented && !(environment && piece.documented == *when.documented)) {
    return Condition::kDocumented;
  }
  return Condition::kNone;
}

bool speaks_of_evidence(const RuleConditions& when) noexcept {
  return when.evidence || when.repository || when.content_rule || when.lines || when.min_score ||
         when.documented;
}

}  // namespace

uint64_t burst_of(uint32_t seconds, const PolicyFacts& facts) noexcept {
  for (const BurstPeak& peak : facts.bursts) {
    if (peak.seconds == seconds) return peak.bytes;
  }
  return 0;
}

std::string_view user_of(const FlowIdentity& flow, const PolicyFacts& facts) noexcept {
  return facts.user.empty() ? std::string_view(flow.user) : facts.user;
}

ConditionCheck check_conditions(const RuleConditions& when, const FlowIdentity& flow,
                                const PolicyFacts& facts) noexcept {
  const Condition of_flow = first_of_flow(when, flow, facts);
  if (of_flow != Condition::kAnyEvidence) return {of_flow, nullptr};
  if (!speaks_of_evidence(when)) return {Condition::kNone, nullptr};
  ConditionCheck best{Condition::kAnyEvidence, nullptr};
  for (const Evidence& piece : facts.evidence) {
    const Condition failed = first_of_piece(when, piece);
    if (failed > best.failed) best = {failed, &piece};
    if (failed == Condition::kNone) break;
  }
  return best;
}

}  // namespace weir::inspect
