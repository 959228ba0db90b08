// The incident store: incidents, what was told of them, and who used which AI service, in one
// SQLite file. What is told is stored first and handed to each sink from there; every sink has a
// cursor of its own, so one that was away gets everything in order when it is back, at least once.
//
// Incidents and usage are gathered in memory and written in one transaction by commit(), which the
// owner calls at least each second. While the database cannot be written (disk full, damaged),
// what is new goes to the sinks all the same and waits in memory, bounded, to be stored later:
// the sensor goes on, and the counters and trouble() say so. What was stored is never given up for
// that.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "alert/database.h"
#include "alert/incident.h"
#include "alert/usage.h"
#include "core/counters.h"
#include "core/result.h"

namespace weir::alert {

struct StoreCounters {
  Counter stored;
  Counter told_unstored;
  Counter waiting_dropped;
  Counter commits;
  Counter commits_failed;
  Counter usage_updates;
  Counter usage_rows;
  Counter usage_dropped;
  Counter delivered;
  Counter deliveries_failed;
  Counter pruned;
  Counter pruned_undelivered;
};
inline constexpr CounterTable<StoreCounters, 12> kStoreCounters = {{
    {"stored", &StoreCounters::stored, "activities of incidents stored"},
    {"told_unstored", &StoreCounters::told_unstored,
     "activities told to the sinks while the database could not be written"},
    {"waiting_dropped", &StoreCounters::waiting_dropped,
     "activities told but never stored: too many waited for the database"},
    {"commits", &StoreCounters::commits, "transactions written"},
    {"commits_failed", &StoreCounters::commits_failed, "transactions that could not be written"},
    {"usage_updates", &StoreCounters::usage_updates, "flows counted into usage"},
    {"usage_rows", &StoreCounters::usage_rows, "rows of usage written"},
    {"usage_dropped", &StoreCounters::usage_dropped,
     "flows not counted into usage: too many distinct rows waited for the database"},
    {"delivered", &StoreCounters::delivered, "activities that a sink took, each sink counted"},
    {"deliveries_failed", &StoreCounters::deliveries_failed,
     "times that a sink did not take an activity; it is tried again"},
    {"pruned", &StoreCounters::pruned, "stored activities and incidents removed for the budget"},
    {"pruned_undelivered", &StoreCounters::pruned_undelivered,
     "of those, activities that a sink had not taken"},
}};
static_assert(describes_all(kStoreCounters));

// Someone who is told. Called on the store's thread.
class DeliverySink {
 public:
  virtual ~DeliverySink() = default;
  // Its cursor's name: the same after a restart. Unique among the sinks of a store.
  [[nodiscard]] virtual std::string name() const = 0;
  // False: not taken; the same one is offered again later, and none after it before.
  virtual bool deliver(IncidentActivity activity, Severity severity, const std::string& json) = 0;
};

struct StoreOptions {
  // Bytes of the database above which what is oldest goes, delivered first. 0: no bound.
  uint64_t budget = 1ULL << 30;
  // Bounds of what waits in memory while the database cannot be written.
  size_t waiting_activities = 10'000;
  uint64_t waiting_bytes = 64ULL << 20;  // of their JSON
  size_t waiting_usage_rows = 200'000;
};

class Store final : public IncidentSink {
 public:
  // Makes the file and its tables, or opens them. A file that is damaged (`damaged` is set then) or
  // not of this version is an error: the caller decides whether to set it aside.
  static Result<std::unique_ptr<Store>> open(const std::string& path,
                                             const StoreOptions& options = {},
                                             bool* damaged = nullptr);
  // Renames a damaged database, its log with it, to PATH.damaged-N; the new name.
  static Result<std::string> set_aside(const std::string& path);
  ~Store() override;

  // Not owned; before the first commit. A sink that is new to the database starts with what is new.
  Status add_sink(DeliverySink& sink);

  void on_incident(const Incident& incident, IncidentActivity activity) override;
  void add_usage(const UsageKey& key, const UsageCounts& counts);

  // True when so much waits that the next commit() should not be put off.
  [[nodiscard]] bool due() const noexcept {
    return waiting_.size() >= 256 || usage_.size() >= 8'192;
  }
  // Writes what is waiting, then offers each sink what it has not taken yet.
  Status commit();
  // Why the last commit could not write; empty when it could.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  // Activities that the slowest sink has still to take.
  [[nodiscard]] uint64_t undelivered() const noexcept;
  [[nodiscard]] const StoreCounters& counters() const noexcept { return counters_; }

 private:
  struct Waiting {
    std::string id;
    IncidentActivity activity;
    Severity severity;
    int64_t first_seen_us;
    int64_t last_seen_us;
    UsageKey usage;  // of its lines
    uint64_t code_lines;
    std::string json;
    bool told = false;
  };
  struct Cursor {
    DeliverySink* sink;
    int64_t taken;  // sequence number of the last one
  };
  struct Statements;
  using UsageRows = std::unordered_map<UsageKey, UsageCounts, UsageKeyHash>;

  Store(std::unique_ptr<Database> database, const StoreOptions& options);
  Status prepare();
  Status write();
  bool write_activity(const Waiting& waiting, UsageRows& lines_found);
  bool write_usage(const UsageRows& rows);
  void tell_unstored();
  void deliver();
  bool deliver_to(Cursor& cursor);
  Status prune();

  std::unique_ptr<Database> database_;
  std::unique_ptr<Statements> statements_;
  StoreOptions options_;
  StoreCounters counters_;
  std::vector<Cursor> cursors_;
  std::deque<Waiting> waiting_;
  uint64_t waiting_bytes_ = 0;  // of their JSON
  UsageRows usage_;
  bool damaged_ = false;
  int64_t last_sequence_ = 0;
  uint64_t commits_until_prune_ = 0;
  std::string trouble_;
};

}  // namespace weir::alert
