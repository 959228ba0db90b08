// See explain_page.h.
#include "app/report/explain_page.h"

#include <vector>

#include "app/report/explain_sections.h"

namespace weir::app {

namespace {

using Kind = EvidenceKind;

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
