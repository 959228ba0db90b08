// What is known of tools' contacts with hosts beyond one client and one day: hosts that were
// learnt, contacts that were told, and hosts that others than the tool go to as well. Of bounded
// size; kept in a text file so that a restart neither learns anew nor tells again. Of the hosts
// that others go to, the file holds hashes only: it is no record of who visited what.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/counters.h"
#include "core/ip.h"
#include "core/result.h"
#include "core/time.h"

namespace weir::inspect {

struct ContactCounters {
  Counter sessions;
  Counter by_agent;
  Counter by_fingerprint;
  Counter told;
  Counter told_before;
  Counter learnt;
  Counter known;
  Counter allowed;
  Counter common;
  Counter wide;
  Counter telemetry;
  Counter flows_dropped;
  Counter clients_dropped;
  Counter hosts_dropped;
};
inline constexpr CounterTable<ContactCounters, 14> kContactCounters = {{
    {"sessions", &ContactCounters::sessions, "flows by which a tool was recognised"},
    {"by_agent", &ContactCounters::by_agent,
     "flows of a tool, by its user agent, to hosts that its vendor does not document"},
    {"by_fingerprint", &ContactCounters::by_fingerprint,
     "the same by a TLS fingerprint that a session near in time had"},
    {"told", &ContactCounters::told, "findings about undocumented hosts"},
    {"told_before", &ContactCounters::told_before,
     "contacts of a version with a host that was told more than a day before"},
    {"learnt", &ContactCounters::learnt, "hosts of tools that were learnt in the learning period"},
    {"known", &ContactCounters::known, "contacts with hosts that were learnt"},
    {"allowed", &ContactCounters::allowed, "contacts with hosts of contacts.allow"},
    {"common", &ContactCounters::common,
     "contacts by fingerprint with hosts that others go to as well: not told"},
    {"wide", &ContactCounters::wide,
     "contacts by a fingerprint that goes to many hosts near a session: not told"},
    {"telemetry", &ContactCounters::telemetry, "flows of tools to telemetry hosts"},
    {"flows_dropped", &ContactCounters::flows_dropped,
     "flows that were forgotten before anything could tie them to a tool: contact_flows"},
    {"clients_dropped", &ContactCounters::clients_dropped,
     "clients that were forgotten: contact_clients"},
    {"hosts_dropped", &ContactCounters::hosts_dropped,
     "hosts that were forgotten, or had no room: contact_hosts"},
}};
static_assert(describes_all(kContactCounters));

struct ContactKey {
  std::string tool;
  std::string version;  // empty: not known
  std::string host;
  friend auto operator<=>(const ContactKey&, const ContactKey&) = default;
};

struct ContactSum {
  Timestamp first;
  Timestamp last;
  uint64_t flows = 0;
  uint64_t bytes_up = 0;
  uint64_t bytes_down = 0;
  uint64_t clients = 0;  // a bit for each of about so many
};

class ContactMemory {
 public:
  ContactMemory(size_t hosts, ContactCounters& counters) : room_(hosts), counters_(counters) {}

  // When learning began: with the first contact ever.
  [[nodiscard]] bool learning(Timestamp now, Duration period) noexcept;
  // Without room: not learnt, and counted.
  void learn(const std::string& tool, const std::string& host);
  [[nodiscard]] bool learnt(const std::string& tool, const std::string& host) const;

  // Adds to what is told of the contact; what was contacted longest ago makes room.
  const ContactSum& add(const ContactKey& key, const ContactSum& more);

  // `host` was met with this fingerprint. That it is not the only one makes the host common.
  void meet(std::string_view host, std::string_view ja4);
  void mark_common(std::string_view host);
  [[nodiscard]] bool common(std::string_view host) const;

  // Something changed since the last load or save.
  [[nodiscard]] bool changed() const noexcept { return changed_; }
  // Absent: nothing is known yet. What cannot be read is an error with its line, and changes
  // nothing.
  Status load(const std::string& path);
  // Writes another file and puts it in the place of the old one. 0600.
  Status save(const std::string& path);

 private:
  struct Met {
    uint64_t ja4 = 0;
    bool common = false;
  };
  [[nodiscard]] static uint64_t hash_of(std::string_view text) noexcept;
  Met& met(std::string_view host);
  Status read_line(std::string_view line);

  size_t room_;
  ContactCounters& counters_;
  Timestamp began_;
  std::set<std::pair<std::string, std::string>> learnt_;  // tool, host
  std::map<ContactKey, ContactSum> told_;
  std::set<std::pair<int64_t, ContactKey>> told_by_time_;
  // Two generations: what was not met again while the younger one filled up is forgotten.
  std::unordered_map<uint64_t, Met> hosts_;
  std::unordered_map<uint64_t, Met> older_hosts_;
  bool changed_ = false;
};

}  // namespace weir::inspect
