// What left by kind, and who used which service with which tool.
#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "app/report/explain_sections.h"

namespace weir::app {

using Kind = EvidenceKind;

PageSection kinds_section(const ExplainFacts& facts) {
  static constexpr std::array<std::pair<Kind, const char*>, ContentTotals::kKinds> kNames = {{
      {Kind::kCode, "Protected code"},
      {Kind::kHash, "File digests"},
      {Kind::kSecret, "Secrets"},
      {Kind::kMarker, "Confidential marks"},
      {Kind::kName, "Names out of code"},
      {Kind::kEnvironment, "Machine and person"},
      {Kind::kAnomaly, "Anomalies"},
  }};
  PageSection out;
  out.title = "What left, by kind";
  PageTable table;
  table.columns = {{"Kind"}, {"Found", true}, {"Incidents", true}, {"Worst"}, {"To"}};
  for (const auto& [kind, name] : kNames) {
    const KindTotal& told = facts.totals.kinds[static_cast<size_t>(kind)];
    const KindTotal& allowed = facts.allowed_totals.kinds[static_cast<size_t>(kind)];
    const uint64_t found = told.pieces + allowed.pieces;
    std::set<std::string> to = told.to;
    to.insert(allowed.to.begin(), allowed.to.end());
    table.rows.push_back({{name, found == 0 ? "-" : human_count(found),
                           told.incidents == 0 ? "-" : human_count(told.incidents),
                           told.incidents > 0   ? std::string(to_string(told.worst))
                           : allowed.pieces > 0 ? "allowed"
                                                : "-",
                           found == 0 ? "-" : listed_sides(facts, to)},
                          told.incidents > 0 ? tone_of(told.worst) : Tone::kPlain});
  }
  out.tables.push_back(std::move(table));
  return out;
}

namespace {

// ---- who talked to which service with which tool

std::string seen_into(const ClientUse& use) {
  static constexpr std::array<const char*, kVisibilities> kWords = {"not read", "partly",
                                                                    "decrypted", "in clear"};
  std::string out;
  for (size_t i = kVisibilities; i-- > 0;) {
    if (use.by_visibility[i] == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(kWords[i]);
    if (use.by_visibility[i] != use.flows) out += " " + human_count(use.by_visibility[i]);
  }
  return out;
}

struct Side {
  std::string key;
  std::vector<const ClientUse*> uses;
  std::set<std::string> hosts;
  uint64_t bytes_up = 0;
};

// Services, and hosts that are none but were met by a tool, or that something went to: those that
// were sent most first, and in each the clients that sent most.
std::vector<Side> sides_of(const ExplainFacts& facts) {
  std::set<std::string> told_hosts;
  for (const IncidentSummary* list : {&facts.incidents, &facts.allowed}) {
    for (const alert::Incident& incident : list->shown()) {
      if (incident.flow.service.empty()) told_hosts.insert(incident.flow.host);
    }
  }
  std::vector<Side> sides;
  for (const auto& [key, use] : facts.clients) {
    const FlowIdentity& flow = use.flow;
    if (flow.service.empty() && flow.tool.empty() &&
        (flow.host.empty() || !told_hosts.contains(flow.host))) {
      continue;
    }
    if (sides.empty() || sides.back().key != std::get<0>(key))
      sides.push_back({std::get<0>(key), {}, {}, 0});
    Side& side = sides.back();
    side.uses.push_back(&use);
    side.bytes_up += use.bytes_up;
    side.hosts.insert(use.hosts.begin(), use.hosts.end());
  }
  const auto more_sent = [](const auto& a, const auto& b) { return a.bytes_up > b.bytes_up; };
  std::stable_sort(sides.begin(), sides.end(), more_sent);
  for (Side& side : sides) {
    std::stable_sort(side.uses.begin(), side.uses.end(),
                     [&](const auto* a, const auto* b) { return more_sent(*a, *b); });
  }
  return sides;
}

PageTable::Row row_of(const ClientUse& use) {
  return {{by_user(use.flow), use.flow.tool.empty() ? "-" : use.flow.tool,
           human_count(use.requests), human_bytes(use.bytes_up), seen_into(use)},
          use.flow.status == ServiceStatus::kUnsanctioned && !use.flow.service.empty()
              ? Tone::kWarning
              : Tone::kPlain};
}

// A table for each service, and one for all hosts that are none.
void add_uses(const ExplainFacts& facts, PageSection& out) {
  const std::vector<Side> sides = sides_of(facts);
  if (sides.empty()) out.paragraphs.push_back("No AI service and no AI tool was seen.");
  PageTable others;
  others.caption = "Hosts of no service in the catalogue, met by tools or told of below";
  others.columns = {{"Client"},     {"Tool"},        {"Requests", true},
                    {"Sent", true}, {"Seen inside"}, {"Host"}};
  size_t rows = 0;
  for (const Side& side : sides) {
    if (rows >= kMaxRows) {
      out.paragraphs.push_back("The services and hosts that were sent most are shown, of " +
                               human_count(sides.size()) + ".");
      break;
    }
    const FlowIdentity& flow = side.uses.front()->flow;
    PageTable table;
    table.caption = name_of(facts, side.key);
    if (!flow.service_class.empty()) table.caption += ", " + spoken(flow.service_class);
    table.caption += ", " + std::string(to_string(flow.status));
    if (!side.hosts.empty()) table.caption += ": " + listed(side.hosts);
    table.columns = {{"Client"}, {"Tool"}, {"Requests", true}, {"Sent", true}, {"Seen inside"}};
    for (const ClientUse* use : side.uses) {
      if (rows++ >= kMaxRows) {
        table.more = "and " + human_count(side.uses.size() - table.rows.size()) + " more clients";
        break;
      }
      PageTable::Row row = row_of(*use);
      if (flow.service.empty()) {
        row.cells.push_back(side.key);
        others.rows.push_back(std::move(row));
      } else {
        table.rows.push_back(std::move(row));
      }
    }
    if (!flow.service.empty()) out.tables.push_back(std::move(table));
  }
  if (!others.rows.empty()) out.tables.push_back(std::move(others));
}

// What policy says of the mere use of a service.
void add_verdicts_on_use(const ExplainFacts& facts, PageSection& out) {
  struct Verdict {
    Action action = Action::kAllow;
    Severity severity = Severity::kNone;
    std::set<std::string> clients;
  };
  std::map<std::pair<std::string, std::string>, Verdict> verdicts;
  for (const alert::Incident& incident : facts.incidents.shown()) {
    if (!incident.evidence.empty()) continue;
    Verdict& verdict = verdicts[{incident.rule, side_key(incident.flow)}];
    verdict.action = std::max(verdict.action, incident.action);
    verdict.severity = std::max(verdict.severity, incident.severity);
    verdict.clients.insert(by_user(incident.flow));
  }
  if (verdicts.empty()) return;
  PageTable table;
  table.caption = "What policy says of the use as such";
  table.columns = {{"Rule"}, {"Service"}, {"Decision"}, {"Clients"}};
  for (const auto& [key, verdict] : verdicts) {
    if (table.rows.size() == kMaxRows) {
      table.more = "and " + human_count(verdicts.size() - kMaxRows) + " more";
      break;
    }
    table.rows.push_back({{key.first, name_of(facts, key.second),
                           verdict_of(verdict.action, verdict.severity), listed(verdict.clients)},
                          tone_of(verdict.severity)});
  }
  out.tables.push_back(std::move(table));
}

}  // namespace

PageSection who_section(const ExplainFacts& facts) {
  PageSection out;
  out.title = "Who used which service, with which tool";
  const uint64_t others = facts.usage.flows - std::min(facts.usage.flows, facts.usage.ai_flows);
  out.paragraphs.push_back(counted(facts.usage.ai_flows, "connection") + " went to " +
                           counted(facts.usage.services.size(), "AI service") + "; " +
                           human_count(others) + " to no service of the catalogue.");
  add_uses(facts, out);
  add_verdicts_on_use(facts, out);
  return out;
}

}  // namespace weir::app
