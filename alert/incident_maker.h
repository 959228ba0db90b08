// Merges findings into incidents, in packet time. A finding joins the oldest open incident of the
// same client address and user, service (host where there is no service) and policy rule that has a
// protected file, repository name, content rule, or class and field of data in common with it; a
// finding without evidence joins one without evidence. Agents send the whole conversation with
// every turn: that is one incident that grows. An incident closes when nothing joined it for the
// window; one about environment data or anomalies, which every request repeats, not within a day.
//
// Order and ids depend on the findings and their times alone, so a replay repeats itself.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "alert/incident.h"
#include "core/counters.h"
#include "core/finding.h"
#include "core/limits.h"
#include "core/time.h"

namespace weir::alert {

struct IncidentCounters {
  Counter findings;
  Counter findings_allowed;
  Counter created;
  Counter merged;
  Counter updates_told;
  Counter closed;
  Counter closed_at_limit;
  Counter evidence_dropped;
  Counter subjects_dropped;
  Counter endings_unmatched;
};
inline constexpr CounterTable<IncidentCounters, 10> kIncidentCounters = {{
    {"findings", &IncidentCounters::findings, "findings given to the incident maker"},
    {"findings_allowed", &IncidentCounters::findings_allowed,
     "findings that policy allows: not told"},
    {"created", &IncidentCounters::created, "incidents begun"},
    {"merged", &IncidentCounters::merged, "findings that joined an open incident"},
    {"updates_told", &IncidentCounters::updates_told, "updates told to the sinks"},
    {"closed", &IncidentCounters::closed, "incidents closed"},
    {"closed_at_limit", &IncidentCounters::closed_at_limit,
     "incidents closed early because too many were open"},
    {"evidence_dropped", &IncidentCounters::evidence_dropped,
     "pieces of evidence over incident_evidence"},
    {"subjects_dropped", &IncidentCounters::subjects_dropped,
     "files and rules over incident_subjects, by which no finding joins"},
    {"endings_unmatched", &IncidentCounters::endings_unmatched,
     "words on how a cut connection ended that came when its incident was closed"},
}};
static_assert(describes_all(kIncidentCounters));

class IncidentMaker {
 public:
  IncidentMaker(const Limits& limits, Duration window, IncidentCounters& counters);
  IncidentMaker(const IncidentMaker&) = delete;
  IncidentMaker& operator=(const IncidentMaker&) = delete;

  // Sinks are told in the order in which they were added; they must outlive the maker's last call.
  void add_sink(IncidentSink& sink) { sinks_.push_back(&sink); }

  // Tells kCreate, or kUpdate when the incident has grown (more evidence, more lines, a stricter
  // action, a higher severity) or its count has reached a power of two.
  void on_finding(Finding&& finding);
  // Closes what nothing joined for the window, oldest first (first_seen, then id).
  void expire(Timestamp now);
  // Closes everything, in the same order.
  void close_all();
  [[nodiscard]] size_t open() const noexcept { return incidents_.size(); }

 private:
  struct Open {
    Incident incident;
    std::string group;
    std::set<std::string> subjects;
    Duration grace{};  // that it stays open beyond the window
  };
  using Handle = uint64_t;

  void create(Finding&& finding, std::string&& group, const std::vector<std::string>& subjects);
  void join(Handle handle, Finding&& finding, const std::vector<std::string>& subjects);
  void add_subjects(Handle handle, Open& open, const std::vector<std::string>& subjects);
  void close(Handle handle);
  void close_sorted(std::vector<Handle>&& handles);
  [[nodiscard]] static int64_t idle_from(const Open& open) noexcept;
  void tell(const Incident& incident, IncidentActivity activity);

  const Limits& limits_;
  Duration window_;
  IncidentCounters& counters_;
  std::vector<IncidentSink*> sinks_;
  Handle next_ = 0;
  std::map<Handle, Open> incidents_;  // in order of creation
  // Group and subject -> incidents, in order of creation.
  std::unordered_map<std::string, std::set<Handle>> by_subject_;
  std::set<std::tuple<int64_t, Handle>> idle_;  // idle_from(), idlest first
};

}  // namespace weir::alert
