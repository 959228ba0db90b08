// What a page about a capture is made of: who used what, data about machine and person, what could
// not be seen, and incidents. Also what policy allows, which makes no alert: a page says what was
// there. Each list is bounded; what is over a bound is counted.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "alert/incident.h"
#include "alert/incident_maker.h"
#include "app/report/replay_report.h"
#include "app/report/usage_totals.h"
#include "core/finding.h"
#include "core/limits.h"

namespace weir::app {

// What a person calls the other side: the product, else host, else address.
[[nodiscard]] std::string other_side(const FlowIdentity& flow);
// What it is counted by: the service's id, else host, else address.
[[nodiscard]] std::string side_key(const FlowIdentity& flow);

// One kind of evidence over all incidents.
struct KindTotal {
  uint64_t incidents = 0;
  uint64_t pieces = 0;
  Severity worst = Severity::kNone;
  std::set<std::string> to;    // by side_key()
  std::set<std::string> what;  // files, repositories, titles of rules
};

class ContentTotals final : public alert::IncidentSink {
 public:
  static constexpr size_t kKinds = 7;
  static constexpr size_t kMaxNames = 4096;
  void on_incident(const alert::Incident& incident, alert::IncidentActivity activity) override;

  std::array<KindTotal, kKinds> kinds;  // indexed by EvidenceKind
  std::set<std::string> to;             // of incidents that are leaks
  std::set<std::string> clients;
  uint64_t leaks = 0;
  Severity worst = Severity::kNone;
  std::map<Action, uint64_t> verdicts;
};

struct ClientUse {
  FlowIdentity flow;  // of the first
  std::set<std::string> hosts;
  uint64_t flows = 0;
  uint64_t requests = 0;
  uint64_t bytes_up = 0;
  std::array<uint64_t, kVisibilities> by_visibility{};
};

struct DataUse {
  std::string tool;
  std::string sample;  // masked
  uint64_t count = 0;
  Timestamp first;
  Timestamp last;
  Action action = Action::kAllow;
  Severity severity = Severity::kNone;
  std::set<std::string> clients;
};

struct UnseenUse {
  uint64_t flows = 0;
  uint64_t bytes_up = 0;
};

class ExplainFacts final : public EvidenceSink {
 public:
  static constexpr size_t kMaxEntries = 10'000;
  ExplainFacts(const Limits& limits, Duration window);

  void on_finding(Finding&& finding) override;
  void on_flow_end(FlowRecord&& record) override;
  void close();

  // Service or host, address and name of the client, tool.
  using ClientKey = std::tuple<std::string, IpAddress, std::string, std::string>;
  // Host, class, field, documented.
  using DataKey = std::tuple<std::string, std::string, std::string, bool>;
  // Of what is not whole: to an AI service, reason, how far, to whom.
  using UnseenKey = std::tuple<bool, VisibilityReason, Visibility, std::string>;

  UsageTotals usage;
  IncidentSummary incidents;  // what policy tells
  IncidentSummary allowed;    // content that policy allows
  ContentTotals totals;
  ContentTotals allowed_totals;
  std::map<ClientKey, ClientUse> clients;
  std::map<DataKey, DataUse> data;
  std::map<UnseenKey, UnseenUse> unseen;
  std::map<std::string, std::string> names;  // of services that findings named, by side_key()
  uint64_t dropped = 0;                      // that found no place in one of these

 private:
  void note_data(const Finding& finding);
  void note_client(const FlowRecord& record);

  alert::IncidentCounters counters_;
  alert::IncidentMaker told_;
  alert::IncidentMaker allowed_;
};

}  // namespace weir::app
