// HTTP/1 decoding of requests, in segments as TCP reassembly gives them. The sink adds up the body
// bytes; the answer is checked.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "inspect/http/http1_decoder.h"

namespace {

using weir::ByteSpan;
using weir::Direction;
using namespace weir::inspect;

constexpr size_t kSegment = 1448;
constexpr size_t kBody = 100'000;

class CountingSink final : public MessageSink {
 public:
  uint64_t requests = 0;
  uint64_t ended = 0;
  uint64_t body = 0;
  uint64_t fields = 0;
  BodyChoice on_request(const MessageHead& head) noexcept override {
    ++requests;
    fields += head.fields.size();
    return BodyChoice::kInspect;
  }
  void on_body(uint64_t, ByteSpan data, uint64_t) noexcept override { body += data.size(); }
  void on_body_gap(uint64_t, uint64_t) noexcept override {}
  void on_request_end(uint64_t, EndReason) noexcept override { ++ended; }
  void on_tunnel(const TunnelInfo&) noexcept override {}
  void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
  void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
  void on_tunnel_end(uint64_t, EndReason) noexcept override {}
};

const std::string kFields =
    "Host: api.llm.example\r\nUser-Agent: agent-cli/1.0 (external, cli)\r\n"
    "Accept: application/json\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n"
    "X-App: cli\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n";

std::string json_body() {
  std::string body = R"({"messages":[{"role":"user","content":")";
  while (body.size() < kBody - 4) body += R"(    return total + item.price;\n)";
  body.resize(kBody - 4);
  return body + "\"}]}";
}

std::string with_length() {
  return "POST /v1/messages HTTP/1.1\r\n" + kFields +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n" +
         json_body();
}

std::string chunked(size_t chunk) {
  std::string out = "POST /v1/messages HTTP/1.1\r\n" + kFields +
                    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = json_body();
  for (size_t at = 0; at < body.size(); at += chunk) {
    const size_t size = std::min(chunk, body.size() - at);
    char line[32];
    const int length = std::snprintf(line, sizeof line, "%zx\r\n", size);
    out.append(line, static_cast<size_t>(length));
    out.append(body, at, size);
    out += "\r\n";
  }
  return out + "0\r\n\r\n";
}

std::string gets(size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    out += "GET /item/" + std::to_string(i) + " HTTP/1.1\r\n" + kFields + "\r\n";
  }
  return out;
}

void decode(benchmark::State& state, const std::string& text, size_t requests, size_t body,
            bool mid_stream = false) {
  const weir::Limits limits;
  Http1Counters counters;
  for (auto _ : state) {
    CountingSink sink;
    Http1Decoder decoder(limits, counters, sink);
    if (mid_stream) decoder.set_mid_stream();
    ByteSpan rest = weir::as_bytes(text);
    while (!rest.empty()) {
      const size_t size = std::min(kSegment, rest.size());
      if (decoder.on_data(Direction::kToServer, rest.first(size)) != DecodeStatus::kContinue) break;
      rest = rest.subspan(size);
    }
    decoder.on_end(Direction::kToServer, EndReason::kComplete);
    if (sink.requests != requests || sink.ended != requests || sink.body != body) {
      state.SkipWithError("wrong answer");
      break;
    }
    benchmark::DoNotOptimize(sink.fields);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
  state.counters["requests/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(requests),
                         benchmark::Counter::kIsRate);
}

void BM_BodyOfKnownLength(benchmark::State& state) { decode(state, with_length(), 1, kBody); }
BENCHMARK(BM_BodyOfKnownLength);

// The argument is the size of a chunk.
void BM_ChunkedBody(benchmark::State& state) {
  decode(state, chunked(static_cast<size_t>(state.range(0))), 1, kBody);
}
BENCHMARK(BM_ChunkedBody)->Arg(64)->Arg(1024)->Arg(16'384);

void BM_SmallGets(benchmark::State& state) { decode(state, gets(200), 200, 0); }
BENCHMARK(BM_SmallGets);

// Framing lost: the whole body is searched for a request line.
void BM_Resynchronise(benchmark::State& state) {
  const std::string body = json_body();
  decode(state, body + "GET / HTTP/1.1\r\n\r\n", 2, body.size(), true);
}
BENCHMARK(BM_Resynchronise);

// Answers are passed over by count.
void BM_AnswerBodies(benchmark::State& state) {
  const weir::Limits limits;
  Http1Counters counters;
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
      std::to_string(kBody) + "\r\n\r\n" + json_body();
  for (auto _ : state) {
    CountingSink sink;
    Http1Decoder decoder(limits, counters, sink);
    const uint64_t before = counters.answers.get();
    ByteSpan rest = weir::as_bytes(answer);
    while (!rest.empty()) {
      const size_t size = std::min(kSegment, rest.size());
      if (decoder.on_data(Direction::kToClient, rest.first(size)) != DecodeStatus::kContinue) break;
      rest = rest.subspan(size);
    }
    if (counters.answers.get() != before + 1 || counters.answers_abandoned.get() != 0) {
      state.SkipWithError("wrong answer");
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(answer.size()));
}
BENCHMARK(BM_AnswerBodies);

}  // namespace
