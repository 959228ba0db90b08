// See explain_page.h.
#include "app/report/explain_page.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

#include "alert/native_json.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

using Kind = EvidenceKind;

constexpr size_t kMaxRows = 200;   // of a table
constexpr size_t kMaxCards = 100;  // incidents that are told at length
constexpr size_t kMaxItems = 20;   // pieces of evidence of one incident

// "1 client", "12 clients".
std::string counted(uint64_t count, const std::string& one, std::string many = {}) {
  if (many.empty()) many = one + "s";
  return human_count(count) + " " + (count == 1 ? one : many);
}

template <typename Names>
std::string listed(const Names& names, size_t at_most = 3) {
  std::string out;
  size_t shown = 0;
  const size_t all = names.size();
  const size_t wanted = all <= at_most + 1 ? all : at_most;
  for (const std::string& name : names) {
    if (shown == wanted) break;
    if (shown > 0) out += shown + 1 == all ? " and " : ", ";
    out += name;
    ++shown;
  }
  if (shown < all) out += " and " + human_count(all - shown) + " more";
  return out;
}

std::string spoken(std::string_view word) {
  std::string out(word);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

// "2026-05-28 20:26:40 UTC"
std::string moment(Timestamp time) {
  std::string out = alert::iso_time(time);
  const size_t dot = out.find('.');
  if (dot != std::string::npos) out.resize(dot);
  std::replace(out.begin(), out.end(), 'T', ' ');
  return out + " UTC";
}

std::string span_of_time(Timestamp first, Timestamp last) {
  std::string from = moment(first);
  std::string to = moment(last);
  if (from == to) return from;
  constexpr size_t kDate = 11;   // "2026-05-28 "
  from.resize(from.size() - 4);  // " UTC" stands behind the second
  if (to.compare(0, kDate, from, 0, kDate) == 0) to.erase(0, kDate);
  return from + " to " + to;
}

Tone tone_of(Severity severity) noexcept {
  if (severity >= Severity::kHigh) return Tone::kDanger;
  if (severity == Severity::kMedium) return Tone::kWarning;
  return severity == Severity::kNone ? Tone::kPlain : Tone::kNote;
}

uint64_t counter(const ReplayFacts& replay, std::string_view name) {
  for (const auto& [key, value] : replay.counters) {
    if (key == name) return value;
  }
  return 0;
}

std::string by_user(const FlowIdentity& flow) {
  return flow.client.ip.to_string() + (flow.user.empty() ? "" : " (" + flow.user + ")");
}

std::string verdict_of(Action action, Severity severity) {
  if (action == Action::kAllow) return "allow";
  return std::string(to_string(action)) + ", " + std::string(to_string(severity));
}

// One service can show several faces: here each has one name.
std::string name_of(const ExplainFacts& facts, const std::string& key) {
  const auto service = facts.usage.services.find(key);
  if (service == facts.usage.services.end() || service->second.product.empty()) return key;
  return service->second.product;
}

std::string listed_sides(const ExplainFacts& facts, const std::set<std::string>& keys) {
  std::set<std::string> names;
  for (const std::string& key : keys) names.insert(name_of(facts, key));
  return listed(names);
}

// ---- the headline

uint64_t pieces(const ContentTotals& totals, Kind kind) {
  return totals.kinds[static_cast<size_t>(kind)].pieces;
}

std::string what_left(const ContentTotals& totals) {
  std::vector<std::string> parts;
  const auto& names = [&totals](Kind kind) -> const std::set<std::string>& {
    return totals.kinds[static_cast<size_t>(kind)].what;
  };
  if (pieces(totals, Kind::kCode) > 0) {
    parts.push_back("code of " + counted(names(Kind::kCode).size(), "protected file"));
  }
  if (pieces(totals, Kind::kHash) > 0) {
    parts.push_back("digests of " + counted(names(Kind::kHash).size(), "protected file"));
  }
  if (const uint64_t n = pieces(totals, Kind::kSecret); n > 0)
    parts.push_back(counted(n, "secret"));
  if (const uint64_t n = pieces(totals, Kind::kMarker); n > 0) {
    parts.push_back(counted(n, "marker") + " of confidential text");
  }
  if (const uint64_t n = pieces(totals, Kind::kName); n > 0) {
    parts.push_back(counted(n, "name") + " out of " + listed(names(Kind::kName)));
  }
  return listed(parts, parts.size());
}

std::string headline_of(const ExplainFacts& facts) {
  const ContentTotals& told = facts.totals;
  const ContentTotals& allowed = facts.allowed_totals;
  if (told.leaks > 0) {
    return "Protected content left: " + what_left(told) + " went to " +
           listed_sides(facts, told.to) + ", from " + counted(told.clients.size(), "client") +
           ". Severity: " + std::string(to_string(told.worst)) + ".";
  }
  if (allowed.leaks > 0) {
    return "Protected content went where policy allows it: " + what_left(allowed) + " to " +
           listed_sides(facts, allowed.to) + ", from " + counted(allowed.clients.size(), "client") +
           ".";
  }
  const auto hidden = facts.usage.flows_by_visibility[static_cast<size_t>(Visibility::kMetadata)] +
                      facts.usage.flows_by_visibility[static_cast<size_t>(Visibility::kPartly)];
  if (facts.usage.ai_flows == 0) {
    return "No AI service was seen to be used, and nothing protected was found.";
  }
  if (hidden > 0) {
    return "Nothing protected was found in what could be read, but " +
           counted(hidden, "connection") + " to AI services could not be read, or not whole.";
  }
  return "AI services were used; nothing protected was found in what was sent to them.";
}

Tone headline_tone(const ExplainFacts& facts) {
  if (facts.totals.leaks > 0) {
    return facts.totals.worst >= Severity::kHigh ? Tone::kDanger : Tone::kWarning;
  }
  const uint64_t read =
      facts.usage.flows_by_visibility[static_cast<size_t>(Visibility::kClear)] +
      facts.usage.flows_by_visibility[static_cast<size_t>(Visibility::kDecrypted)];
  if (facts.allowed_totals.leaks > 0 || read < facts.usage.ai_flows) return Tone::kNote;
  return facts.incidents.incidents() > 0 ? Tone::kNote : Tone::kGood;
}

std::vector<std::string> lead_of(const ReplayFacts& replay, const ExplainFacts& facts,
                                 const ExplainContext& context) {
  std::vector<std::string> out;
  if (facts.totals.leaks > 0) {
    std::string verdicts;
    for (const auto& [action, count] : facts.totals.verdicts) {
      verdicts += (verdicts.empty() ? "" : ", ") + std::string(to_string(action)) + " for " +
                  human_count(count);
    }
    out.push_back("What policy decides about the " +
                  counted(facts.totals.leaks, "incident with protected content",
                          "incidents with protected content") +
                  ": " + verdicts +
                  ". That is what a sensor in the path would have done; this page was made from a "
                  "capture, in which everything shown was on its way.");
  }
  if (context.indexes == 0) {
    out.push_back(
        "No fingerprint index was given, so protected code could not be recognised: only secrets, "
        "markers and data about machine and person were looked for. Give --index and --key.");
  }
  if (!replay.errors.empty()) {
    out.push_back(
        "The capture is damaged or cannot be read to its end; what could be read is told "
        "here. See Facts of the capture.");
  }
  if (facts.dropped > 0) {
    out.push_back(counted(facts.dropped, "entry", "entries") +
                  " had no place in the lists of this page; sums are complete.");
  }
  return out;
}

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

// A table for each service or host, those that were sent most first.
void add_uses(const ExplainFacts& facts, PageSection& out) {
  std::set<std::string> told_hosts;  // that are no known service, but where something was found
  for (const IncidentSummary* list : {&facts.incidents, &facts.allowed}) {
    for (const alert::Incident& incident : list->shown()) {
      if (incident.flow.service.empty()) told_hosts.insert(incident.flow.host);
    }
  }
  struct Side {
    std::string key;
    std::vector<const ClientUse*> uses;
    std::set<std::string> hosts;
    uint64_t bytes_up = 0;
  };
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
  if (sides.empty()) out.paragraphs.push_back("No AI service and no AI tool was seen.");
  size_t rows = 0;
  for (Side& side : sides) {
    if (rows >= kMaxRows) {
      out.paragraphs.push_back("The services and hosts that were sent most are shown, of " +
                               human_count(sides.size()) + ".");
      break;
    }
    std::stable_sort(side.uses.begin(), side.uses.end(),
                     [&](const auto* a, const auto* b) { return more_sent(*a, *b); });
    const FlowIdentity& flow = side.uses.front()->flow;
    PageTable table;
    table.caption = name_of(facts, side.key);
    if (flow.service.empty()) {
      table.caption += ": no service of the catalogue";
    } else {
      if (!flow.service_class.empty()) table.caption += ", " + spoken(flow.service_class);
      table.caption += ", " + std::string(to_string(flow.status));
      if (!side.hosts.empty()) table.caption += ": " + listed(side.hosts);
    }
    table.columns = {{"Client"}, {"Tool"}, {"Requests", true}, {"Sent", true}, {"Seen inside"}};
    for (const ClientUse* use : side.uses) {
      if (rows++ >= kMaxRows) {
        table.more = "and " + human_count(side.uses.size() - table.rows.size()) + " more clients";
        break;
      }
      table.rows.push_back(
          {{by_user(use->flow), use->flow.tool.empty() ? "-" : use->flow.tool,
            human_count(use->requests), human_bytes(use->bytes_up), seen_into(*use)},
           flow.status == ServiceStatus::kUnsanctioned ? Tone::kWarning : Tone::kPlain});
    }
    out.tables.push_back(std::move(table));
  }
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

// ---- incidents

std::string file_of(const Evidence& piece) {
  std::string out = piece.repository + "/" + piece.path;
  if (piece.first_line > 0) {
    out += ":" + std::to_string(piece.first_line) + "-" + std::to_string(piece.last_line);
  }
  return out;
}

PageItem item_of(const Evidence& piece) {
  PageItem out;
  const std::string kind(to_string(piece.kind));
  const std::string title = piece.title.empty() ? piece.rule : piece.title;
  if (!piece.path.empty()) {
    out.title = file_of(piece);
    if (piece.lines > 0) out.title += " (" + counted(piece.lines, "line") + ")";
  } else {
    out.title = title;
    if (!piece.repository.empty()) out.title += ", " + piece.repository;
    if (!piece.field.empty()) out.title += ": " + piece.field;
  }
  out.note = kind + (piece.rule.empty() ? "" : ", rule " + piece.rule);
  std::array<char, 32> sure{};
  std::snprintf(sure.data(), sure.size(), ", %.0f %% sure", piece.score * 100);
  out.note += sure.data();
  if (!piece.where.empty()) out.note += "; stood in " + piece.where;
  out.quote = piece.excerpt;
  if (!piece.detail.empty()) out.quote += (out.quote.empty() ? "" : "  ") + piece.detail;
  return out;
}

bool only_environment(const alert::Incident& incident) {
  return std::all_of(incident.evidence.begin(), incident.evidence.end(),
                     [](const Evidence& e) { return e.kind == Kind::kEnvironment; });
}

PageCard card_of(const alert::Incident& incident, bool allowed) {
  const FlowIdentity& flow = incident.flow;
  PageCard out;
  out.tone = allowed ? Tone::kPlain : tone_of(incident.severity);
  out.label = allowed ? "allowed" : std::string(to_string(incident.severity));
  out.title = by_user(flow) + " to " + other_side(flow);
  std::string to = flow.host.empty() ? flow.server.ip.to_string() : flow.host;
  to += " (" + flow.server.ip.to_string() + ", port " + std::to_string(flow.server.port) + ")";
  if (!flow.service.empty()) to += ", " + std::string(to_string(flow.status)) + " service";
  out.facts.emplace_back("Server", to);
  if (!flow.tool.empty() || !incident.request.user_agent.empty()) {
    out.facts.emplace_back("Tool", (flow.tool.empty() ? "not recognised" : flow.tool) +
                                       (incident.request.user_agent.empty()
                                            ? ""
                                            : ", says it is " + incident.request.user_agent));
  }
  if (!incident.request.method.empty()) {
    out.facts.emplace_back("Request", incident.request.method + " " + incident.request.path);
  }
  out.facts.emplace_back("Seen", span_of_time(incident.first_seen, incident.last_seen) + ", " +
                                     counted(incident.count, "time"));
  out.facts.emplace_back(
      "Policy", allowed
                    ? "allow" + (incident.rule.empty() ? std::string(" (no rule matches)")
                                                       : " (rule " + incident.rule + ")")
                    : std::string(to_string(incident.action)) + " (rule " + incident.rule + ")");
  if (!allowed) out.facts.emplace_back("Incident", incident.id);
  for (const Evidence& piece : incident.evidence) {
    if (out.items.size() == kMaxItems) break;
    out.items.push_back(item_of(piece));
  }
  const uint64_t more = incident.evidence.size() - out.items.size() + incident.evidence_dropped;
  if (more > 0) out.more = "and " + counted(more, "more piece", "more pieces") + " of evidence";
  return out;
}

PageSection incidents_section(const ExplainFacts& facts) {
  PageSection out;
  out.title = "What left";
  uint64_t left_out = 0;
  const auto add = [&](const IncidentSummary& list, bool allowed) {
    for (const alert::Incident& incident : list.shown()) {
      if (incident.evidence.empty() || only_environment(incident)) continue;
      if (out.cards.size() == kMaxCards) {
        ++left_out;
        continue;
      }
      out.cards.push_back(card_of(incident, allowed));
    }
  };
  add(facts.incidents, false);
  add(facts.allowed, true);
  out.paragraphs.push_back(
      out.cards.empty()
          ? "No code, digest, secret, marker, name or anomaly was found in what could be read."
          : "Each card is one incident: what one client sent to one service, however often. "
            "Excerpts are masked; the file and its lines tell where to look.");
  if (left_out > 0) {
    out.paragraphs.push_back(counted(left_out, "more incident") +
                             ", less severe, are not shown: weir replay --alerts has them all.");
  }
  return out;
}

// ---- data about machine and person

PageSection data_section(const ExplainFacts& facts) {
  PageSection out;
  out.title = "Data about machine and person";
  if (facts.data.empty()) {
    out.paragraphs.push_back("None was found in requests to AI services that could be read.");
    return out;
  }
  out.paragraphs.push_back(
      "What clients told AI services about where they run, for whom and on what. \"Documented\": "
      "the "
      "vendor says openly that its tool sends it, by the catalogue.");
  size_t rows = 0;
  std::string last;
  for (const auto& [key, use] : facts.data) {
    const auto& [host, data_class, field, documented] = key;
    if (rows++ == kMaxRows) {
      out.tables.back().more = "and " + human_count(facts.data.size() - kMaxRows) + " more";
      break;
    }
    if (out.tables.empty() || host != last) {
      out.tables.emplace_back();
      out.tables.back().caption = "To " + host;
      out.tables.back().columns = {{"Class"},         {"Field"},      {"Masked"}, {"Times", true},
                                   {"Clients", true}, {"Documented"}, {"Policy"}};
      last = host;
    }
    out.tables.back().rows.push_back(
        {{spoken(data_class), field, use.sample, human_count(use.count),
          human_count(use.clients.size()), documented ? "yes" : "no",
          verdict_of(use.action, use.severity)},
         documented ? Tone::kPlain : tone_of(use.severity)});
  }
  return out;
}

// ---- what could not be seen

std::string why(VisibilityReason reason) {
  switch (reason) {
    case VisibilityReason::kNone:
      break;
    case VisibilityReason::kNoData:
      return "Nothing was sent, or a handshake only";
    case VisibilityReason::kNoKey:
      return "Encrypted (TLS), and no key log has the keys";
    case VisibilityReason::kKeysLate:
      return "Encrypted; the keys came when some of it was gone already";
    case VisibilityReason::kEch:
      return "Encrypted, and even the name of the server is hidden (ECH)";
    case VisibilityReason::kQuic:
      return "QUIC (HTTP/3) that was not decrypted";
    case VisibilityReason::kUnsupportedCipher:
      return "Encrypted in a way that Weir does not decrypt";
    case VisibilityReason::kDecryptFailed:
      return "There were keys, but they did not fit, or data was damaged";
    case VisibilityReason::kOpaque:
      return "Seen, but nothing in it is readable text: images, archives, further encryption";
    case VisibilityReason::kNotInspected:
      return "Left unread at a limit, or of no interest";
    case VisibilityReason::kUnknownProtocol:
      return "A protocol that Weir does not know";
    case VisibilityReason::kLost:
      return "Packets are missing from the capture";
    case VisibilityReason::kMidStream:
      return "The capture began in the middle of the connection";
  }
  return "Not known";
}

PageSection unseen_section(const ReplayFacts& replay, const ExplainFacts& facts,
                           const ExplainContext& context) {
  PageSection out;
  out.title = "What could not be seen, and why";
  const auto& by = facts.usage.flows_by_visibility;
  const uint64_t read =
      by[static_cast<size_t>(Visibility::kClear)] + by[static_cast<size_t>(Visibility::kDecrypted)];
  const uint64_t partly = by[static_cast<size_t>(Visibility::kPartly)];
  const uint64_t blind = by[static_cast<size_t>(Visibility::kMetadata)];
  if (facts.usage.ai_flows > 0) {
    uint64_t bytes = 0;
    uint64_t hidden = 0;
    for (const auto& [id, use] : facts.usage.services) {
      bytes += use.bytes_up;
      hidden += use.bytes_up_unseen;
    }
    out.paragraphs.push_back("Of " + counted(facts.usage.ai_flows, "connection") +
                             " to AI services " + human_count(read) + " could be read, " +
                             human_count(partly) + " in part, " + human_count(blind) +
                             " not at all: " + human_bytes(hidden) + " of the " +
                             human_bytes(bytes) + " that clients sent there.");
  }
  PageTable table;
  table.columns = {{"Why"}, {"Where"}, {"How far"}, {"Connections", true}, {"Sent", true}};
  bool no_key = false;
  std::string last;
  // AI services first.
  for (auto it = facts.unseen.rbegin(); it != facts.unseen.rend(); ++it) {
    const auto& [ai, reason, visibility, name] = it->first;
    no_key = no_key || reason == VisibilityReason::kNoKey || reason == VisibilityReason::kQuic;
    if (table.rows.size() == kMaxRows) {
      table.more = "and more of these";
      continue;
    }
    const std::string words = why(reason);
    table.rows.push_back(
        {{words == last ? "" : words, ai ? name_of(facts, name) : "elsewhere (no AI service)",
          visibility == Visibility::kMetadata ? "not read"
          : visibility == Visibility::kPartly ? "in part"
                                              : "nearly whole",
          human_count(it->second.flows), human_bytes(it->second.bytes_up)},
         ai && it->second.bytes_up > 0 ? Tone::kWarning : Tone::kPlain});
    last = words;
  }
  if (table.rows.empty()) {
    out.paragraphs.push_back("Everything that clients sent could be read.");
  } else {
    out.tables.push_back(std::move(table));
    if (no_key) {
      out.paragraphs.push_back(
          std::string("Of what stays encrypted, names, sizes, times and the kind of client are "
                      "known. ") +
          (context.has_keys ? "The key log that was given does not have all keys."
                            : "With the keys of the clients (--keylog) it could be read."));
    }
  }
  if (const uint64_t opaque = counter(replay, "engine.requests_opaque"); opaque > 0) {
    out.paragraphs.push_back(counted(opaque, "request body held", "request bodies held") +
                             " nothing readable.");
  }
  return out;
}

// ---- the capture itself

PageSection capture_section(const ReplayFacts& replay, const ExplainFacts& facts,
                            const ExplainContext& context) {
  PageSection out;
  out.title = "Facts of the capture";
  PageTable table;
  table.columns = {{""}, {""}};
  const auto add = [&table](const std::string& name, const std::string& value,
                            Tone tone = Tone::kPlain) {
    table.rows.push_back({{name, value}, tone});
  };
  for (const std::string& file : replay.files) add("File", file == "-" ? "standard input" : file);
  if (replay.packets > 0) {
    std::array<char, 48> seconds{};
    std::snprintf(seconds.data(), seconds.size(), " (%.1f s)",
                  (replay.last - replay.first).as_seconds());
    add("Time", span_of_time(replay.first, replay.last) + seconds.data());
  }
  add("Packets", human_count(replay.packets) + ", " + human_bytes(replay.packet_bytes));
  add("Connections",
      human_count(facts.usage.flows) + ", with " + counted(facts.usage.requests, "request"));
  add("Sent by clients", human_bytes(facts.usage.bytes_up) + "; " +
                             human_bytes(facts.usage.inspected_bytes) + " of text were read in it");
  const uint64_t undecoded =
      replay.packets - std::min(replay.packets, counter(replay, "engine.packets"));
  if (undecoded > 0) {
    add("Not decoded", counted(undecoded, "packet") + " (not IP, fragments, tunnels, malformed)");
  }
  add("Missing",
      facts.usage.gap_bytes_up == 0
          ? "nothing that clients sent"
          : human_bytes(facts.usage.gap_bytes_up) + " that clients sent are not in the capture",
      facts.usage.gap_bytes_up == 0 ? Tone::kPlain : Tone::kWarning);
  const uint64_t limited =
      counter(replay, "engine.unread_limit_bytes") + counter(replay, "engine.unread_slot_bytes");
  if (limited > 0) add("Over a limit", human_bytes(limited) + " were not read", Tone::kWarning);
  for (const std::string& error : replay.errors) add("Error", error, Tone::kDanger);
  add("Looked for",
      (context.indexes == 0 ? std::string("no protected code (no index)")
                            : "protected code of " + counted(context.indexes, "fingerprint index",
                                                             "fingerprint indexes")) +
          ", content rules, data about machine and person");
  out.tables.push_back(std::move(table));
  return out;
}

}  // namespace

ReportPage explain_page(const ReplayFacts& replay, const ExplainFacts& facts,
                        const ExplainContext& context) {
  ReportPage page;
  std::string names;
  for (const std::string& file : replay.files) {
    const size_t slash = file.find_last_of('/');
    names += (names.empty() ? "" : ", ") + (file == "-"                  ? "standard input"
                                            : slash == std::string::npos ? file
                                                                         : file.substr(slash + 1));
  }
  page.title = "Weir: what " + names + " shows";
  page.tone = headline_tone(facts);
  page.headline = headline_of(facts);
  page.lead = lead_of(replay, facts, context);
  page.sections.push_back(kinds_section(facts));
  page.sections.push_back(who_section(facts));
  page.sections.push_back(incidents_section(facts));
  page.sections.push_back(data_section(facts));
  page.sections.push_back(unseen_section(replay, facts, context));
  page.sections.push_back(capture_section(replay, facts, context));
  page.footer = "Made by weir " WEIR_VERSION
                " from the capture alone. Evidence is masked: no line of code, secret or value "
                "stands here whole.";
  return page;
}

}  // namespace weir::app
