// The sensor's threads, over sources that the test feeds.
#include "app/runtime/sensor.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <mutex>
#include <thread>

#include "app/runtime/alert_desk.h"
#include "app/runtime/wall_clock.h"
#include "config/settings.h"
#include "signatures/catalogue.h"

namespace weir::app {
namespace {

constexpr int kRawIp = 101;  // LINKTYPE_RAW

// UDP from 10.0.x.y:`port` to 192.0.2.1:9999.
std::vector<uint8_t> datagram(uint16_t client, uint16_t port) {
  std::vector<uint8_t> out = {0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 192, 0, 2, 1};
  out[14] = static_cast<uint8_t>(client >> 8);
  out[15] = static_cast<uint8_t>(client);
  for (const unsigned byte : {port >> 8, port & 255, 9999 >> 8, 9999 & 255, 0, 12, 0, 0}) {
    out.push_back(static_cast<uint8_t>(byte));
  }
  out.insert(out.end(), 4, 0xee);
  return out;
}

class FedSource final : public capture::LiveSource {
 public:
  FedSource() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~FedSource() override { close(fd_); }

  void feed(std::vector<uint8_t> packet, Timestamp time) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(packet), time);
    const uint64_t one = 1;
    EXPECT_EQ(write(fd_, &one, sizeof one), ssize_t{sizeof one});
  }
  int poll_fd() const noexcept override { return fd_; }
  void begin(Timestamp now) noexcept override { begun = now; }
  size_t read(capture::LiveHandler& handler, size_t budget) noexcept override {
    std::deque<std::pair<std::vector<uint8_t>, Timestamp>> taken;
    {
      const std::lock_guard lock(mutex_);
      while (!waiting_.empty() && taken.size() < budget) {
        taken.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      uint64_t woken = 0;
      if (waiting_.empty()) (void)!::read(fd_, &woken, sizeof woken);
    }
    for (const auto& [bytes, time] : taken) {
      counters_.packets.add();
      RawPacket raw;
      raw.time = time;
      raw.link_type = kRawIp;
      raw.wire_length = static_cast<uint32_t>(bytes.size());
      raw.data = bytes;
      (void)handler.on_packet(raw);
    }
    return taken.size();
  }
  void refresh(Timestamp /*now*/) noexcept override {}
  const capture::LiveCounters& counters() const noexcept override { return counters_; }
  bool in_path() const noexcept override { return false; }
  const std::string& name() const noexcept override { return name_; }

  Timestamp begun;

 private:
  int fd_;
  std::mutex mutex_;
  std::deque<std::pair<std::vector<uint8_t>, Timestamp>> waiting_;  // under mutex
  capture::LiveCounters counters_;
  std::string name_ = "fed";
};

std::shared_ptr<const inspect::Snapshot> snapshot() {
  static const auto made = [] {
    auto out = std::make_shared<inspect::Snapshot>();
    out->catalogue = *signatures::Catalogue::load(std::string(WEIR_SOURCE_DIR) + "/signatures", {});
    out->detectors = std::make_shared<inspect::DetectorSet>();
    out->policy = inspect::Policy(config::default_policy());
    out->limits.flows = 4096;
    return std::shared_ptr<const inspect::Snapshot>(out);
  }();
  return made;
}

uint64_t value_of(const inspect::CounterList& list, std::string_view name) {
  for (const auto& [key, value] : list) {
    if (key == name) return value;
  }
  ADD_FAILURE() << name;
  return 0;
}

struct Rig {
  explicit Rig(size_t workers) {
    for (size_t i = 0; i < workers; ++i) {
      auto source = std::make_unique<FedSource>();
      fed.push_back(source.get());
      Sensor::Sources sources;
      sources.push_back(std::move(source));
      sensor.add_worker(std::move(sources), desk.add_queue());
    }
  }
  void start() {
    desk.start();
    sensor.start();
  }
  void stop() {
    sensor.stop();
    desk.stop();
  }
  const Limits limits;
  const std::unique_ptr<AlertSinks> sinks = std::move(*AlertSinks::open({}));
  AlertDesk desk{limits, Duration::seconds(3600), *sinks};
  Sensor sensor{snapshot()};
  std::vector<FedSource*> fed;
};

// `seconds` at most.
template <typename Condition>
bool soon(Condition condition, int seconds = 10) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST(WorkerOfSensor, WhatHasArrivedIsInspectedBeforeTheStop) {
  Rig rig(2);
  rig.start();
  constexpr uint16_t kFlows = 200;
  for (uint16_t i = 0; i < kFlows; ++i) {
    for (int again = 0; again < 3; ++again) {
      rig.fed[i % 2]->feed(datagram(i, 1000), wall_clock());
    }
  }
  rig.stop();
  EXPECT_EQ(rig.desk.usage().flows, kFlows);
  EXPECT_EQ(value_of(rig.sensor.counters(), "live.packets"), kFlows * 3U);
  EXPECT_EQ(value_of(rig.sensor.counters(), "engine.packets"), kFlows * 3U);
  EXPECT_EQ(value_of(rig.sensor.counters(), "flow.active"), 0U);
  EXPECT_GT(rig.fed[0]->begun.ns, 0);
}

TEST(WorkerOfSensor, IdleFlowsEndThoughNoPacketComes) {
  Rig rig(1);
  rig.start();
  const Duration old = snapshot()->limits.udp_idle;
  rig.fed[0]->feed(datagram(1, 1000), wall_clock() + Duration{-2 * old.ns});
  EXPECT_TRUE(soon([&] { return rig.desk.usage().flows == 1; }));
  EXPECT_EQ(value_of(rig.sensor.counters(), "flow.ended_timeout"), 1U);
  rig.stop();
}

TEST(WorkerOfSensor, JobsRunInEachWorkerWhilePacketsCome) {
  Rig rig(3);
  rig.start();
  std::atomic<bool> enough{false};
  std::thread feeder([&] {
    for (uint32_t i = 0; i < 150 || !enough; ++i) {
      rig.fed[i % 3]->feed(datagram(static_cast<uint16_t>(i % 50), 1000), wall_clock());
      if (i % 64 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const uint64_t turns = rig.sensor.turns(0);
  for (int i = 0; i < 20; ++i) {
    std::array<std::atomic<int>, 3> ran{};
    EXPECT_EQ(rig.sensor.on_each_worker([&](Sensor::WorkerView& view) {
      ++ran.at(view.number);
      (void)view.engine.all_counters();
    }),
              3U);
    for (const auto& count : ran) EXPECT_EQ(count, 1);
  }
  enough = true;
  feeder.join();
  EXPECT_GT(rig.sensor.turns(0), turns);
  rig.stop();
  EXPECT_EQ(rig.desk.usage().flows, 50U * 3U);
}

// A stalled worker cannot hold whoever asks.
TEST(WorkerOfSensor, AskingAStalledWorkerEnds) {
  Rig rig(2);
  rig.start();
  std::atomic<bool> go_on{false};
  std::thread staller([&] {
    rig.sensor.on_each_worker([&](Sensor::WorkerView& view) {
      while (view.number == 1 && !go_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  });
  EXPECT_TRUE(soon([&] { return rig.sensor.turns(0) > 2; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(rig.sensor.on_each_worker([](Sensor::WorkerView&) {}, Duration::millis(200)), 1U);
  go_on = true;
  staller.join();
  rig.stop();
}

}  // namespace
}  // namespace weir::app
