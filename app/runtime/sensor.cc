// See sensor.h.
#include "app/runtime/sensor.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "app/runtime/wall_clock.h"
#include "inspect/identify/ndpi_classifier.h"

namespace weir::app {
namespace {

constexpr size_t kBatch = 512;   // packets of one source before another has its turn
constexpr int kPollMillis = 50;  // what idle flows, keys and jobs wait at most
constexpr Duration kTick = Duration::millis(100);

// One call of on_each_worker, shared with workers that may come late.
struct Job {
  std::function<void(Sensor::WorkerView&)> run;
  std::mutex mutex;
  std::condition_variable done;
  size_t finished = 0;
};

}  // namespace

struct Sensor::Worker final : capture::LiveHandler {
  Worker(size_t n, Sources s, AlertQueue& q, int c,
         const std::shared_ptr<const inspect::Snapshot>& snapshot, const inspect::KeyAccess& keys)
      : number(n), sources(std::move(s)), queue(q), cpu(c), decoder(snapshot->limits) {
    auto made = inspect::NdpiEngine::create(snapshot->limits);
    if (made) ndpi = std::move(*made);
    engine =
        std::make_unique<inspect::Engine>(snapshot, queue, HashKey::random(), ndpi.get(), keys);
    const auto any = [this](bool (capture::LiveSource::*what)() const noexcept) {
      return std::any_of(sources.begin(), sources.end(),
                         [what](const auto& source) { return (source.get()->*what)(); });
    };
    engine->set_enforcement(any(&capture::LiveSource::in_path) ? inspect::Enforcement::kInPath
                            : any(&capture::LiveSource::sends_resets)
                                ? inspect::Enforcement::kResets
                                : inspect::Enforcement::kNothing);
    engine->set_fail_closed(any(&capture::LiveSource::fails_closed));
    wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }
  ~Worker() override {
    if (wake >= 0) close(wake);
  }

  capture::LiveVerdict on_packet(const RawPacket& raw) noexcept override {
    if (decoder.decode(raw, packet) != capture::DecodeOutcome::kDecoded) return {};
    const Action action = engine->on_packet(packet);
    return {action, engine->may_pass_by(), &packet};
  }

