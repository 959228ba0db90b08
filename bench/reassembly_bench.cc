// TCP reassembly alone: prepared segments through TcpStream into a sink that counts. In order the
// payload is never touched, so bytes a second there stand for packets a second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "inspect/stream/tcp_stream.h"

namespace weir::inspect {
namespace {

constexpr size_t kSegment = 1448;
constexpr size_t kSegments = 8192;

class CountingSink final : public TcpSink {
 public:
  void on_tcp_data(Direction, ByteSpan data) noexcept override {
    // The buffer repeats with a period of 251, so order can be told from one byte a call.
    if (data.front() != position % 251) ++wrong;
    position += data.size();
    bytes += data.size();
  }
  void on_tcp_gap(Direction, uint64_t count) noexcept override {
    position += count;
    gaps += count;
  }
  void on_tcp_end(Direction, EndReason) noexcept override {}
  uint64_t position = 0, bytes = 0, gaps = 0, wrong = 0;
};

struct Traffic {
  std::vector<uint8_t> stream;
  std::vector<DecodedPacket> packets;
  std::vector<Direction> directions;
  uint64_t bytes = 0;  // that come
  uint64_t lost = 0;

  // `size` bytes a segment; `late` and `lost` in percent; an ACK after every second segment when
  // `acks`.
  Traffic(size_t size, size_t late_percent, size_t lost_percent, bool acks) {
    std::mt19937 random(11);
    stream.resize(kSegments * size);
    for (size_t i = 0; i < stream.size(); ++i) stream[i] = static_cast<uint8_t>(i % 251);
    std::vector<std::pair<size_t, size_t>> order;  // place, segment
    for (size_t i = 0; i < kSegments; ++i) {
      // First and last arrive, so that the answer does not depend on how a stream ends.
      const bool inner = i > 0 && i + 1 < kSegments;
      if (inner && random() % 100 < lost_percent) {
        lost += size;
        continue;
      }
      const size_t delay = inner && random() % 100 < late_percent ? 1 + random() % 8 : 0;
      order.emplace_back(2 * (i + delay), i);
    }
    std::stable_sort(order.begin(), order.end());
    size_t highest = 0;
    for (const auto& [place, i] : order) {
      DecodedPacket packet;
      packet.time = {static_cast<int64_t>(packets.size()) * 1000};
      packet.seq = static_cast<uint32_t>(1 + i * size);
      packet.flags.ack = true;
      packet.payload = ByteSpan(stream).subspan(i * size, size);
      add(packet, Direction::kToServer);
      bytes += size;
      highest = std::max(highest, (i + 1) * size);
      if (!acks || packets.size() % 3 != 2) continue;
      DecodedPacket ack;
      ack.time = packet.time;
      ack.seq = 1;
      ack.flags.ack = true;
      ack.ack = static_cast<uint32_t>(1 + highest);
      add(ack, Direction::kToClient);
    }
  }
  void add(const DecodedPacket& packet, Direction d) {
    packets.push_back(packet);
    directions.push_back(d);
  }
};

void reassemble(benchmark::State& state, const Traffic& traffic) {
  TcpPool pool(Limits{});
  for (auto _ : state) {
    TcpStream stream(pool);
    CountingSink sink;
    for (size_t i = 0; i < traffic.packets.size(); ++i) {
      stream.on_segment(traffic.directions[i], traffic.packets[i], sink);
    }
    stream.finish(EndReason::kTimeout, sink);
    if (sink.wrong != 0 || sink.bytes != traffic.bytes || sink.gaps != traffic.lost) {
      state.SkipWithError("the stream is not what was sent");
      return;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * traffic.bytes));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * traffic.packets.size()));
}

void BM_InOrder(benchmark::State& state) {
  static const Traffic traffic(kSegment, 0, 0, true);
  reassemble(state, traffic);
}
BENCHMARK(BM_InOrder);

void BM_OnePercentLate(benchmark::State& state) {
  static const Traffic traffic(kSegment, 1, 0, true);
  reassemble(state, traffic);
}
BENCHMARK(BM_OnePercentLate);

void BM_AllShuffled(benchmark::State& state) {
  static const Traffic traffic(kSegment, 100, 0, true);
  reassemble(state, traffic);
}
BENCHMARK(BM_AllShuffled);

void BM_OnePercentLost(benchmark::State& state) {
  static const Traffic traffic(kSegment, 0, 1, true);
  reassemble(state, traffic);
}
BENCHMARK(BM_OnePercentLost);

// The worst a sender can do: one byte a segment, from the back, so that all is held and each
// insertion goes in front.
void BM_TinyBackwards(benchmark::State& state) {
  std::vector<uint8_t> stream(1024);
  for (size_t i = 0; i < stream.size(); ++i) stream[i] = static_cast<uint8_t>(i % 251);
  TcpPool pool(Limits{});
  for (auto _ : state) {
    TcpStream tcp(pool);
    CountingSink sink;
    DecodedPacket packet;
    packet.flags.syn = true;
    tcp.on_segment(Direction::kToServer, packet, sink);
    packet.flags = {.ack = true};
    for (size_t i = stream.size(); i-- > 0;) {
      packet.seq = static_cast<uint32_t>(1 + i);
      packet.payload = ByteSpan(stream).subspan(i, 1);
      tcp.on_segment(Direction::kToServer, packet, sink);
    }
    if (sink.wrong != 0 || sink.bytes != stream.size()) {
      state.SkipWithError("the stream is not what was sent");
      return;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * stream.size()));
}
BENCHMARK(BM_TinyBackwards);

}  // namespace
}  // namespace weir::inspect
