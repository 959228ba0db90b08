// The rules that apply when weir.yaml has none. They stand here rather than in a file, so that a
// sensor whose configuration says nothing of policy still has one.
#include "config/settings.h"

namespace weir::config {
namespace {

PolicyRule rule(std::string name, Action then, Severity severity) {
  PolicyRule made;
  made.name = std::move(name);
  made.then = then;
  made.severity = severity;
  return made;
}

template <typename T>
OneOf<T> is(T value) {
  return {{std::move(value)}, false};
}
template <typename T>
OneOf<T> is_not(T value) {
  return {{std::move(value)}, true};
}

}  // namespace

std::vector<PolicyRule> default_policy() {
  std::vector<PolicyRule> rules;

  PolicyRule agents = rule("banned agents", Action::kDrop, Severity::kHigh);
  agents.when.service_class = is<std::string>("coding_agent");
  agents.when.status = is(ServiceStatus::kUnsanctioned);
  rules.push_back(std::move(agents));

  PolicyRule code = rule("code leaves", Action::kDrop, Severity::kCritical);
  code.when.evidence = is(EvidenceKind::kCode);
  code.when.lines = Range{8, std::nullopt};
  code.when.status = is_not(ServiceStatus::kInternal);
  rules.push_back(std::move(code));

  PolicyRule some = rule("some code", Action::kAlert, Severity::kMedium);
  some.when.evidence = is(EvidenceKind::kCode);
  rules.push_back(std::move(some));

  PolicyRule secrets = rule("secrets", Action::kDrop, Severity::kCritical);
  secrets.when.evidence = is(EvidenceKind::kSecret);
  secrets.when.status = is_not(ServiceStatus::kInternal);
  rules.push_back(std::move(secrets));

  PolicyRule metadata = rule("who we are", Action::kAlert, Severity::kLow);
  metadata.when.evidence = is(EvidenceKind::kEnvironment);
  metadata.when.documented = false;
  rules.push_back(std::move(metadata));

  PolicyRule covert = rule("covert marks", Action::kAlert, Severity::kMedium);
  covert.when.evidence = is(EvidenceKind::kAnomaly);
  covert.when.content_rule =
      OneOf<std::string>{{"domain_fronting", "connect_mismatch", "host_not_in_dns",
                          "undocumented_host", "telemetry_host"},
                         true};
  rules.push_back(std::move(covert));

  PolicyRule contact = rule("undocumented hosts", Action::kAlert, Severity::kLow);
  contact.when.evidence = is(EvidenceKind::kAnomaly);
  contact.when.content_rule = is<std::string>("undocumented_host");
  rules.push_back(std::move(contact));

  PolicyRule blind = rule("blind upload", Action::kAlert, Severity::kMedium);
  blind.when.visibility = is(Visibility::kMetadata);
  blind.when.status = is(ServiceStatus::kUnsanctioned);
  blind.when.up = Range{(1ULL << 20) + 1, std::nullopt};
  rules.push_back(std::move(blind));

  PolicyRule marked = rule("markers", Action::kAlert, Severity::kMedium);
  marked.when.evidence = OneOf<EvidenceKind>{{EvidenceKind::kMarker, EvidenceKind::kHash}, false};
  marked.when.status = is_not(ServiceStatus::kInternal);
  rules.push_back(std::move(marked));

  PolicyRule fronting = rule("names that contradict", Action::kAlert, Severity::kMedium);
  fronting.when.evidence = is(EvidenceKind::kAnomaly);
  fronting.when.content_rule = OneOf<std::string>{{"domain_fronting", "connect_mismatch"}, false};
  fronting.when.min_score = 0.7;
  rules.push_back(std::move(fronting));

  return rules;
}

}  // namespace weir::config