  void run(const std::atomic<bool>& stop) {
    settle();
    std::vector<pollfd> waits;
    Timestamp ticked;
    while (true) {
      const bool stopping = stop.load(std::memory_order_relaxed);
      const size_t got = read_all();
      const Timestamp now = wall_clock();
      if (now.ns - ticked.ns >= kTick.ns || now < ticked) {
        ticked = now;
        tick(now);
      }
      if (has_jobs.load(std::memory_order_acquire)) run_jobs();
      turns.fetch_add(1, std::memory_order_relaxed);
      // What has arrived by the stop is read, but no more than that.
      if (stopping) break;
      if (got == 0) wait(waits);
    }
    const Timestamp now = wall_clock();
    // First of all: the kernel holds packets for as long as their source is there.
    for (const auto& source : sources) {
      source->refresh(now);
      source->end();
    }
    engine->on_time(now);
    engine->finish();
    while (!queue.flush()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    run_jobs();
  }

  void settle() const {
    pthread_setname_np(pthread_self(), ("weir-" + std::to_string(number)).c_str());
    if (cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(cpu), &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }

  size_t read_all() noexcept {
    size_t got = 0;
    for (const auto& source : sources) got += source->read(*this, kBatch);
    return got;
  }

  void tick(Timestamp now) noexcept {
    for (const auto& source : sources) source->refresh(now);
    engine->on_time(now);
    (void)queue.flush();
  }

  void wait(std::vector<pollfd>& waits) noexcept {
    waits.clear();
    waits.push_back({wake, POLLIN, 0});
    for (const auto& source : sources) {
      if (source->poll_fd() >= 0) waits.push_back({source->poll_fd(), POLLIN, 0});
    }
    if (poll(waits.data(), waits.size(), kPollMillis) <= 0) return;
    uint64_t woken = 0;
    if (waits.front().revents != 0) (void)!read(wake, &woken, sizeof woken);
    // A source in trouble is always ready: do not spin on it.
    for (const pollfd& one : waits) {
      if ((one.revents & POLLERR) != 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return;
      }
    }
  }

  void run_jobs() {
    std::deque<std::shared_ptr<Job>> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(jobs);
      has_jobs.store(false, std::memory_order_relaxed);
    }
    for (const auto& job : taken) do_job(*job);
  }
  void do_job(Job& job) {
    WorkerView view{number, *engine, decoder, sources, queue};
    job.run(view);
    const std::lock_guard lock(job.mutex);
    ++job.finished;
    job.done.notify_all();
  }
  void give(const std::shared_ptr<Job>& job) {
    {
      const std::lock_guard lock(mutex);
      jobs.push_back(job);
      has_jobs.store(true, std::memory_order_release);
    }
    const uint64_t one = 1;
    (void)!write(wake, &one, sizeof one);
  }

  const size_t number;
  Sources sources;
  AlertQueue& queue;
  const int cpu;
  capture::PacketDecoder decoder;
  DecodedPacket packet;
  std::unique_ptr<inspect::NdpiEngine> ndpi;  // may be null: unknown protocols stay so
  std::unique_ptr<inspect::Engine> engine;
  std::atomic<uint64_t> turns{0};
  int wake = -1;
  std::mutex mutex;
  std::deque<std::shared_ptr<Job>> jobs;  // under mutex
  std::atomic<bool> has_jobs{false};
  std::thread thread;
};

Sensor::Sensor(std::shared_ptr<const inspect::Snapshot> snapshot, const inspect::KeyAccess& keys)
    : snapshot_(std::move(snapshot)), keys_(keys) {}

Sensor::~Sensor() { stop(); }

void Sensor::add_worker(Sources sources, AlertQueue& queue, int cpu) {
  workers_.push_back(
      std::make_unique<Worker>(workers_.size(), std::move(sources), queue, cpu, snapshot_, keys_));
}

void Sensor::start() {
  const Timestamp now = wall_clock();
  started_ = true;
  for (const auto& worker : workers_) {
    for (const auto& source : worker->sources) source->begin(now);
    Worker* raw = worker.get();
    worker->thread = std::thread([this, raw] { raw->run(stop_); });
  }
}

void Sensor::stop() {
  stop_.store(true);
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  started_ = false;
}

size_t Sensor::on_each_worker(const std::function<void(WorkerView&)>& run, Duration timeout) {
  const auto job = std::make_shared<Job>();
  job->run = run;
  if (!started_) {
    for (const auto& worker : workers_) worker->do_job(*job);
    return workers_.size();
  }
  for (const auto& worker : workers_) worker->give(job);
  std::unique_lock lock(job->mutex);
  job->done.wait_for(lock, std::chrono::nanoseconds(timeout.ns),
                     [&] { return job->finished == workers_.size(); });
  return job->finished;
}

uint64_t Sensor::turns(size_t worker) const noexcept {
  return workers_[worker]->turns.load(std::memory_order_relaxed);
}

size_t Sensor::workers() const noexcept { return workers_.size(); }

bool Sensor::in_path() const noexcept {
  for (const auto& worker : workers_) {
    for (const auto& source : worker->sources) {
      if (source->in_path()) return true;
    }
  }
  return false;
}

std::vector<inspect::CounterList> Sensor::worker_counters() {
  // Shared with workers that answer too late.
  struct Lists {
    std::mutex mutex;
    std::vector<inspect::CounterList> each;
  };
  const auto lists = std::make_shared<Lists>();
  lists->each.resize(workers_.size());
  on_each_worker([lists](WorkerView& view) {
    inspect::CounterList list = view.engine.all_counters();
    list.emplace_back("flow.active", view.engine.active_flows());
    list.emplace_back("flow.on_older_snapshots", view.engine.flows_on_older_snapshots());
    for (const auto& row : capture::kDecodeCounterTable) {
      list.emplace_back("decode." + std::string(row.name),
                        (view.decoder.counters().*row.member).get());
    }
    capture::LiveCounters live;
    for (const auto& source : view.sources) {
      add_counters(live, source->counters(), capture::kLiveCounterTable);
    }
    for (const auto& row : capture::kLiveCounterTable) {
      list.emplace_back("live." + std::string(row.name), (live.*row.member).get());
    }
    const std::lock_guard lock(lists->mutex);
    lists->each[view.number] = std::move(list);
  });
  const std::lock_guard lock(lists->mutex);
  return lists->each;
}

inspect::CounterList Sensor::counters() { return sum_of(worker_counters()); }

inspect::CounterList sum_of(const std::vector<inspect::CounterList>& parts) {
  inspect::CounterList sum;
  for (const inspect::CounterList& part : parts) {
    if (sum.empty()) {
      sum = part;
      continue;
    }
    for (size_t i = 0; i < part.size() && i < sum.size(); ++i) sum[i].second += part[i].second;
  }
  return sum;
}

}  // namespace weir::app
