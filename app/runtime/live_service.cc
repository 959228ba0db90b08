// See live_service.h.
#include "app/runtime/live_service.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "alert/zmq_control.h"
#include "app/report/live_stats.h"
#include "app/runtime/load_snapshot.h"
#include "app/runtime/reload_effect.h"
#include "app/runtime/wall_clock.h"

namespace weir::app {
namespace {

constexpr Duration kTurn = Duration::millis(100);

// Between looks for configurations that nobody holds any more.
constexpr std::chrono::milliseconds kFreeEach{500};

}  // namespace

struct LiveService::Control {
  std::unique_ptr<alert::ZmqResponder> responder;
};

LiveService::LiveService(config::Settings settings, LoadSettings load, Sensor& sensor,
                         AlertDesk& desk, AlertQueue& queue, KeyWatch* keys, Say say)
    : first_(std::move(settings)),
      load_(std::move(load)),
      sensor_(sensor),
      desk_(desk),
      keys_(keys),
      say_(std::move(say)),
      began_(wall_clock()),
      health_(first_.health, queue),
      generations_(std::make_shared<Generations>(sensor.workers())) {
  for (auto& generation : *generations_) generation.store(reload_.generation);
  if (auto first = sensor_.take_snapshot()) snapshots_.push_back(std::move(first));
}

LiveService::~LiveService() { stop(); }

Status LiveService::start() {
  if (!first_.control.socket.empty()) {
    auto opened = alert::ZmqResponder::open(first_.control.socket);
    if (opened) {
      control_ = std::make_unique<Control>();
      control_->responder = std::move(*opened);
    } else if (first_.control.given) {
      return opened.error();
    } else {
      say_(opened.error().to_string() + "; going on without `weir stats` and `weir reload`");
    }
  }
  reloader_ = std::thread([this] { reload_loop(); });
  if (control_) answerer_ = std::thread([this] { answer_loop(); });
  return ok_status();
}

void LiveService::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  if (answerer_.joinable()) answerer_.join();
  if (reloader_.joinable()) reloader_.join();
  control_.reset();
}

uint64_t LiveService::request_reload() {
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++reload_.wanted;
  }
  wake_.notify_all();
  return number;
}

LiveService::Reload LiveService::reload_state() const {
  const std::lock_guard lock(mutex_);
  return reload_;
}

bool LiveService::reloading() const {
  const std::lock_guard lock(mutex_);
  return reload_.done < reload_.wanted;
}

void LiveService::reload_loop() {
  pthread_setname_np(pthread_self(), "weir-reload");
  std::unique_lock lock(mutex_);
  while (true) {
    const bool woken = wake_.wait_for(
        lock, kFreeEach, [this] { return stop_.load() || reload_.done < reload_.wanted; });
    if (stop_.load()) return;
    if (!woken) {
      lock.unlock();
      free_unused();
      lock.lock();
      continue;
    }
    // All that were asked for by now are answered by this one.
    const uint64_t answers = reload_.wanted;
    lock.unlock();
    reload();
    lock.lock();
    reload_.done = answers;
  }
}

void LiveService::reload() {
  const auto began = std::chrono::steady_clock::now();
  const uint64_t next = reload_state().generation + 1;
  std::string problem;
  std::string notes;
  uint64_t late = 0;
  auto settings = load_();
  if (settings) {
    auto snapshot = load_snapshot(*settings, next);
    if (snapshot) {
      for (const std::string& what : needs_restart(first_, *settings)) {
        notes += (notes.empty() ? "; only a restart changes " : ", ") + what;
      }
      std::shared_ptr<const inspect::Snapshot> shared = std::move(*snapshot);
      {
        const std::lock_guard lock(mutex_);
        snapshots_.push_back(shared);
      }
      sensor_.on_each_worker([shared, next, generations = generations_](Sensor::WorkerView& view) {
        view.engine.set_snapshot(shared);
        (*generations)[view.number].store(next);
      });
      desk_.set_snapshot(shared);
      shared.reset();
      for (size_t i = 0; i < generations_->size(); ++i) {
        const uint64_t has = (*generations_)[i].load();
        if (has == next) continue;
        ++late;
        notes += "; worker " + std::to_string(i) + " does not answer and stays on generation " +
                 std::to_string(has) + " until it does";
      }
    } else {
      problem = snapshot.error().to_string();
    }
  } else {
    problem = settings.error().to_string();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::string message;
  {
    const std::lock_guard lock(mutex_);
    reload_.good = problem.empty();
    reload_.seconds = took.count();
    reload_.late_workers += late;
    if (reload_.good) {
      reload_.generation = next;
      reload_.message = "generation " + std::to_string(next) + " is in force" + notes;
    } else {
      reload_.message =
          problem + "\ngeneration " + std::to_string(reload_.generation) + " stays in force";
    }
    message = reload_.message;
  }
  say_((problem.empty() ? "reloaded: " : "not reloaded: ") + message);
}

// Nobody takes a new hold of one that only this list holds, so the count cannot grow again.
void LiveService::free_unused() {
  std::vector<std::shared_ptr<const inspect::Snapshot>> unused;
  const std::lock_guard lock(mutex_);
  for (auto& snapshot : snapshots_) {
    if (snapshot.use_count() == 1) unused.push_back(std::move(snapshot));
  }
  std::erase(snapshots_, nullptr);
}

size_t LiveService::snapshots_alive() const {
  const std::lock_guard lock(mutex_);
  return snapshots_.size();
}

std::vector<uint64_t> LiveService::worker_generations() const {
  std::vector<uint64_t> out;
  for (const auto& generation : *generations_) out.push_back(generation.load());
  return out;
}

void LiveService::turn() {
  const Timestamp now = wall_clock();
  if (!health_.due(now)) return;
  inspect::CounterList counters = sensor_.counters();
  for (auto& counter : desk_.counters()) counters.push_back(std::move(counter));
  health_.look(health_sums(counters), now, reload_state().generation);
}

void LiveService::answer_loop() {
  pthread_setname_np(pthread_self(), "weir-control");
  while (!stop_.load()) {
    const auto question = control_->responder->receive(kTurn);
    if (question) control_->responder->answer(answer(*question));
  }
}

std::string LiveService::answer(std::string_view question) {
  const LiveQuestion asked = parse_question(question);
  switch (asked.what) {
    case LiveQuestion::What::kReload:
      return reload_answer(request_reload());
    case LiveQuestion::What::kReloadState: {
      const Reload state = reload_state();
      return reload_state_answer(state.done >= asked.number, state.good, state.message,
                                 state.generation, state.seconds);
    }
    case LiveQuestion::What::kFlows:
      return flows_answer(sensor_, asked.number);
    case LiveQuestion::What::kKeys:
      return counters_answer("keys", keys_ != nullptr ? keys_->counters() : inspect::CounterList{});
    case LiveQuestion::What::kStats: {
      const Reload state = reload_state();
      LiveFacts facts;
      facts.began = began_;
      facts.now = wall_clock();
      facts.generation = state.generation;
      facts.reloads = state.done;
      facts.last_reload_good = state.good;
      facts.last_reload = state.message;
      facts.capture = &first_.capture;
      facts.snapshots = snapshots_alive();
      facts.late_workers = state.late_workers;
      facts.worker_generations = worker_generations();
      if (keys_ != nullptr) facts.keys = keys_->counters();
      return stats_answer(sensor_, desk_, facts);
    }
    case LiveQuestion::What::kUnknown:
      break;
  }
  return error_answer("unknown question; expected {\"do\": \"stats\"}, flows, keys, reload");
}

}  // namespace weir::app
