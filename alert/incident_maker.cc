#include "alert/incident_maker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "alert/evidence_set.h"
#include "core/hash.h"

namespace weir::alert {
namespace {

constexpr std::string_view kUndocumentedHost = "undocumented_host";
constexpr char kSeparator = '\0';
// Ids name incidents, they keep nothing secret; a fixed key makes replays equal.
constexpr HashKey kIdKey = {{0x7765697220696e63ULL, 0x6964656e74206964ULL}};

void append(std::string& out, std::string_view part) {
  out += part;
  out += kSeparator;
}

// A host that a tool contacts is told once for each version of it, whoever runs it.
bool is_contact(const Finding& finding) noexcept {
  return !finding.evidence.empty() && finding.evidence.front().rule == kUndocumentedHost;
}

// Client, user, service or host, rule.
std::string group_of(const Finding& finding) {
  const FlowIdentity& flow = finding.flow;
  if (is_contact(finding)) {
    std::string out;
    for (const std::string& part :
         {std::string("contact"), flow.tool, flow.tool_version, flow.host, finding.rule}) {
      append(out, part);
    }
    return out;
  }
  std::string out(as_chars(flow.client.ip.bytes));
  append(out, flow.user);
  const bool known = !flow.service.empty();
  append(out, known ? "service" : "host");
  append(out, known ? flow.service : flow.host);
  append(out, finding.rule);
  return out;
}

std::string subject_of(const Evidence& evidence) {
  std::string out;
  switch (evidence.kind) {
    case EvidenceKind::kCode:
    case EvidenceKind::kHash:
      append(out, "file");
      append(out, evidence.repository);
      append(out, evidence.path);
      break;
    case EvidenceKind::kName:
      append(out, "names");
      append(out, evidence.repository);
      break;
    case EvidenceKind::kSecret:
    case EvidenceKind::kMarker:
      append(out, "rule");
      append(out, evidence.rule);
      break;
    case EvidenceKind::kEnvironment:
    case EvidenceKind::kAnomaly:
      append(out, "data");
      append(out, evidence.data_class);
      append(out, evidence.field);
      break;
  }
  return out;
}

// Sorted, each once. A finding without evidence is about the use of the service itself.
std::vector<std::string> subjects_of(const Finding& finding) {
  std::vector<std::string> out;
  for (const Evidence& evidence : finding.evidence) out.push_back(subject_of(evidence));
  if (out.empty()) out.emplace_back("use");
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string make_id(const std::string& group, const std::vector<std::string>& subjects,
                    Timestamp first_seen) {
  std::string text = group;
  for (const std::string& subject : subjects) append(text, subject);
  append(text, std::to_string(first_seen.ns));
  return to_hex(siphash(kIdKey, as_bytes(text)));
}

void fill(std::string& into, std::string& from) {
  if (into.empty()) into = std::move(from);
}

void fill_flow(FlowIdentity& into, FlowIdentity&& from) {
  if (from.host_source > into.host_source) {
    into.host = std::move(from.host);
    into.host_source = from.host_source;
  }
  fill(into.product, from.product);
  fill(into.vendor, from.vendor);
  fill(into.service_class, from.service_class);
  fill(into.ja3, from.ja3);
  fill(into.ja4, from.ja4);
  fill(into.alpn, from.alpn);
  fill(into.tool, from.tool);
  fill(into.tool_version, from.tool_version);
  fill(into.organization, from.organization);
  fill(into.credential, from.credential);
  into.account = std::max(into.account, from.account);
  if (into.status == ServiceStatus::kUnknown) into.status = from.status;
  into.ech = into.ech || from.ech;
  into.visibility = std::max(into.visibility, from.visibility);
}

void fill_request(RequestInfo& into, RequestInfo&& from) {
  if (into.method.empty() && into.path.empty()) into = std::move(from);
}

// What is sent with every request is no news within a day.
constexpr Duration kDataWindow = Duration::seconds(86'400);

bool is_about_data(const Finding& finding) noexcept {
  return !finding.evidence.empty() &&
         std::all_of(finding.evidence.begin(), finding.evidence.end(), [](const Evidence& e) {
           return e.kind == EvidenceKind::kEnvironment || e.kind == EvidenceKind::kAnomaly;
         });
}

bool power_of_two(uint64_t value) noexcept { return (value & (value - 1)) == 0; }

}  // namespace

std::string_view to_string(IncidentActivity activity) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"create", "update", "close"};
  return kNames[static_cast<size_t>(activity)];
}

IncidentMaker::IncidentMaker(const Limits& limits, Duration window, IncidentCounters& counters)
    : limits_(limits), window_(window), counters_(counters) {}

// Times of a capture may be anything, so the sum must not wrap.
int64_t IncidentMaker::idle_from(const Open& open) noexcept {
  const int64_t last = open.incident.last_seen.ns;
  return last > INT64_MAX - open.grace.ns ? INT64_MAX : last + open.grace.ns;
}

void IncidentMaker::tell(const Incident& incident, IncidentActivity activity) {
  for (IncidentSink* sink : sinks_) sink->on_incident(incident, activity);
}

void IncidentMaker::on_finding(Finding&& finding) {
  counters_.findings.add();
  if (finding.action == Action::kAllow) {
    counters_.findings_allowed.add();
    return;
  }
  expire(finding.time);
  std::string group = group_of(finding);
  const std::vector<std::string> subjects = subjects_of(finding);
  // The oldest open incident that shares a subject.
  const Handle none = next_;
  Handle oldest = none;
  for (const std::string& subject : subjects) {
    const auto found = by_subject_.find(group + subject);
    if (found != by_subject_.end()) oldest = std::min(oldest, *found->second.begin());
  }
  if (finding.only_ending) {
    if (oldest == none) return counters_.endings_unmatched.add();
    Incident& incident = incidents_.at(oldest).incident;
    const CutEnding before = incident.passed.ending;
    incident.passed.merge(finding.passed);
    if (incident.passed.ending == before) return;
    counters_.updates_told.add();
    return tell(incident, IncidentActivity::kUpdate);
  }
  if (oldest != none) return join(oldest, std::move(finding), subjects);
  create(std::move(finding), std::move(group), subjects);
}

void IncidentMaker::add_subjects(Handle handle, Open& open,
                                 const std::vector<std::string>& subjects) {
  for (const std::string& subject : subjects) {
    if (open.subjects.contains(subject)) continue;
    if (open.subjects.size() >= limits_.incident_subjects) {
      counters_.subjects_dropped.add();
      continue;
    }
    open.subjects.insert(subject);
    by_subject_[open.group + subject].insert(handle);
  }
}

void IncidentMaker::create(Finding&& finding, std::string&& group,
                           const std::vector<std::string>& subjects) {
  if (!incidents_.empty() && incidents_.size() >= limits_.open_incidents) {
    counters_.closed_at_limit.add();
    close(std::get<1>(*idle_.begin()));
  }
  const Handle handle = next_++;
  Open& open = incidents_[handle];
  if (is_about_data(finding))
    open.grace = Duration{std::max<int64_t>(0, kDataWindow.ns - window_.ns)};
  Incident& incident = open.incident;
  incident.id = make_id(group, subjects, finding.time);
  incident.first_seen = finding.time;
  incident.last_seen = finding.time;
  incident.count = 1;
  incident.flow = std::move(finding.flow);
  incident.request = std::move(finding.request);
  incident.rule = std::move(finding.rule);
  incident.action = finding.action;
  incident.severity = finding.severity;
  incident.upload_bytes = finding.upload_bytes;
  incident.passed = finding.passed;
  incident.generation = finding.generation;
  for (Evidence& piece : finding.evidence) {
    incident.evidence_dropped +=
        add_evidence(incident.evidence, std::move(piece), limits_.incident_evidence).dropped;
  }
  counters_.evidence_dropped.add(incident.evidence_dropped);
  open.group = std::move(group);
  add_subjects(handle, open, subjects);
  idle_.emplace(idle_from(open), handle);
  counters_.created.add();
  tell(incident, IncidentActivity::kCreate);
}

void IncidentMaker::join(Handle handle, Finding&& finding,
                         const std::vector<std::string>& subjects) {
  Open& open = incidents_.at(handle);
  Incident& incident = open.incident;
  if (finding.time > incident.last_seen) {
    idle_.erase({idle_from(open), handle});
    incident.last_seen = finding.time;
    idle_.emplace(idle_from(open), handle);
  }
  incident.first_seen = std::min(incident.first_seen, finding.time);
  ++incident.count;
  bool grown = finding.action > incident.action || finding.severity > incident.severity;
  incident.action = std::max(incident.action, finding.action);
  incident.severity = std::max(incident.severity, finding.severity);
  incident.upload_bytes = std::max(incident.upload_bytes, finding.upload_bytes);
  incident.passed.merge(finding.passed);
  incident.generation = std::max(incident.generation, finding.generation);
  fill_flow(incident.flow, std::move(finding.flow));
  fill_request(incident.request, std::move(finding.request));
  for (Evidence& piece : finding.evidence) {
    const EvidenceChange change =
        add_evidence(incident.evidence, std::move(piece), limits_.incident_evidence);
    grown = grown || change.grown;
    incident.evidence_dropped += change.dropped;
    counters_.evidence_dropped.add(change.dropped);
  }
  add_subjects(handle, open, subjects);
  counters_.merged.add();
  if (!grown && !power_of_two(incident.count)) return;
  counters_.updates_told.add();
  tell(incident, IncidentActivity::kUpdate);
}

void IncidentMaker::close(Handle handle) {
  const auto found = incidents_.find(handle);
  Open& open = found->second;
  for (const std::string& subject : open.subjects) {
    const auto group = by_subject_.find(open.group + subject);
    group->second.erase(handle);
    if (group->second.empty()) by_subject_.erase(group);
  }
  idle_.erase({idle_from(open), handle});
  counters_.closed.add();
  tell(open.incident, IncidentActivity::kClose);
  incidents_.erase(found);
}

void IncidentMaker::close_sorted(std::vector<Handle>&& handles) {
  std::sort(handles.begin(), handles.end(), [this](Handle a, Handle b) {
    const Incident& x = incidents_.at(a).incident;
    const Incident& y = incidents_.at(b).incident;
    return std::tie(x.first_seen, x.id, a) < std::tie(y.first_seen, y.id, b);
  });
  for (const Handle handle : handles) close(handle);
}

void IncidentMaker::expire(Timestamp now) {
  std::vector<Handle> over;
  for (const auto& [last_seen, handle] : idle_) {
    // Unsigned, as the times of a capture may be anything.
    const uint64_t idle = static_cast<uint64_t>(now.ns) - static_cast<uint64_t>(last_seen);
    if (now.ns <= last_seen || idle <= static_cast<uint64_t>(window_.ns)) break;
    over.push_back(handle);
  }
  if (!over.empty()) close_sorted(std::move(over));
}

void IncidentMaker::close_all() {
  std::vector<Handle> all;
  all.reserve(incidents_.size());
  for (const auto& entry : incidents_) all.push_back(entry.first);
  close_sorted(std::move(all));
}

}  // namespace weir::alert
