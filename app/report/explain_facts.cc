// See explain_facts.h.
#include "app/report/explain_facts.h"

#include <algorithm>
#include <utility>

namespace weir::app {

namespace {

// What was found of one kind, in the words by which it is counted.
std::string subject_of(const Evidence& piece) {
  switch (piece.kind) {
    case EvidenceKind::kCode:
    case EvidenceKind::kHash:
      return piece.repository + "/" + piece.path;
    case EvidenceKind::kName:
      return piece.repository;
    case EvidenceKind::kEnvironment:
      return piece.data_class;
    default:
      return piece.title.empty() ? piece.rule : piece.title;
  }
}

void insert_bounded(std::set<std::string>& into, std::string value) {
  if (into.size() < ContentTotals::kMaxNames) into.insert(std::move(value));
}

// The entry of `key`, made where there is room for it; null when there is none.
template <typename Map>
typename Map::mapped_type* place(Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  if (found != map.end()) return &found->second;
  return map.size() < ExplainFacts::kMaxEntries ? &map[key] : nullptr;
}

}  // namespace

std::string other_side(const FlowIdentity& flow) {
  if (!flow.product.empty()) return flow.product;
  if (!flow.service.empty()) return flow.service;
  return flow.host.empty() ? flow.server.ip.to_string() : flow.host;
}

std::string side_key(const FlowIdentity& flow) {
  if (!flow.service.empty()) return flow.service;
  return flow.host.empty() ? flow.server.ip.to_string() : flow.host;
}

void ContentTotals::on_incident(const alert::Incident& incident, alert::IncidentActivity activity) {
  if (activity != alert::IncidentActivity::kClose) return;
  std::array<bool, kKinds> seen{};
  for (const Evidence& piece : incident.evidence) {
    const auto index = static_cast<size_t>(piece.kind);
    KindTotal& kind = kinds[index];
    ++kind.pieces;
    insert_bounded(kind.what, subject_of(piece));
    if (std::exchange(seen[index], true)) continue;
    ++kind.incidents;
    kind.worst = std::max(kind.worst, incident.severity);
    insert_bounded(kind.to, side_key(incident.flow));
  }
  if (!is_leak(incident)) return;
  ++leaks;
  ++verdicts[incident.action];
  worst = std::max(worst, incident.severity);
  insert_bounded(to, side_key(incident.flow));
  insert_bounded(clients, incident.flow.client.ip.to_string());
}

ExplainFacts::ExplainFacts(const Limits& limits, Duration window)
    : told_(limits, window, counters_), allowed_(limits, window, counters_) {
  told_.add_sink(incidents);
  told_.add_sink(totals);
  allowed_.add_sink(allowed);
  allowed_.add_sink(allowed_totals);
}

void ExplainFacts::on_finding(Finding&& finding) {
  note_data(finding);
  if (!finding.flow.service.empty()) {
    std::string* name = place(names, side_key(finding.flow));
    if (name != nullptr && name->empty()) *name = other_side(finding.flow);
  }
  told_.expire(finding.time);
  if (finding.action != Action::kAllow) {
    told_.on_finding(std::move(finding));
  } else if (!finding.evidence.empty()) {
    allowed_.expire(finding.time);
    finding.action = Action::kAlert;  // a maker leaves out what is allowed; this one holds no other
    allowed_.on_finding(std::move(finding));
  }
}

void ExplainFacts::note_data(const Finding& finding) {
  for (const Evidence& piece : finding.evidence) {
    if (piece.kind != EvidenceKind::kEnvironment) continue;
    const std::string host =
        finding.flow.host.empty() ? finding.flow.server.ip.to_string() : finding.flow.host;
    DataUse* use = place(data, {host, piece.data_class, piece.field, piece.documented});
    if (use == nullptr) {
      ++dropped;
      continue;
    }
    if (use->count++ == 0) {
      use->sample = piece.excerpt;
      use->first = finding.time;
    }
    if (use->tool.empty()) use->tool = finding.flow.tool;
    use->first = std::min(use->first, finding.time);
    use->last = std::max(use->last, finding.time);
    use->action = std::max(use->action, finding.action);
    use->severity = std::max(use->severity, finding.severity);
    insert_bounded(use->clients, finding.flow.client.ip.to_string());
  }
}

void ExplainFacts::note_client(const FlowRecord& record) {
  const FlowIdentity& flow = record.flow;
  ClientUse* use = place(clients, {side_key(flow), flow.client.ip, flow.user, flow.tool});
  if (use == nullptr) {
    ++dropped;
    return;
  }
  if (use->flows++ == 0) use->flow = flow;
  if (!flow.host.empty()) insert_bounded(use->hosts, flow.host);
  use->requests += record.requests;
  use->bytes_up += record.bytes[Direction::kToServer];
  ++use->by_visibility[static_cast<size_t>(flow.visibility)];
}

void ExplainFacts::on_flow_end(FlowRecord&& record) {
  usage.add(record);
  const FlowIdentity& flow = record.flow;
  const bool known = !flow.service.empty();
  const uint64_t up = record.bytes[Direction::kToServer];
  // Who asks for a name has not yet used anything.
  if (known || flow.protocol != "dns") note_client(record);
  const bool whole = flow.visibility_reason == VisibilityReason::kNone ||
                     (flow.visibility >= Visibility::kDecrypted &&
                      flow.visibility_reason == VisibilityReason::kNoData);
  if (whole) return;
  const std::string name = known ? flow.service : std::string();
  UnseenUse* use = place(unseen, {known, flow.visibility_reason, flow.visibility, name});
  if (use == nullptr) {
    ++dropped;
    return;
  }
  ++use->flows;
  use->bytes_up += up;
}

void ExplainFacts::close() {
  told_.close_all();
  allowed_.close_all();
}

}  // namespace weir::app
