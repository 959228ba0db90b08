// Words that the sections of the page of `weir explain` share, and the sections themselves.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "app/report/explain_facts.h"
#include "app/report/explain_page.h"
#include "app/report/replay_report.h"
#include "app/report/report_page.h"
#include "app/terminal.h"

namespace weir::app {

inline constexpr size_t kMaxRows = 200;  // of a table

// "1 client", "12 clients".
[[nodiscard]] std::string counted(uint64_t count, const std::string& one, std::string many = {});
// "a, b and 3 more"
template <typename Names>
[[nodiscard]] std::string listed(const Names& names, size_t at_most = 3) {
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

[[nodiscard]] std::string spoken(std::string_view word);
// "2026-05-28 20:26:40 UTC"
[[nodiscard]] std::string moment(Timestamp time);
[[nodiscard]] std::string span_of_time(Timestamp first, Timestamp last);
[[nodiscard]] Tone tone_of(Severity severity) noexcept;
[[nodiscard]] uint64_t counter(const ReplayFacts& replay, std::string_view name);
[[nodiscard]] std::string by_user(const FlowIdentity& flow);
[[nodiscard]] std::string verdict_of(Action action, Severity severity);
// One service can show several faces: here each has one name.
[[nodiscard]] std::string name_of(const ExplainFacts& facts, const std::string& key);
[[nodiscard]] std::string listed_sides(const ExplainFacts& facts,
                                       const std::set<std::string>& keys);

[[nodiscard]] PageSection kinds_section(const ExplainFacts& facts);
[[nodiscard]] PageSection who_section(const ExplainFacts& facts);
[[nodiscard]] PageSection incidents_section(const ExplainFacts& facts);
[[nodiscard]] PageSection data_section(const ExplainFacts& facts);
[[nodiscard]] PageSection unseen_section(const ReplayFacts& replay, const ExplainFacts& facts,
                                         const ExplainContext& context);
[[nodiscard]] PageSection capture_section(const ReplayFacts& replay, const ExplainFacts& facts,
                                          const ExplainContext& context);

}  // namespace weir::app
