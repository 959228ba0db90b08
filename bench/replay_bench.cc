// The whole path on one core, from decoded packets to verdict: cleartext LLM requests that are
// read, and flows that are shunted once they are known. Each checks what was found.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/request_traffic.h"
#include "inspect/engine/engine.h"
#include "tests/support/collecting_sink.h"

namespace weir::bench {
namespace {

using inspect::Engine;

Traffic connections(const std::vector<std::string>& streams) {
  Traffic traffic;
  for (uint32_t i = 0; i < streams.size(); ++i) {
    Connection connection(traffic, i, 443);
    connection.send(Direction::kToServer, as_bytes(streams[i]));
    connection.close();
  }
  return traffic;
}

void run(benchmark::State& state, const Traffic& traffic, size_t requests, size_t leaks,
         bool shunted, bool shapes = true) {
  const auto snapshot = full_snapshot(shapes);
  for (auto _ : state) {
    test::CollectingSink sink;
    Engine engine(snapshot, sink, HashKey{{1, 2}});
    for (const DecodedPacket& packet : traffic.packets) {
      benchmark::DoNotOptimize(engine.on_packet(packet));
    }
    engine.finish();
    size_t code = 0;
    for (const Finding& finding : sink.findings) code += finding.evidence.empty() ? 0 : 1;
    if (code != leaks) state.SkipWithError("other evidence than what was put in");
    if (engine.counters().requests.get() != requests) state.SkipWithError("requests missed");
    if (!shunted && engine.counters().text_bytes.get() * 10 < traffic.bytes * 8) {
      state.SkipWithError("text missed");
    }
    if (shunted && engine.counters().shunted_bytes.get() * 10 < traffic.bytes * 8) {
      state.SkipWithError("not shunted");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(traffic.bytes));
  state.counters["Gbit/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(traffic.bytes) * 8e-9,
      benchmark::Counter::kIsRate);
  state.counters["packets"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(traffic.packets.size()),
      benchmark::Counter::kIsRate);
}

void BM_ClearRequests(benchmark::State& state) {
  constexpr uint32_t kRequests = 256;
  std::vector<std::string> streams;
  for (uint32_t i = 0; i < kRequests; ++i) {
    // The last one leaks, so that a detector that finds nothing is not fast but wrong.
    const std::string body = json_body(i, i + 1 == kRequests);
    streams.push_back(
        "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nUser-Agent: claude-cli/2.1 "
        "(external, cli)\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  run(state, connections(streams), kRequests, 1, false, state.range(0) != 0);
}
BENCHMARK(BM_ClearRequests)->ArgName("shapes")->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);

// A ClientHello without names (the smallest that is valid), then application data.
std::string tls_upload(size_t records) {
  std::string hello("\x03\x03", 2);
  hello += std::string(32, 'r');
  hello += std::string("\0", 1);
  hello += std::string("\0\x02\x13\x01", 4);
  hello += std::string("\x01\0", 2);
  hello += std::string("\0\x12\0\0\0\x0e\0\x0c\0\0\x09", 11) + "a.example";
  // server_name: extension 0, list of one host_name.
  std::string out("\x16\x03\x01", 3);
  const size_t length = hello.size() + 4;
  out += static_cast<char>(length >> 8);
  out += static_cast<char>(length & 255);
  out += '\x01';
  out += '\0';
  out += static_cast<char>(hello.size() >> 8);
  out += static_cast<char>(hello.size() & 255);
  out += hello;
  for (size_t i = 0; i < records; ++i) {
    out += std::string("\x17\x03\x03\x40\0", 5) + std::string(0x4000, static_cast<char>(i));
  }
  return out;
}

void BM_ShuntedTls(benchmark::State& state) {
  constexpr size_t kFlows = 16;
  const std::vector<std::string> streams(kFlows, tls_upload(128));
  run(state, connections(streams), 0, 0, true);
}
BENCHMARK(BM_ShuntedTls)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::bench
