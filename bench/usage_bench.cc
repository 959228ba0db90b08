// One million usage updates a minute: what the store takes for them, and what the worker that makes
// the records pays while the alert thread stores them. Both check the sums in the database.
#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "alert/store.h"
#include "alert/store_reader.h"
#include "app/runtime/alert_desk.h"
#include "app/runtime/alert_sinks.h"
#include "bench/request_traffic.h"
#include "inspect/contacts/tool_contacts.h"
#include "inspect/engine/engine.h"

namespace weir::bench {
namespace {

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("weir-usage-" + std::to_string(HashKey::random().words[0]))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string database() const { return path_ / "weir.db"; }

 private:
  std::filesystem::path path_;
};

uint64_t flows_stored(const std::string& database) {
  const auto reader = alert::StoreReader::open(database);
  if (!reader) return 0;
  const auto rows = (*reader)->usage({});
  uint64_t flows = 0;
  for (const alert::UsageRow& row : *rows) flows += row.counts.flows;
  return flows;
}

// A second of it in each iteration: updates of `clients` clients with six services each, stored
// twice a second as the alert thread does. Another hour begins every 20 s.
void BM_Store(benchmark::State& state) {
  constexpr size_t kASecond = 1'000'000 / 60;
  const auto clients = static_cast<size_t>(state.range(0));
  std::vector<alert::UsageKey> keys;
  for (size_t i = 0; i < clients * 6; ++i) {
    alert::UsageKey key;
    key.client = "10." + std::to_string(i / 6 / 65'536) + "." + std::to_string(i / 6 / 256 % 256) +
                 "." + std::to_string(i / 6 % 256);
    key.user = "user" + std::to_string(i / 6);
    key.service = "service" + std::to_string(i % 6);
    key.service_class = "coding_agent";
    key.host = "api.service" + std::to_string(i % 6) + ".example";
    key.tool = "tool" + std::to_string(i % 3);
    key.visibility = i % 2 == 0 ? "metadata" : "decrypted";
    key.reason = "no_key";
    key.status = "unsanctioned";
    keys.push_back(key);
  }
  const Folder folder;
  auto store = alert::Store::open(folder.database());
  std::mt19937_64 random(1);
  uint64_t updates = 0;
  int64_t seconds = 0;
  for (auto _ : state) {
    const int64_t hour = 480'000 + seconds++ / 20;
    for (size_t i = 0; i < kASecond; ++i) {
      alert::UsageKey& key = keys[random() % keys.size()];
      key.hour = hour;
      (*store)->add_usage(key, {1, 2, 3'000, 4'000, 0});
      if (i == kASecond / 2 && !(*store)->commit()) return state.SkipWithError("not stored");
    }
    if (!(*store)->commit()) return state.SkipWithError("not stored");
    updates += kASecond;
  }
  if (flows_stored(folder.database()) != updates) state.SkipWithError("other sums than were added");
  state.SetItemsProcessed(static_cast<int64_t>(updates));
}
BENCHMARK(BM_Store)->ArgName("clients")->Arg(500)->Arg(5'000)->Arg(30'000)->UseRealTime()->Unit(
    benchmark::kMillisecond);

// The engine over short connections with a request of 2 KB each, all of them to AI services; the
// alert thread sums and stores their records meanwhile, or has no store. Processor time of the
// worker alone.
void BM_PacketPath(benchmark::State& state) {
  constexpr uint32_t kFlows = 4'000;
  const bool stored = state.range(0) != 0;
  Traffic traffic;
  for (uint32_t i = 0; i < kFlows; ++i) {
    const std::string body =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"" + escaped_code(2'000, i) + "\"}]}";
    Connection connection(traffic, i, 443);
    connection.send(Direction::kToServer,
                    as_bytes("POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nUser-Agent: "
                             "claude-cli/2.1.330 (external, cli)\r\nContent-Type: "
                             "application/json\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body));
    connection.close();
  }
  const auto snapshot = full_snapshot();
  const Folder folder;
  config::AlertSettings settings;
  if (stored) settings.store = folder.database();
  auto sinks = app::AlertSinks::open(settings);
  inspect::ToolContacts contacts(snapshot);
  app::AlertDesk desk(Limits{}, Duration::seconds(60), **sinks);
  desk.watch_contacts(contacts, {});
  app::AlertQueue& queue = desk.add_queue();
  desk.start();
  uint64_t flows = 0;
  std::chrono::nanoseconds took{};
  for (auto _ : state) {
    inspect::Engine engine(snapshot, queue, HashKey{{1, 2}});
    const auto began = std::chrono::steady_clock::now();
    for (const DecodedPacket& packet : traffic.packets) {
      benchmark::DoNotOptimize(engine.on_packet(packet));
    }
    engine.finish();
    flows += kFlows;
    state.PauseTiming();
    while (desk.waiting(0) > 0) std::this_thread::yield();
    took += std::chrono::steady_clock::now() - began;
    state.ResumeTiming();
  }
  while (!queue.flush()) std::this_thread::yield();
  desk.stop();
  static_cast<void>((*sinks)->close());
  if (queue.counters().records_dropped.get() > 0) state.SkipWithError("records were dropped");
  if (queue.counters().records.get() != flows) state.SkipWithError("other flows than were made");
  if (stored && flows_stored(folder.database()) != flows) state.SkipWithError("flows not stored");
  state.SetItemsProcessed(static_cast<int64_t>(flows));
  // From the first packet until the alert thread has taken the last record.
  state.counters["both"] = static_cast<double>(flows) * 60e9 / static_cast<double>(took.count());
}
BENCHMARK(BM_PacketPath)->ArgName("store")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::bench
