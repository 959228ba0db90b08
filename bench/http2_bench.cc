// HTTP/2 and WebSocket decoding of requests, in segments as TCP reassembly gives them. The sink
// adds up the body bytes; the answer is checked.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "inspect/http/http2_decoder.h"
#include "inspect/http/websocket_decoder.h"

namespace {

using weir::ByteSpan;
using weir::Direction;
using namespace weir::inspect;

constexpr size_t kSegment = 1448;
constexpr size_t kBody = 100'000;
constexpr size_t kFrame = 16'384;

class CountingSink final : public MessageSink {
 public:
  uint64_t requests = 0;
  uint64_t ended = 0;
  uint64_t body = 0;
  uint64_t fields = 0;
  uint64_t sum = 0;
  BodyChoice on_request(const MessageHead& head) noexcept override {
    ++requests;
    fields += head.fields.size();
    return BodyChoice::kInspect;
  }
  void on_body(uint64_t, ByteSpan data, uint64_t) noexcept override {
    body += data.size();
    sum += data.front() + uint64_t{data.back()};
  }
  void on_body_gap(uint64_t, uint64_t) noexcept override {}
  void on_request_end(uint64_t, EndReason reason) noexcept override {
    ended += reason == EndReason::kComplete ? 1 : 0;
  }
  void on_tunnel(const TunnelInfo&) noexcept override {}
  void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
  void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
  void on_tunnel_end(uint64_t, EndReason) noexcept override {}
};

std::string frame(int type, int flags, size_t stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(payload.size() >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out.append(payload);
}

// A literal field that enters the dynamic table.
std::string field(std::string_view name, std::string_view value) {
  std::string out = "\x40";
  out.push_back(static_cast<char>(name.size()));
  out.append(name);
  out.push_back(static_cast<char>(value.size()));
  return out.append(value);
}

std::string first_block() {
  return "\x83\x87" + field(":authority", "api.llm.example") + field(":path", "/v1/messages") +
         field("user-agent", "agent-cli/1.0 (external, cli)") +
         field("content-type", "application/json") +
         field("authorization", "Bearer 0123456789abcdef0123456789abcdef") + field("x-app", "cli");
}
// The same from the table.
std::string later_block() { return "\x83\x87\xc3\xc2\xc1\xc0\xbf\xbe"; }

std::string hello() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, std::string("\0\3\0\0\0\x64", 6));
}

std::string json_body() {
  std::string body = R"({"messages":[{"role":"user","content":")";
  while (body.size() < kBody - 4) body += R"(    return total + item.price;\n)";
  body.resize(kBody - 4);
  return body + "\"}]}";
}

// `streams` requests at once, their frames of `size` in turn.
std::string uploads(size_t streams, size_t size) {
  const std::string body = json_body();
  std::string out = hello();
  for (size_t i = 0; i < streams; ++i) {
    out += frame(1, 4, 2 * i + 1, i == 0 ? first_block() : later_block());
  }
  for (size_t at = 0; at < body.size(); at += size) {
    for (size_t i = 0; i < streams; ++i) {
      out += frame(0, at + size >= body.size() ? 1 : 0, 2 * i + 1, body.substr(at, size));
    }
  }
  return out;
}

template <typename Make>
void decode(benchmark::State& state, const std::string& text, size_t requests, size_t body,
            const Make& make) {
  for (auto _ : state) {
    CountingSink sink;
    auto decoder = make(sink);
    ByteSpan rest = weir::as_bytes(text);
    while (!rest.empty()) {
      const size_t size = std::min(kSegment, rest.size());
      if (decoder->on_data(Direction::kToServer, rest.first(size)) != DecodeStatus::kContinue) {
        break;
      }
      rest = rest.subspan(size);
    }
    decoder->on_end(Direction::kToServer, EndReason::kComplete);
    if (sink.requests != requests || sink.ended != requests || sink.body != body) {
      state.SkipWithError("wrong answer");
      break;
    }
    benchmark::DoNotOptimize(sink.sum);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
  state.counters["requests/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(requests),
                         benchmark::Counter::kIsRate);
}

void decode_http2(benchmark::State& state, const std::string& text, size_t requests, size_t body) {
  const weir::Limits limits;
  Http2Counters counters;
  WebSocketCounters websocket;
  decode(state, text, requests, body, [&](MessageSink& sink) {
    return std::make_unique<Http2Decoder>(limits, counters, websocket, sink);
  });
}

// The arguments: streams at once, size of a DATA frame.
void BM_Uploads(benchmark::State& state) {
  const auto streams = static_cast<size_t>(state.range(0));
  decode_http2(state, uploads(streams, static_cast<size_t>(state.range(1))), streams,
               streams * kBody);
}
BENCHMARK(BM_Uploads)->Args({1, kFrame})->Args({8, kFrame})->Args({8, 1024})->Args({100, 1024});

void BM_SmallRequests(benchmark::State& state) {
  constexpr size_t kRequests = 200;
  std::string text = hello();
  for (size_t i = 0; i < kRequests; ++i) {
    text += frame(1, 5, 2 * i + 1, i == 0 ? first_block() : later_block());
  }
  decode_http2(state, text, kRequests, 0);
}
BENCHMARK(BM_SmallRequests);

// Frames of 16 KB, masked.
void BM_WebSocketMessages(benchmark::State& state) {
  const std::string body = json_body();
  const std::string_view mask = "\x12\x34\xab\xcd";
  std::string text;
  for (size_t at = 0; at < body.size(); at += kFrame) {
    const std::string part = body.substr(at, kFrame);
    text += static_cast<char>((at == 0 ? 1 : 0) | (at + kFrame >= body.size() ? 0x80 : 0));
    text += '\xfe';
    text += static_cast<char>(part.size() >> 8);
    text += static_cast<char>(part.size());
    text += mask;
    for (size_t i = 0; i < part.size(); ++i) text += static_cast<char>(part[i] ^ mask[i % 4]);
  }
  const weir::Limits limits;
  WebSocketCounters counters;
  decode(state, text, 1, kBody, [&](MessageSink& sink) {
    return std::make_unique<WebSocketDecoder>(limits, counters, sink, WebSocketOrigin{});
  });
}
BENCHMARK(BM_WebSocketMessages);

// A start in the middle of a body: all of it is searched for frames.
void BM_SearchFrames(benchmark::State& state) {
  const std::string body = json_body();
  const std::string text = body + frame(0, 1, 5, "found") + frame(6, 0, 0, "pingpong");
  const weir::Limits limits;
  Http2Counters counters;
  WebSocketCounters websocket;
  decode(state, text, 2, kBody + 5, [&](MessageSink& sink) {
    auto decoder = std::make_unique<Http2Decoder>(limits, counters, websocket, sink);
    decoder->set_mid_stream();
    return decoder;
  });
}
BENCHMARK(BM_SearchFrames);

}  // namespace
