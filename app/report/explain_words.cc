// See explain_sections.h.
#include <algorithm>
#include <cstddef>

#include "alert/native_json.h"
#include "app/report/explain_sections.h"

namespace weir::app {

// "1 client", "12 clients".
std::string counted(uint64_t count, const std::string& one, std::string many) {
  if (many.empty()) many = one + "s";
  return human_count(count) + " " + (count == 1 ? one : many);
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
  if (service != facts.usage.services.end() && !service->second.product.empty()) {
    return service->second.product;
  }
  const auto told = facts.names.find(key);
  return told == facts.names.end() ? key : told->second;
}

std::string listed_sides(const ExplainFacts& facts, const std::set<std::string>& keys) {
  std::set<std::string> names;
  for (const std::string& key : keys) names.insert(name_of(facts, key));
  return listed(names);
}

}  // namespace weir::app
