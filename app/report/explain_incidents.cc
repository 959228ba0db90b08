// What left, incident by incident, and data about machine and person.
#include <algorithm>
#include <array>
#include <cstdio>

#include "app/report/explain_sections.h"

namespace weir::app {
namespace {

constexpr size_t kMaxCards = 100;  // incidents that are told at length
constexpr size_t kMaxItems = 20;   // pieces of evidence of one incident

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
  // What is said of a mark holds the excerpt.
  const bool both = !piece.excerpt.empty() && piece.detail.find(piece.excerpt) == std::string::npos;
  if (piece.detail.empty() || both) out.quote = piece.excerpt;
  if (!piece.detail.empty()) out.quote += (out.quote.empty() ? "" : "  ") + piece.detail;
  return out;
}

bool only_environment(const alert::Incident& incident) {
  return std::all_of(incident.evidence.begin(), incident.evidence.end(),
                     [](const Evidence& e) { return e.kind == EvidenceKind::kEnvironment; });
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

}  // namespace

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

}  // namespace weir::app
