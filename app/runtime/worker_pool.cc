// See worker_pool.h.
// A round is a batch of copied packets for each worker. Two rounds are in flight: the caller fills
// one while the workers read the other. At the border of rounds the caller waits, hands on what was
// found in order of the packets that it was found with, then hands over the next round: bounded
// memory, and the order in which one worker would have found it, however many there are.
#include "app/runtime/worker_pool.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::app {

namespace {

constexpr size_t kRoundPackets = 16'384;
constexpr size_t kRoundBytes = 32U << 20;

bool is_private(const IpAddress& ip) noexcept {
  if (ip.is_v4()) {
    const uint8_t a = ip.bytes[12];
    const uint8_t b = ip.bytes[13];
    return a == 10 || (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168) ||
           (a == 100 && (b & 0xc0) == 64) || a == 127;
  }
  return (ip.bytes[0] & 0xfe) == 0xfc || (ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80);
}

// The address that most likely is the client's, the same for both directions.
const IpAddress& client_of(const DecodedPacket& packet) noexcept {
  const Endpoint& a = packet.source;
  const Endpoint& b = packet.destination;
  if ((a.port == 53) != (b.port == 53)) return a.port == 53 ? b.ip : a.ip;
  if (is_private(a.ip) != is_private(b.ip)) return is_private(a.ip) ? a.ip : b.ip;
  if (a.port != b.port) return a.port > b.port ? a.ip : b.ip;
  return std::min(a.ip, b.ip);
}

std::unique_ptr<inspect::NdpiEngine> make_ndpi(const Limits& limits) {
  auto made = inspect::NdpiEngine::create(limits);
  return made ? std::move(*made) : nullptr;
}

// What was told, with the number of the packet that was being inspected.
template <typename T>
struct Told {
  uint64_t packet = 0;
  T what;
};

// Keeps what a worker tells until the round is over.
class Mailbox final : public EvidenceSink {
 public:
  void on_finding(Finding&& finding) override { findings.push_back({packet, std::move(finding)}); }
  void on_flow_end(FlowRecord&& record) override { records.push_back({packet, std::move(record)}); }
  uint64_t packet = 0;
  std::vector<Told<Finding>> findings;
  std::vector<Told<FlowRecord>> records;
};

// Moves what every mailbox holds into one list, in order of packets.
template <typename T, typename Workers>
std::vector<Told<T>> collect(const Workers& workers, std::vector<Told<T>> Mailbox::*box) {
  std::vector<Told<T>> all;
  for (const auto& worker : workers) {
    std::vector<Told<T>>& part = worker->mail.*box;
    std::move(part.begin(), part.end(), std::back_inserter(all));
    part.clear();
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Told<T>& a, const Told<T>& b) { return a.packet < b.packet; });
  return all;
}

struct Batch {
  std::vector<DecodedPacket> packets;  // payload views are set when the batch is read
  std::vector<size_t> offsets;
  std::vector<uint64_t> numbers;
  std::vector<uint8_t> bytes;

  void clear() noexcept {
    packets.clear();
    offsets.clear();
    numbers.clear();
    bytes.clear();
  }
  void add(const DecodedPacket& packet, uint64_t number) {
    offsets.push_back(bytes.size());
    numbers.push_back(number);
    packets.push_back(packet);
    bytes.insert(bytes.end(), packet.payload.begin(), packet.payload.end());
  }
};

}  // namespace

size_t worker_of(const DecodedPacket& packet, size_t workers) noexcept {
  if (workers <= 1) return 0;
  static constexpr HashKey kSpread{{0x9e3779b97f4a7c15ULL, 0xd1b54a32d192ed03ULL}};
  return siphash(kSpread, client_of(packet).bytes) % workers;
}

struct WorkerPool::Impl {
  struct Worker {
    Mailbox mail;
    std::unique_ptr<inspect::NdpiEngine> ndpi;  // may be null: unknown protocols stay so
    std::unique_ptr<inspect::Engine> engine;
    Batch filling;
    Batch reading;
    bool busy = false;  // under mutex
    std::thread thread;
  };

  explicit Impl(EvidenceSink& s) : sink(s) {}

