#include "inspect/policy/policy.h"

#include <algorithm>
#include <utility>

#include "inspect/policy/conditions.h"

namespace weir::inspect {
namespace {

const FlowIdentity& flow_of(const PolicyFacts& facts) noexcept {
  static const FlowIdentity nothing_known;
  return facts.flow != nullptr ? *facts.flow : nothing_known;
}

bool stricter(const config::PolicyRule& rule, const Decision& best) noexcept {
  if (best.rule == nullptr) return true;
  if (rule.then != best.action) return rule.then > best.action;
  return rule.severity > best.severity;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// "x", "one of x, y", "not x", "none of x, y".
std::string wanted(const std::vector<std::string>& words, bool negated) {
  if (words.size() == 1) return (negated ? "not " : "") + words.front();
  return (negated ? "none of " : "one of ") + joined(words);
}
std::string wanted(const config::OneOf<std::string>& condition) {
  return wanted(condition.values, condition.negated);
}
template <typename E>
std::string wanted(const config::OneOf<E>& condition) {
  std::vector<std::string> words;
  for (const E value : condition.values) words.emplace_back(to_string(value));
  return wanted(words, condition.negated);
}

std::string wanted(const config::Range& range) {
  if (range.min && range.max && *range.min == *range.max) return std::to_string(*range.min);
  if (range.min && range.max) {
    return std::to_string(*range.min) + ".." + std::to_string(*range.max);
  }
  if (range.min) return "at least " + std::to_string(*range.min);
  return "at most " + std::to_string(range.max.value_or(0));
}

std::string wanted(const std::vector<IpNetwork>& networks) {
  std::vector<std::string> words;
  for (const IpNetwork& network : networks) {
    const bool v4 = network.address.is_v4() && network.prefix >= 96;
    words.push_back(network.address.to_string() + "/" +
                    std::to_string(v4 ? network.prefix - 96 : network.prefix));
  }
  return wanted(words, false);
}

std::string wanted(const config::Burst& burst) {
  return wanted(burst.bytes) + " in " + std::to_string(burst.seconds) + "s";
}

// "NAME is HAS, wants WANTS".
std::string mismatch(std::string_view name, std::string_view has, const std::string& wants) {
  return std::string(name) + " is " + (has.empty() ? "not known" : std::string(has)) + ", wants " +
         wants;
}

std::string brief(double value) {
  std::string out = std::to_string(value);
  out.erase(out.find_last_not_of('0') + 1);
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

std::string why_of_piece(Condition failed, const config::RuleConditions& when,
                         const Evidence& piece) {
  switch (failed) {
    case Condition::kEvidence:
      return mismatch("evidence", to_string(piece.kind), wanted(*when.evidence));
    case Condition::kRepository:
      return mismatch("repository", piece.repository, wanted(*when.repository));
    case Condition::kContentRule:
      return mismatch("rule", piece.rule, wanted(*when.content_rule));
    case Condition::kLines:
      return mismatch("lines", std::to_string(piece.lines), wanted(*when.lines));
    case Condition::kStrength:
      return mismatch("strength", brief(piece.score), "at least " + brief(*when.min_score));
    default: {
      const bool environment = piece.kind == EvidenceKind::kEnvironment;
      return mismatch("documented",
                      !environment       ? ""
                      : piece.documented ? "true"
                                         : "false",
                      *when.documented ? "true" : "false");
    }
  }
}

// Why a rule does not match; `check` is of it and failed.
std::string why(const ConditionCheck& check, const config::RuleConditions& when,
                const FlowIdentity& flow, const PolicyFacts& facts) {
  switch (check.failed) {
    case Condition::kStatus:
      return mismatch("status", to_string(flow.status), wanted(*when.status));
    case Condition::kService:
      return mismatch("service", flow.service, wanted(*when.service));
    case Condition::kClass:
      return mismatch("class", flow.service_class, wanted(*when.service_class));
    case Condition::kTool:
      return mismatch("tool", flow.tool, wanted(*when.tool));
    case Condition::kProtocol:
      return mismatch("protocol", flow.protocol, wanted(*when.protocol));
    case Condition::kHost:
      return mismatch("host", flow.host, wanted(*when.host));
    case Condition::kUser:
      return mismatch("user", user_of(flow, facts), wanted(*when.user));
    case Condition::kAccount:
      return mismatch("account", facts.request_read ? to_string(flow.account) : "",
                      wanted(*when.account));
    case Condition::kVisibility:
      return mismatch("visibility", facts.sight_pending ? "" : to_string(flow.visibility),
                      wanted(*when.visibility));
    case Condition::kVisibilityReason:
      return mismatch("visibility_reason",
                      facts.sight_pending ? "" : to_string(flow.visibility_reason),
                      wanted(*when.visibility_reason));
    case Condition::kSource:
      return mismatch("source", flow.client.ip.to_string(), wanted(*when.source));
    case Condition::kUp:
      return mismatch("up", std::to_string(facts.upload_bytes), wanted(*when.up));
    case Condition::kBurst:
      return mismatch("burst", std::to_string(burst_of(when.burst->seconds, facts)),
                      wanted(*when.burst));
    case Condition::kOneUpload:
      return mismatch("one_upload", std::to_string(facts.one_upload), wanted(*when.one_upload));
    case Condition::kTelemetry:
      return mismatch("telemetry",
                      facts.telemetry_day ? std::to_string(*facts.telemetry_day) : std::string(),
                      wanted(*when.telemetry));
    case Condition::kAnyEvidence:
      return "there is no evidence";
    default:
      return why_of_piece(check.failed, when, *check.piece);
  }
}

}  // namespace

Policy::Policy(std::vector<config::PolicyRule> rules) : rules_(std::move(rules)) {
  const auto add = [](std::vector<uint64_t>& marks, const config::Range& range) {
    const uint64_t from = range.min.value_or(0);
    const auto at = std::lower_bound(marks.begin(), marks.end(), from);
    if (from > 0 && (at == marks.end() || *at != from)) marks.insert(at, from);
  };
  for (const config::PolicyRule& rule : rules_) {
    if (rule.when.up) add(volumes_.up, *rule.when.up);
    if (rule.when.one_upload) add(volumes_.one_upload, *rule.when.one_upload);
    if (!rule.when.burst) continue;
    std::vector<VolumeMarks::Window>& windows = volumes_.bursts;
    auto window = std::find_if(windows.begin(), windows.end(), [&rule](const auto& w) {
      return w.seconds == rule.when.burst->seconds;
    });
    if (window == windows.end()) {
      window = windows.insert(windows.end(), {rule.when.burst->seconds, {}});
    }
    add(window->bytes, rule.when.burst->bytes);
  }
}

Decision Policy::decide(const PolicyFacts& facts) const noexcept {
  const FlowIdentity& flow = flow_of(facts);
  Decision best;
  for (const config::PolicyRule& rule : rules_) {
    if (!stricter(rule, best)) continue;
    if (check_conditions(rule.when, flow, facts).failed != Condition::kNone) continue;
    best = {rule.then, rule.severity, &rule};
  }
  return best;
}

std::string Policy::explain(const PolicyFacts& facts) const {
  const FlowIdentity& flow = flow_of(facts);
  const Decision decision = decide(facts);
  std::string out;
  for (const config::PolicyRule& rule : rules_) {
    const ConditionCheck check = check_conditions(rule.when, flow, facts);
    out += rule.name;
    if (rule.line > 0) out += " (line " + std::to_string(rule.line) + ")";
    if (check.failed == Condition::kNone) {
      out += ": matches: " + std::string(to_string(rule.then)) + ", " +
             std::string(to_string(rule.severity));
      if (decision.rule == &rule) out += " (decides)";
    } else {
      out += ": does not match: " + why(check, rule.when, flow, facts);
    }
    out += '\n';
  }
  return out;
}

}  // namespace weir::inspect
