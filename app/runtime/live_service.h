// What runs beside the workers of a live sensor: loads a new configuration when asked, watches the
// sensor's health, and answers questions (docs/commands.md, "weir stats").
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/runtime/alert_desk.h"
#include "app/runtime/key_watch.h"
#include "app/runtime/sensor.h"
#include "app/runtime/sensor_health.h"
#include "config/settings.h"
#include "core/result.h"
#include "inspect/engine/snapshot.h"

namespace weir::app {

class LiveService {
 public:
  // Reads the configuration anew, command line included.
  using LoadSettings = std::function<Result<config::Settings>()>;
  // For messages to the operator; called from several threads.
  using Say = std::function<void(const std::string&)>;

  // `keys` may be null. All must outlive stop().
  LiveService(config::Settings settings, LoadSettings load, Sensor& sensor, AlertDesk& desk,
              AlertQueue& queue, KeyWatch* keys, Say say);
  ~LiveService();
  LiveService(const LiveService&) = delete;
  LiveService& operator=(const LiveService&) = delete;

  // Begins to answer at settings.control.socket. Fails only when that was asked for by name.
  Status start();
  void stop();

  // Any thread. A reload that is asked for while one runs is made after it. Returns its number.
  uint64_t request_reload();
  // Whoever runs the main loop, a few times a second: health.
  void turn();
  // JSON to JSON; see docs/commands.md.
  [[nodiscard]] std::string answer(std::string_view question);

  struct Reload {
    uint64_t wanted = 0;  // how many were asked for
    uint64_t done = 0;    // of them
    bool good = true;     // the last one
    std::string message;  // of the last one
    uint64_t generation = 1;
    double seconds = 0;         // that the last one took
    uint64_t late_workers = 0;  // that had not taken a configuration when its reload ended; in all
  };
  [[nodiscard]] Reload reload_state() const;
  // Configurations in memory: that of new flows, and those that older flows still hold. One that
  // nobody holds any more is freed within a second, by the thread that reloads.
  [[nodiscard]] size_t snapshots_alive() const;
  // Which configuration each worker gives to new flows: an older one where it did not answer.
  [[nodiscard]] std::vector<uint64_t> worker_generations() const;
  // Reloads that are under way or waiting.
  [[nodiscard]] bool reloading() const;

 private:
  struct Control;
  void reload_loop();
  void reload();
  void free_unused();
  void answer_loop();

  const config::Settings first_;  // what the process began with: some of it holds until it ends
  LoadSettings load_;
  Sensor& sensor_;
  AlertDesk& desk_;
  KeyWatch* keys_;
  Say say_;
  const Timestamp began_;
  SensorHealth health_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Reload reload_;  // under mutex_
  // All that may be in use, so that the last to let go of one is never a worker. Under mutex_.
  std::vector<std::shared_ptr<const inspect::Snapshot>> snapshots_;
  // Shared with workers that answer late.
  using Generations = std::vector<std::atomic<uint64_t>>;
  std::shared_ptr<Generations> generations_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<Control> control_;
  std::thread reloader_;
  std::thread answerer_;
};

}  // namespace weir::app
