// The whole path on one core for TLS 1.3 with AES-128-GCM whose keys are there: from packets of
// ciphertext to the verdict, with requests of 100 KB in HTTP/1.1 and in HTTP/2. Each checks that it
// found the one leak and read everything.
#include <benchmark/benchmark.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/request_traffic.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/engine/engine.h"
#include "tests/inspect/decrypt/tls_session.h"
#include "tests/support/collecting_sink.h"

namespace weir::bench {
namespace {

using inspect::Engine;

constexpr uint32_t kConnections = 64;

std::string http1_request(const std::string& body) {
  return "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nUser-Agent: claude-cli/2.1 "
         "(external, cli)\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// RFC 9113 section 4.1.
std::string frame(int type, int flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out.append(payload);
}
// A literal field without indexing (RFC 7541 section 6.2.2).
std::string field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out.push_back(static_cast<char>(name.size()));
  out.append(name);
  out.push_back(static_cast<char>(value.size()));
  return out.append(value);
}

std::string http2_hello() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, ""); }
std::string http2_request(uint32_t stream, const std::string& body) {
  constexpr size_t kFrame = 16'384;
  std::string out =
      frame(1, 4, stream,
            field(":method", "POST") + field(":scheme", "https") +
                field(":authority", "api.anthropic.com") + field(":path", "/v1/messages") +
                field("user-agent", "claude-cli/2.1 (external, cli)") +
                field("content-type", "application/json"));
  for (size_t at = 0; at < body.size(); at += kFrame) {
    const bool last = at + kFrame >= body.size();
    out += frame(0, last ? 1 : 0, stream, std::string_view(body).substr(at, kFrame));
  }
  return out;
}

// Each connection sends `requests`, one after another; the last of the last one leaks.
void requests_in_tls(benchmark::State& state, bool http2) {
  const auto each = static_cast<uint32_t>(state.range(0));
  const uint32_t connections = kConnections / each;
  test::TlsChoice choice;
  choice.version = TLS1_3_VERSION;
  choice.suites = "TLS_AES_128_GCM_SHA256";
  choice.alpn = http2 ? "h2" : "http/1.1";
  choice.server_name = "api.anthropic.com";
  inspect::KeyStore store;
  inspect::KeyLogCounters key_counters;
  std::vector<std::unique_ptr<test::TlsSession>> sessions;
  Traffic traffic;
  size_t body_bytes = 0;
  for (uint32_t i = 0; i < connections; ++i) {
    auto session = std::make_unique<test::TlsSession>(choice);
    bool good = session->handshake();
    if (http2) good = good && session->write(Direction::kToServer, http2_hello());
    for (uint32_t k = 0; k < each; ++k) {
      const bool leaks = i + 1 == connections && k + 1 == each;
      const std::string body = json_body(i * each + k, leaks);
      body_bytes += body.size();
      good = good && session->write(Direction::kToServer,
                                    http2 ? http2_request(2 * k + 1, body) : http1_request(body));
    }
    if (!good) return state.SkipWithError("no session");
    Connection connection(traffic, i, 443);
    for (const test::Flight& flight : session->flights()) {
      connection.send(flight.direction, flight.bytes);
    }
    connection.close();
    inspect::KeyLogParser parser(store, key_counters);
    parser.feed(as_bytes(session->key_log()), traffic.packets.back().time);
    sessions.push_back(std::move(session));
  }
  const auto snapshot = full_snapshot();
  for (auto _ : state) {
    test::CollectingSink sink;
    Engine engine(snapshot, sink, HashKey{{1, 2}}, nullptr, {&store, false, {}});
    for (const DecodedPacket& packet : traffic.packets) {
      benchmark::DoNotOptimize(engine.on_packet(packet));
    }
    engine.finish();
    size_t code = 0;
    for (const Finding& finding : sink.findings) code += finding.evidence.empty() ? 0 : 1;
    if (code != 1) state.SkipWithError("other evidence than what was put in");
    if (engine.counters().requests.get() != connections * each) {
      state.SkipWithError("requests missed");
    }
    // Escapes and the frame of JSON go.
    if (engine.counters().text_bytes.get() * 10 < body_bytes * 9) {
      state.SkipWithError("text missed");
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(traffic.bytes));
  state.counters["Gbit/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(traffic.bytes) * 8e-9,
      benchmark::Counter::kIsRate);
}

void BM_TlsRequests(benchmark::State& state) { requests_in_tls(state, false); }
BENCHMARK(BM_TlsRequests)->ArgName("each")->Arg(1)->Arg(16)->Unit(benchmark::kMillisecond);

void BM_Http2InTls(benchmark::State& state) { requests_in_tls(state, true); }
BENCHMARK(BM_Http2InTls)->ArgName("each")->Arg(1)->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir::bench
