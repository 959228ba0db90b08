// See alert_desk.h.
#include "app/runtime/alert_desk.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "alert/native_json.h"
#include "app/runtime/wall_clock.h"
#include "app/terminal.h"

namespace weir::app {
namespace {

// What an alert waits at most while nothing else happens.
constexpr std::chrono::milliseconds kNap{10};
constexpr std::chrono::milliseconds kCommitEach{500};
// While it fails, each time twice as long: a disk in trouble is not helped by a rewrite of all.
constexpr std::chrono::milliseconds kCommitAtLast{30'000};
constexpr std::chrono::seconds kSaveEach{60};
constexpr size_t kRound = 256;  // of each queue, so that none waits for another

}  // namespace

AlertDesk::AlertDesk(const Limits& limits, Duration window, AlertSinks& sinks,
                     alert::JsonlFile* flows)
    : incidents_(limits, window, incident_counters_), sinks_(sinks), flows_(flows) {
  incidents_.add_sink(summary_);
  sinks_.attach(incidents_);
  incidents_.add_sink(recent_);
}

AlertDesk::~AlertDesk() { stop(); }

AlertQueue& AlertDesk::add_queue() {
  queues_.push_back(std::make_unique<AlertQueue>());
  return *queues_.back();
}

void AlertDesk::start() {
  thread_ = std::thread([this] { run(); });
}

void AlertDesk::stop() {
  if (!thread_.joinable()) return;
  stop_.store(true);
  thread_.join();
}

bool AlertDesk::take_all() {
  bool any = false;
  Finding finding;
  FlowRecord record;
  const std::lock_guard lock(mutex_);
  for (const auto& queue : queues_) {
    for (size_t i = 0; i < kRound && queue->pop(finding); ++i) {
      any = true;
      incidents_.on_finding(std::move(finding));
    }
    for (size_t i = 0; i < kRound && queue->pop(record); ++i) {
      any = true;
      if (contacts_ != nullptr) contacts_->observe(record, of_contacts_);
      usage_.add(record);
      sinks_.on_flow_end(record);
      if (flows_ != nullptr) flows_->write_line(alert::flow_json(record));
      tell_contacts();
    }
  }
  return any;
}

// Without the lock: nobody else uses the sinks, and a disk may be slow. A trouble is told when it
// begins and when it is over; until then it is tried again, less and less often.
void AlertDesk::commit() {
  const bool was_well = well_;
  const Status committed = sinks_.commit();
  well_ = static_cast<bool>(committed);
  again_ = well_ ? kCommitEach : std::min(std::max(again_, kCommitEach) * 2, kCommitAtLast);
  if (was_well && !well_) complain(committed.error().to_string() + "; alerts go on without it");
  if (!was_well && well_) complain("incidents are stored again");
}

void AlertDesk::watch_contacts(inspect::ToolContacts& contacts, std::string file) {
  contacts_ = &contacts;
  contacts_file_ = std::move(file);
}

void AlertDesk::set_snapshot(std::shared_ptr<const inspect::Snapshot> snapshot) {
  const std::lock_guard lock(mutex_);
  if (contacts_ != nullptr) contacts_->set_snapshot(std::move(snapshot));
}

void AlertDesk::tell_contacts() {
  for (Finding& finding : of_contacts_) incidents_.on_finding(std::move(finding));
  of_contacts_.clear();
}

// As commit(): tried again, and told once.
void AlertDesk::save_contacts() {
  if (contacts_ == nullptr || contacts_file_.empty() || !contacts_->memory().changed()) return;
  const Status saved = contacts_->memory().save(contacts_file_);
  if (contacts_well_ && !saved) complain(saved.error().to_string() + "; alerts go on without it");
  contacts_well_ = static_cast<bool>(saved);
}

void AlertDesk::run() {
  pthread_setname_np(pthread_self(), "weir-alerts");
  auto committed = std::chrono::steady_clock::now();
  auto saved = committed;
  while (true) {
    const bool stopping = stop_.load();
    const bool any = take_all();
    const auto now = std::chrono::steady_clock::now();
    if (now - committed >= std::max(again_, kCommitEach) || (well_ && sinks_.due())) {
      commit();
      committed = now;
    }
    if (now - saved >= kSaveEach) {
      save_contacts();
      saved = now;
    }
    rounds_.fetch_add(1, std::memory_order_relaxed);
    if (any) continue;
    if (stopping) break;
    {
      const std::lock_guard lock(mutex_);
      incidents_.expire(wall_clock());
      if (contacts_ != nullptr) contacts_->advance(wall_clock(), of_contacts_);
      tell_contacts();
    }
    std::this_thread::sleep_for(kNap);
  }
  const std::lock_guard lock(mutex_);
  if (contacts_ != nullptr) contacts_->finish(of_contacts_);
  tell_contacts();
  save_contacts();
  incidents_.close_all();
}

UsageTotals AlertDesk::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

IncidentSummary AlertDesk::summary() const {
  const std::lock_guard lock(mutex_);
  return summary_;
}

RecentIncidents AlertDesk::recent() const {
  const std::lock_guard lock(mutex_);
  return recent_;
}

inspect::CounterList AlertDesk::counters() const {
  inspect::CounterList out;
  for (const auto& row : alert::kIncidentCounters) {
    out.emplace_back("incident." + std::string(row.name), (incident_counters_.*row.member).get());
  }
  if (contacts_ != nullptr) {
    for (auto& counter : contact_counters(*contacts_)) out.push_back(std::move(counter));
  }
  AlertQueueCounters queued;
  if (const alert::Store* store = sinks_.store(); store != nullptr) {
    for (const auto& row : alert::kStoreCounters) {
      out.emplace_back("store." + std::string(row.name), (store->counters().*row.member).get());
    }
  }
  for (const auto& queue : queues_) add_counters(queued, queue->counters(), kAlertQueueCounters);
  for (const auto& row : kAlertQueueCounters) {
    out.emplace_back("alert_queue." + std::string(row.name), (queued.*row.member).get());
  }
  return out;
}

}  // namespace weir::app
