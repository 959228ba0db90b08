// The alert thread: takes what workers found out of their queues, makes incidents of it, and feeds
// the sinks. The only thread that calls them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "alert/incident_maker.h"
#include "alert/jsonl_sink.h"
#include "app/report/recent_incidents.h"
#include "app/report/replay_report.h"
#include "app/report/usage_totals.h"
#include "app/runtime/alert_queue.h"
#include "app/runtime/alert_sinks.h"
#include "app/runtime/contact_watch.h"
#include "core/limits.h"

namespace weir::app {

class AlertDesk {
 public:
  // Attaches `sinks`. More sinks are added before start(); flow records are also written to
  // `flows`, where given. All must outlive stop().
  AlertDesk(const Limits& limits, Duration window, AlertSinks& sinks,
            alert::JsonlFile* flows = nullptr);
  ~AlertDesk();
  AlertDesk(const AlertDesk&) = delete;
  AlertDesk& operator=(const AlertDesk&) = delete;

  [[nodiscard]] alert::IncidentMaker& incidents() noexcept { return incidents_; }
  // Looks for contacts of tools; before start(). What it knows is written to `file` each minute and
  // by stop(), where that is named. Not owned.
  void watch_contacts(inspect::ToolContacts& contacts, std::string file);
  // Any thread.
  void set_snapshot(std::shared_ptr<const inspect::Snapshot> snapshot);
  // One for each worker, before start(). Owned by the desk.
  AlertQueue& add_queue();
  void start();
  // After the workers have ended: takes out what is left, closes all incidents, ends the thread.
  void stop();

  // Any thread; copies.
  [[nodiscard]] UsageTotals usage() const;
  [[nodiscard]] IncidentSummary summary() const;
  [[nodiscard]] RecentIncidents recent() const;
  [[nodiscard]] inspect::CounterList counters() const;
  // What waits in the queue that was added as number `queue`, from 0 on.
  [[nodiscard]] size_t waiting(size_t queue) const noexcept { return queues_[queue]->waiting(); }
  // Grows with each round of the thread: stands still when a sink hangs.
  [[nodiscard]] uint64_t rounds() const noexcept { return rounds_.load(std::memory_order_relaxed); }

 private:
  void run();
  bool take_all();
  void commit();
  void save_contacts();
  void tell_contacts();

  mutable std::mutex mutex_;  // held while findings and records are worked on
  alert::IncidentCounters incident_counters_;
  alert::IncidentMaker incidents_;
  IncidentSummary summary_;
  RecentIncidents recent_;
  UsageTotals usage_;
  AlertSinks& sinks_;
  alert::JsonlFile* flows_;
  inspect::ToolContacts* contacts_ = nullptr;
  std::string contacts_file_;
  bool contacts_well_ = true;
  std::vector<Finding> of_contacts_;
  std::vector<std::unique_ptr<AlertQueue>> queues_;
  bool well_ = true;                    // the last commit
  std::chrono::milliseconds again_{0};  // while it is not: until the next
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> rounds_{0};
  std::thread thread_;
};

}  // namespace weir::app
