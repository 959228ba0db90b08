// The flow table alone: packets of known flows in random order, and a stream of new flows through
// a full table.
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <vector>

#include "inspect/flow/flow_table.h"

namespace weir::inspect {
namespace {

struct State {
  uint64_t packets = 0;
  std::array<uint64_t, 63> rest{};  // about what an engine keeps
};
using Table = FlowTable<State>;

constexpr HashKey kKey{{3, 4}};
constexpr size_t kPackets = 1U << 20;

DecodedPacket packet_of(uint32_t flow) {
  DecodedPacket packet;
  packet.source = {IpAddress::v4(0x0a000000U + flow / 1000),
                   static_cast<uint16_t>(20000 + flow % 1000)};
  packet.destination = {IpAddress::v4(0x08080808), 443};
  packet.protocol = 6;
  packet.flags.ack = true;
  return packet;
}

void BM_Lookup(benchmark::State& state) {
  const auto flows = static_cast<uint32_t>(state.range(0));
  Table table(Limits{}, kKey);
  const auto on_end = [](Table::Entry&, FlowEnd) noexcept {};
  std::mt19937 random(5);
  std::vector<DecodedPacket> packets;
  packets.reserve(kPackets);
  for (size_t i = 0; i < kPackets; ++i) {
    packets.push_back(packet_of(static_cast<uint32_t>(i < flows ? i : random() % flows)));
    packets.back().time = {static_cast<int64_t>(i) * 1000};
  }
  for (const DecodedPacket& packet : packets) table.find_or_create(packet, on_end);
  size_t at = 0;
  uint64_t sent = 0;
  for (auto _ : state) {
    const auto found = table.find_or_create(packets[at], on_end);
    ++found.entry->state.packets;
    benchmark::DoNotOptimize(found);
    at = (at + 1) % kPackets;
    ++sent;
  }
  uint64_t counted = 0;
  table.end_all([&](Table::Entry& entry, FlowEnd) noexcept { counted += entry.state.packets; });
  if (counted != sent || table.counters().created.get() != flows) {
    state.SkipWithError("packets went to the wrong flows");
  }
  state.SetItemsProcessed(static_cast<int64_t>(sent));
}
BENCHMARK(BM_Lookup)->Arg(1)->Arg(1000)->Arg(100'000);

void BM_NewFlowsThroughAFullTable(benchmark::State& state) {
  Limits limits;
  limits.flows = 65'536;
  Table table(limits, kKey);
  uint64_t evicted = 0;
  const auto on_end = [&](Table::Entry&, FlowEnd end) noexcept {
    if (end == FlowEnd::kEvicted) ++evicted;
  };
  uint32_t flow = 0;
  for (; flow < limits.flows; ++flow) table.find_or_create(packet_of(flow), on_end);
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.find_or_create(packet_of(flow++), on_end));
  }
  if (evicted != flow - limits.flows || table.active() != limits.flows) {
    state.SkipWithError("not one eviction for each new flow");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_NewFlowsThroughAFullTable);

void BM_Hash(benchmark::State& state) {
  FlowKey key;
  uint64_t sum = 0;
  for (auto _ : state) {
    ++key.lo_port;
    sum += flow_hash(kKey, key);
  }
  if (sum == 0) state.SkipWithError("all hashes are zero");
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(BM_Hash);

}  // namespace
}  // namespace weir::inspect
