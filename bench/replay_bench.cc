// The whole path on one core, from decoded packets to verdict: cleartext LLM requests that are
// read, and flows that are shunted once they are known. Each checks what was found.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/hash.h"
#include "inspect/engine/engine.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/site_key.h"
#include "tests/support/collecting_sink.h"

namespace weir::inspect {
namespace {

const std::string kSource = WEIR_SOURCE_DIR;

// Catalogue, rules, policy, and the index of the sample repository.
std::shared_ptr<const Snapshot> full_snapshot(bool shapes) {
  static const auto make = [](bool with_shapes) -> std::shared_ptr<const Snapshot> {
    auto snapshot = std::make_shared<Snapshot>();
    auto detectors = std::make_shared<DetectorSet>();
    snapshot->catalogue = *signatures::Catalogue::load(kSource + "/signatures", {});
    detectors->rules = *signatures::RuleSet::load({kSource + "/signatures/rules"});
    signatures::SiteKey key;
    key.bytes.fill(7);
    const auto out = std::filesystem::temp_directory_path() /
                     ("weir-bench-" + std::to_string(HashKey::random().words[0]) + ".wfi");
    signatures::IndexBuildOptions options;
    options.repositories.push_back({"orchard", kSource + "/samples/orchard"});
    (void)*signatures::build_index(options, key, out.string(), {});
    detectors->indexes.push_back(*signatures::CodeIndex::open(out.string(), key));
    std::filesystem::remove(out);
    detectors->shapes = with_shapes;
    snapshot->detectors = detectors;
    snapshot->policy = Policy(config::default_policy());
    return snapshot;
  };
  static const std::shared_ptr<const Snapshot> with = make(true);
  static const std::shared_ptr<const Snapshot> without = make(false);
  return shapes ? with : without;
}

// Code-like text that is nobody's, JSON-escaped: about `bytes` long.
std::string escaped_code(size_t bytes, uint64_t seed) {
  static constexpr const char* kWords[] = {
      "request", "buffer", "return", "const",   "index", "value",  "if (",  ") {", "};",
      "self.",   "->",     " = ",    "size_t ", "while", "result", "count", "0x",  "std::"};
  std::mt19937_64 random(seed);
  std::string out;
  while (out.size() < bytes) {
    out += "\\t";
    for (size_t i = 3 + random() % 8; i-- > 0;) {
      out += kWords[random() % std::size(kWords)];
      out += static_cast<char>('a' + random() % 26);
      out += static_cast<char>('a' + random() % 26);
      if (random() % 4 == 0) out += ' ';
    }
    out += "\\n";
  }
  return out;
}

// A protected file, as it stands in a JSON string.
std::string escaped_sample() {
  std::ifstream in(kSource + "/samples/orchard/planner/crew_schedule.cc");
  std::string out;
  for (char c; in.get(c);) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

struct Traffic {
  std::vector<std::string> streams;
  std::vector<DecodedPacket> packets;
  uint64_t bytes = 0;
};

// One connection after another, each of one request in segments of 1,448 bytes.
void add_connection(Traffic& traffic, uint32_t number, const std::string& stream,
                    uint16_t server_port) {
  constexpr size_t kSegment = 1448;
  DecodedPacket packet;
  packet.source = {IpAddress::v4(0x0a000000 + number),
                   static_cast<uint16_t>(1024 + number % 60000)};
  packet.destination = {IpAddress::v4(0xa04f6801), server_port};
  packet.protocol = static_cast<uint8_t>(IpProtocol::kTcp);
  packet.time = {1'700'000'000'000'000'000 + static_cast<int64_t>(number) * 1'000'000};
  uint32_t seq = 1000;
  const auto push = [&](ByteSpan payload, TcpFlags flags) {
    packet.flags = flags;
    packet.seq = seq;
    packet.payload = payload;
    packet.wire_length = static_cast<uint32_t>(payload.size() + 54);
    traffic.packets.push_back(packet);
    traffic.bytes += packet.wire_length;
    seq += static_cast<uint32_t>(payload.size()) + (flags.syn || flags.fin ? 1 : 0);
  };
  push({}, {.syn = true});
  const ByteSpan bytes = as_bytes(stream);
  for (size_t at = 0; at < bytes.size(); at += kSegment) {
    push(bytes.subspan(at, std::min(kSegment, bytes.size() - at)), {.psh = true, .ack = true});
  }
  push({}, {.fin = true, .ack = true});
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
  Traffic traffic;
  for (uint32_t i = 0; i < kRequests; ++i) {
    // The last one leaks, so that a detector that finds nothing is not fast but wrong.
    const std::string leak = i + 1 == kRequests ? escaped_sample() : "";
    const std::string body = R"({"model":"m","messages":[{"role":"user","content":")" +
                             escaped_code(100'000, i) + leak + R"("}]})";
    traffic.streams.push_back(
        "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nUser-Agent: claude-cli/2.1 "
        "(external, cli)\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  for (uint32_t i = 0; i < kRequests; ++i) add_connection(traffic, i, traffic.streams[i], 443);
  run(state, traffic, kRequests, 1, false, state.range(0) != 0);
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
  constexpr uint32_t kFlows = 16;
  Traffic traffic;
  for (uint32_t i = 0; i < kFlows; ++i) traffic.streams.push_back(tls_upload(128));
  for (uint32_t i = 0; i < kFlows; ++i) add_connection(traffic, i, traffic.streams[i], 443);
  run(state, traffic, 0, 0, true);
}
BENCHMARK(BM_ShuntedTls)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::inspect
