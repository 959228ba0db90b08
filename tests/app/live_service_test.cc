// Reloads: which settings they reach, and that none leaves a configuration behind in memory.
// GCC 12 takes the insides of std::regex for uninitialized under sanitizers.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include "app/runtime/live_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <set>
#include <thread>

#include "app/runtime/reload_effect.h"
#include "config/limits_table.h"

namespace weir::app {
namespace {

std::string source(const std::string& path) {
  std::ifstream in(std::string(WEIR_SOURCE_DIR) + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The keys that the reader asks for, with their section, as its source spells them.
std::set<std::string> keys_of_reader() {
  const std::string text = source("/config/settings.cc");
  const std::regex pattern(
      R"re(\n  (?:static )?(?:void|bool) [a-z_]+\(|MapReader map\((?:node|root), ("([a-z_.]*)"|prefix)|map\.[a-z]+\("([a-z_]+)"|(?:paths?|hosts)\(map, "([a-z_]+)"|company_values\(map, "([a-z_]+)")re");
  std::set<std::string> out;
  std::string section = "?";
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
    const std::smatch& match = *at;
    if (match.str().front() == '\n') {  // a function, of no section yet
      section = "?";
      continue;
    }
    if (match[1].matched) {
      section = match[1] == "prefix" ? "?" : match[2].str();
      continue;
    }
    const std::string key = match[3].matched ? match[3] : match[4].matched ? match[4] : match[5];
    if (section != "?") out.insert(section.empty() ? key : section + "." + key);
  }
  return out;
}

TEST(ReloadEffect, KnowsEveryKeyThatTheReaderReads) {
  std::set<std::string> known;
  for (const ReloadRow& row : reload_rows()) {
    EXPECT_TRUE(known.insert(std::string(row.key)).second) << row.key << " twice";
  }
  // A key stands for itself, for what is below it, or is the section of keys that stand here.
  const auto covered = [&known](const std::string& key) {
    for (size_t dot = key.size(); dot != std::string::npos; dot = key.rfind('.', dot - 1)) {
      if (known.contains(key.substr(0, dot))) return true;
      if (dot == 0) break;
    }
    const auto below = known.lower_bound(key + ".");
    return key == "limits" || (below != known.end() && below->starts_with(key + "."));
  };
  const std::set<std::string> read = keys_of_reader();
  EXPECT_GE(read.size(), 45U) << "the reader's source is not understood any more";
  for (const char* one : {"capture.mark_bit", "see_inside.sessions", "fail", "health.every"}) {
    EXPECT_TRUE(read.contains(one)) << one;
  }
  for (const std::string& key : read) EXPECT_TRUE(covered(key)) << key;
  for (const std::string& key : known) {
    EXPECT_TRUE(read.contains(key) || key == "see_inside.key_logs") << key;
  }
}

TEST(ReloadEffect, NamesWhatOnlyARestartChanges) {
  const config::Settings running;
  EXPECT_TRUE(needs_restart(running, running).empty());
  config::Settings wanted;
  wanted.policy.clear();
  wanted.protect.min_lines += 1;
  EXPECT_TRUE(needs_restart(running, wanted).empty());
  wanted.capture.queue += 1;
  wanted.capture.queue_length += 1;
  wanted.capture.mark_bit += 1;
  wanted.capture.resets.send = !wanted.capture.resets.send;
  wanted.see_inside.forget = Duration::seconds(11);
  wanted.see_inside.sessions += 1;
  wanted.alerts.store_budget += 1;
  wanted.alerts.sinks.emplace_back();
  wanted.health.unseen += 1;
  wanted.limits.flows += 1;
  const std::vector<std::string> expected = {
      "capture.queue",     "capture.queue_length", "capture.mark_bit", "capture.resets.send",
      "see_inside.forget", "see_inside.sessions",  "alerts.budget",    "alerts.sinks",
      "health.unseen",     "limits.flows"};
  EXPECT_EQ(needs_restart(running, wanted), expected);
}

// A source that can keep its worker from answering.
class QuietSource final : public capture::LiveSource {
 public:
  int poll_fd() const noexcept override { return -1; }
  void begin(Timestamp /*now*/) noexcept override {}
  size_t read(capture::LiveHandler& /*handler*/, size_t /*budget*/) noexcept override {
    while (stalled.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return 0;
  }
  void refresh(Timestamp /*now*/) noexcept override {}
  void end() noexcept override { ended = true; }
  const capture::LiveCounters& counters() const noexcept override { return counters_; }
  bool in_path() const noexcept override { return false; }
  const std::string& name() const noexcept override { return name_; }

  std::atomic<bool> stalled{false};
  std::atomic<bool> ended{false};

 private:
  capture::LiveCounters counters_;
  std::string name_ = "quiet";
};

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

config::Settings settings() {
  config::Settings out;
  out.control.socket.clear();
  out.signatures.directory = std::string(WEIR_SOURCE_DIR) + "/signatures";
  out.limits.flows = 1024;
  return out;
}

std::shared_ptr<const inspect::Snapshot> first_snapshot() {
  auto out = std::make_shared<inspect::Snapshot>();
  out->catalogue = *signatures::Catalogue::load(std::string(WEIR_SOURCE_DIR) + "/signatures", {});
  out->detectors = std::make_shared<inspect::DetectorSet>();
  out->limits.flows = 1024;
  return out;
}

TEST(LiveService, FreesOldConfigurationsAndTellsOfLateWorkers) {
  auto sinks = AlertSinks::open({}, AlertSinks::Damaged::kSetAside);
  ASSERT_TRUE(sinks);
  AlertDesk desk(Limits{}, Duration::seconds(60), **sinks);
  auto snapshot = first_snapshot();
  const std::weak_ptr<const inspect::Snapshot> first = snapshot;
  Sensor sensor(std::move(snapshot));
  std::vector<QuietSource*> quiet;
  for (size_t i = 0; i < 2; ++i) {
    auto made = std::make_unique<QuietSource>();
    quiet.push_back(made.get());
    Sensor::Sources sources;
    sources.push_back(std::move(made));
    sensor.add_worker(std::move(sources), desk.add_queue());
  }
  std::atomic<bool> good{true};
  LiveService service(
      settings(),
      [&good]() -> Result<config::Settings> {
        if (!good.load()) return Error{"nonsense", "weir.yaml", 1, 1};
        return settings();
      },
      sensor, desk, desk.add_queue(), nullptr, [](const std::string&) {});
  desk.start();
  sensor.start();
  ASSERT_TRUE(service.start());
  const auto reloaded = [&](uint64_t number) {
    return comes_true([&] { return service.reload_state().done >= number; });
  };

  EXPECT_FALSE(first.expired());
  ASSERT_TRUE(reloaded(service.request_reload()));
  EXPECT_EQ(service.worker_generations(), (std::vector<uint64_t>{2, 2}));
  EXPECT_TRUE(comes_true([&] { return first.expired() && service.snapshots_alive() == 1; }));

  good = false;
  ASSERT_TRUE(reloaded(service.request_reload()));
  EXPECT_FALSE(service.reload_state().good);
  EXPECT_EQ(service.reload_state().generation, 2U);
  EXPECT_EQ(service.snapshots_alive(), 1U);
  good = true;

  // One worker hangs: it keeps what it has, which is told, and takes the new one later.
  quiet[1]->stalled = true;
  ASSERT_TRUE(reloaded(service.request_reload()));
  EXPECT_EQ(service.worker_generations(), (std::vector<uint64_t>{3, 2}));
  EXPECT_EQ(service.reload_state().late_workers, 1U);
  EXPECT_NE(service.reload_state().message.find("worker 1 does not answer"), std::string::npos)
      << service.reload_state().message;
  EXPECT_EQ(service.snapshots_alive(), 2U);
  quiet[1]->stalled = false;
  EXPECT_TRUE(comes_true([&] {
    return service.worker_generations() == std::vector<uint64_t>{3, 3} &&
           service.snapshots_alive() == 1;
  }));

  service.stop();
  sensor.stop();
  desk.stop();
  for (const QuietSource* one : quiet) EXPECT_TRUE(one->ended.load());
}

}  // namespace
}  // namespace weir::app