  void run(Worker& worker) {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return worker.busy || stop; });
      if (!worker.busy) return;
      lock.unlock();
      Batch& batch = worker.reading;
      for (size_t i = 0; i < batch.packets.size(); ++i) {
        DecodedPacket& packet = batch.packets[i];
        packet.payload = ByteSpan(batch.bytes).subspan(batch.offsets[i], packet.payload.size());
        worker.mail.packet = batch.numbers[i];
        (void)worker.engine->on_packet(packet);
      }
      if (finishing) {
        worker.mail.packet = packets;
        finish_engine(*worker.engine);
      }
      lock.lock();
      worker.busy = false;
      done.notify_all();
    }
  }

  // A worker has seen its own packets only: flows that were over by the end of the capture end the
  // same way however many workers there are.
  void finish_engine(inspect::Engine& engine) const {
    // Keys of a replay that counts them as late may still be to come.
    for (Timestamp now = last; now - last < key_delay; now = now + Duration::millis(100)) {
      engine.on_time(now);
    }
    engine.on_time(last + key_delay);
    engine.finish();
  }

  void wait_all() {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] {
      return std::none_of(workers.begin(), workers.end(), [](const auto& w) { return w->busy; });
    });
  }

  void deliver() {
    for (Told<Finding>& told : collect(workers, &Mailbox::findings)) {
      sink.on_finding(std::move(told.what));
    }
    for (Told<FlowRecord>& told : collect(workers, &Mailbox::records)) {
      sink.on_flow_end(std::move(told.what));
    }
  }

  void next_round() {
    wait_all();
    deliver();
    {
      const std::lock_guard lock(mutex);
      for (const auto& worker : workers) {
        std::swap(worker->filling, worker->reading);
        worker->filling.clear();
        worker->busy = true;
      }
    }
    wake.notify_all();
    round_packets = 0;
    round_bytes = 0;
  }

  EvidenceSink& sink;
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<inspect::NdpiEngine> single_ndpi;
  std::unique_ptr<inspect::Engine> single;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  bool stop = false;       // under mutex
  bool finishing = false;  // written while no worker is busy
  Duration key_delay;      // of KeyAccess
  Timestamp last;          // of all packets; read by workers when finishing
  uint64_t packets = 0;    // likewise
  size_t round_packets = 0;
  size_t round_bytes = 0;
};

WorkerPool::WorkerPool(std::shared_ptr<const inspect::Snapshot> snapshot, size_t workers,
                       EvidenceSink& sink, const inspect::KeyAccess& keys)
    : impl_(std::make_unique<Impl>(sink)) {
  // A fixed key: a replay repeats itself, and nobody who sends packets now reads its timing.
  constexpr HashKey kReplayKey{{0x77656972, 0x7265706c6179}};
  impl_->key_delay = keys.delay;
  if (workers <= 1) {
    impl_->single_ndpi = make_ndpi(snapshot->limits);
    impl_->single = std::make_unique<inspect::Engine>(std::move(snapshot), sink, kReplayKey,
                                                      impl_->single_ndpi.get(), keys);
    return;
  }
  for (size_t i = 0; i < workers; ++i) {
    auto worker = std::make_unique<Impl::Worker>();
    worker->ndpi = make_ndpi(snapshot->limits);
    worker->engine = std::make_unique<inspect::Engine>(snapshot, worker->mail, kReplayKey,
                                                       worker->ndpi.get(), keys);
    impl_->workers.push_back(std::move(worker));
  }
  for (const auto& worker : impl_->workers) {
    Impl::Worker* raw = worker.get();
    worker->thread = std::thread([this, raw] { impl_->run(*raw); });
  }
}

WorkerPool::~WorkerPool() {
  if (!impl_) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->wake.notify_all();
  for (const auto& worker : impl_->workers) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void WorkerPool::on_packet(const DecodedPacket& packet) {
  impl_->last = std::max(impl_->last, packet.time);
  const uint64_t number = impl_->packets++;
  if (impl_->single) {
    (void)impl_->single->on_packet(packet);
    return;
  }
  impl_->workers[worker_of(packet, impl_->workers.size())]->filling.add(packet, number);
  impl_->round_bytes += packet.payload.size();
  if (++impl_->round_packets >= kRoundPackets || impl_->round_bytes >= kRoundBytes) {
    impl_->next_round();
  }
}

void WorkerPool::finish() {
  if (impl_->single) {
    impl_->finish_engine(*impl_->single);
    return;
  }
  impl_->wait_all();
  impl_->finishing = true;
  impl_->next_round();
  impl_->wait_all();
  impl_->deliver();
}

inspect::CounterList WorkerPool::counters() const {
  if (impl_->single) return impl_->single->all_counters();
  inspect::CounterList sum = impl_->workers.front()->engine->all_counters();
  for (size_t i = 1; i < impl_->workers.size(); ++i) {
    const inspect::CounterList part = impl_->workers[i]->engine->all_counters();
    for (size_t j = 0; j < sum.size(); ++j) sum[j].second += part[j].second;
  }
  return sum;
}

size_t WorkerPool::workers() const noexcept { return impl_->single ? 1 : impl_->workers.size(); }

}  // namespace weir::app
