// The live sensor: one thread a worker, each with sources, decoder and engine of its own, run to
// completion. What happens to a worker besides packets (statistics, another snapshot) happens in
// its own thread between two batches, so that nothing on the way of a packet is locked.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "app/runtime/alert_queue.h"
#include "capture/live_source.h"
#include "capture/packet_decoder.h"
#include "core/finding.h"
#include "inspect/engine/engine.h"
#include "inspect/engine/snapshot.h"

namespace weir::app {

class Sensor {
 public:
  using Sources = std::vector<std::unique_ptr<capture::LiveSource>>;

  explicit Sensor(std::shared_ptr<const inspect::Snapshot> snapshot,
                  const inspect::KeyAccess& keys = {});
  ~Sensor();
  Sensor(const Sensor&) = delete;
  Sensor& operator=(const Sensor&) = delete;

  // Before start(). `queue` must outlive the sensor; `cpu` < 0: wherever.
  void add_worker(Sources sources, AlertQueue& queue, int cpu = -1);
  void start();
  // Each worker reads what has arrived, ends its sources (packets that are held in the path get
  // their verdict here, before anything that takes time), ends all flows, hands on what was found,
  // and ends.
  void stop();
  // The first configuration, for whoever sees to it that no worker has to free it; the workers'
  // engines hold it as long as they need it. After the last add_worker().
  [[nodiscard]] std::shared_ptr<const inspect::Snapshot> take_snapshot() noexcept {
    return std::move(snapshot_);
  }

  // What a job may look at, in the worker's own thread.
  struct WorkerView {
    size_t number;
    inspect::Engine& engine;
    const capture::PacketDecoder& decoder;
    const Sources& sources;
    AlertQueue& queue;
  };
  // Runs `job` in every worker, at once, and waits; it must be safe to run in several threads.
  // Returns how many workers did it within `timeout`: a stalled one cannot hold the caller.
  size_t on_each_worker(const std::function<void(WorkerView&)>& job,
                        Duration timeout = Duration::seconds(2));

  // Any thread. Grows with each turn of the worker's loop: at least some times a second.
  [[nodiscard]] uint64_t turns(size_t worker) const noexcept;
  [[nodiscard]] size_t workers() const noexcept;
  // Of each worker, empty where it does not answer; and their sum. After stop(): the final ones.
  [[nodiscard]] std::vector<inspect::CounterList> worker_counters();
  [[nodiscard]] inspect::CounterList counters();
  [[nodiscard]] bool in_path() const noexcept;

 private:
  struct Worker;
  std::shared_ptr<const inspect::Snapshot> snapshot_;
  inspect::KeyAccess keys_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stop_{false};
  bool started_ = false;
};

// Of counters that have the same names in the same order; empty ones are left out.
[[nodiscard]] inspect::CounterList sum_of(const std::vector<inspect::CounterList>& parts);

}  // namespace weir::app
