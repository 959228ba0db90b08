// Which hosts a recognised tool contacts that its vendor does not document, out of the records of
// flows that ended; and how much it sends to telemetry hosts on a day. A flow is the tool's when
// its user agent says so; or, where it stays encrypted, when it has the TLS fingerprint that a
// session of the tool by the same client had near in time, and nothing speaks against it: a
// fingerprint of browsers, or one that goes to many hosts at that time; a host that clients without
// the tool, or other fingerprints, go to as well. So a connection waits here until it can be
// judged.
//
// Times are those of packets. One thread at a time.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/finding.h"
#include "core/limits.h"
#include "inspect/contacts/contact_memory.h"
#include "inspect/engine/snapshot.h"

namespace weir::inspect {

class ToolContacts {
 public:
  // `learn`: how long, instead of what the configuration says.
  ToolContacts(std::shared_ptr<const Snapshot> snapshot, std::optional<Duration> learn = {});
  void set_snapshot(std::shared_ptr<const Snapshot> snapshot);

  // A flow ended. A shared host that is telemetry of a tool becomes a service of its record. What
  // there is to tell is added to `out`.
  void observe(FlowRecord& record, std::vector<Finding>& out);
  // No record came for a while: judges what has waited long enough by `now`.
  void advance(Timestamp now, std::vector<Finding>& out);
  // Judges all that waits.
  void finish(std::vector<Finding>& out);

  [[nodiscard]] ContactMemory& memory() noexcept { return memory_; }
  [[nodiscard]] const ContactCounters& counters() const noexcept { return counters_; }

 private:
  struct Session {
    std::string tool;
    std::string version;
    std::string ja4;
    Timestamp first;
    Timestamp last;
  };
  struct Waiting {
    FlowIdentity flow;
    Timestamp first;
    Timestamp last;
    uint64_t bytes_up = 0;
    uint64_t bytes_down = 0;
  };
  struct Client {
    std::vector<Session> sessions;
    std::vector<Waiting> waiting;
    // Fingerprints that went to many hosts, until when.
    std::vector<std::pair<std::string, Timestamp>> wide;
    std::list<IpAddress>::iterator age;
  };
  struct DayKey {
    IpAddress client;
    std::string tool;
    std::string host;
    friend auto operator<=>(const DayKey&, const DayKey&) = default;
  };
  struct Day {
    int64_t day = 0;
    uint64_t bytes = 0;
  };

  // By what a flow is of a tool's, if it is; empty: it is not.
  struct Recognised {
    std::string tool;
    bool by_agent = false;
  };
  [[nodiscard]] Recognised recognise(const FlowRecord& record) const;
  Client& client_of(const IpAddress& ip);
  void add_session(Client& client, const Recognised& tool, const FlowRecord& record);
  void wait(Client& client, const FlowRecord& record);
  void judge(Client& client, bool all, std::vector<Finding>& out);
  [[nodiscard]] bool wide(const Client& client, const std::string& ja4,
                          Timestamp at) const noexcept;
  [[nodiscard]] const Session* near(const Client& client, const Waiting& flow) const noexcept;
  [[nodiscard]] bool allowed(const FlowIdentity& flow) const noexcept;
  [[nodiscard]] bool is_telemetry_of(const std::string& tool, FlowIdentity& flow) const;
  void contact(const Session& tool, Waiting&& flow, bool by_agent, std::vector<Finding>& out);
  void telemetry(const std::string& tool, const FlowIdentity& flow, Timestamp last, uint64_t bytes,
                 std::vector<Finding>& out);
  void tell(Finding&& finding, const PolicyFacts& facts, std::vector<Finding>& out) const;

  std::shared_ptr<const Snapshot> snapshot_;
  Policy policy_{{}};  // the rules that speak of evidence: those of flows had their say
  std::optional<Duration> learn_;
  size_t max_clients_;
  size_t max_flows_;
  ContactCounters counters_;
  ContactMemory memory_;
  Timestamp now_;                                    // the latest that was seen
  Timestamp swept_;                                  // when all clients were looked at last
  std::unordered_map<std::string, Client> clients_;  // by the bytes of their address
  std::list<IpAddress> ages_;                        // the one heard of last in front
  size_t waiting_ = 0;                               // in all clients
  std::map<DayKey, Day> days_;
};

}  // namespace weir::inspect
