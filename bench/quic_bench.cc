// QUIC from datagrams to request bodies: 1-RTT packets of 1,200 bytes opened, their frames read,
// streams put in order, HTTP/3 decoded. Everything but finding the connection and the detector.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/lab/quic_session.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/quic_connection.h"
#include "inspect/http/http3_decoder.h"

namespace weir::inspect {
namespace {

constexpr size_t kBody = 100'000;

class CountingSink final : public MessageSink {
 public:
  BodyChoice on_request(const MessageHead&) noexcept override {
    ++requests;
    return BodyChoice::kInspect;
  }
  void on_body(uint64_t, ByteSpan data, uint64_t) noexcept override { bytes += data.size(); }
  void on_body_gap(uint64_t, uint64_t) noexcept override { bytes += 1U << 30; }
  void on_request_end(uint64_t, EndReason) noexcept override { ++ends; }
  void on_tunnel(const TunnelInfo&) noexcept override {}
  void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
  void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
  void on_tunnel_end(uint64_t, EndReason) noexcept override {}
  uint64_t requests = 0;
  uint64_t bytes = 0;
  uint64_t ends = 0;
};

class Http3Sink final : public QuicSink {
 public:
  Http3Sink(const Limits& limits, MessageSink& sink)
      : decoder_(limits, counters_, websocket_, sink) {}
  void on_stream_data(Direction d, uint64_t stream, ByteSpan data,
                      uint64_t offset) noexcept override {
    if (d == Direction::kToServer) decoder_.on_data(stream, data, offset);
  }
  void on_stream_gap(Direction, uint64_t stream, uint64_t bytes) noexcept override {
    decoder_.on_gap(stream, bytes);
  }
  void on_stream_end(Direction, uint64_t stream, EndReason reason) noexcept override {
    decoder_.on_end(stream, reason);
  }
  void on_datagram_frame(ByteSpan) noexcept override {}
  void on_connection_id(ByteSpan) noexcept override {}
  void on_connection_id_gone(ByteSpan) noexcept override {}

 private:
  Http3Counters counters_;
  WebSocketCounters websocket_;
  Http3Decoder decoder_;
};

void requests_of_100_kb(benchmark::State& state) {
  lab::LabRandom random(1);
  lab::QuicPlan plan;
  plan.host = "api.example.com";
  plan.suite = static_cast<uint16_t>(state.range(0));
  lab::QuicSession session(random, plan);
  const auto handshake = session.handshake();
  lab::HttpRequest request;
  request.host = plan.host;
  request.target = "/v1";
  request.content_type = "text/plain";
  request.body = std::string(kBody, 'x');
  const lab::Bytes bytes = lab::http3_request(request);
  constexpr uint64_t kRequests = 20;
  std::vector<lab::Bytes> packets;
  size_t wire = 0;
  for (uint64_t i = 0; i < kRequests; ++i) {
    for (size_t from = 0; from < bytes.size(); from += 1160) {
      const size_t size = std::min<size_t>(bytes.size() - from, 1160);
      packets.push_back(
          session.packet(Direction::kToServer,
                         lab::quic_stream_frame(4 * i, from, ByteSpan(bytes).subspan(from, size),
                                                from + size == bytes.size())));
      wire += packets.back().size();
    }
  }
  const Limits limits;
  KeyStore keys;
  KeyLogCounters log_counters;
  KeyLogParser parser(keys, log_counters);
  parser.feed(as_bytes(session.key_log()), {1});
  TlsCounters tls;
  DecryptCounters decrypt;
  QuicDecryptCounters counters;
  DecryptServices shared{limits, keys, tls, decrypt};
  QuicDecryptServices services{shared, counters};
  for (auto _ : state) {
    CountingSink sink;
    Http3Sink http3(limits, sink);
    QuicConnection connection(services, http3, false);
    if (!connection.begin(handshake.front().bytes)) state.SkipWithError("no connection");
    for (const auto& datagram : handshake) {
      connection.on_datagram(datagram.direction, datagram.bytes, {1});
    }
    for (const lab::Bytes& packet : packets) {
      connection.on_datagram(Direction::kToServer, packet, {2});
    }
    connection.finish(EndReason::kTimeout);
    if (sink.requests != kRequests || sink.ends != kRequests || sink.bytes != kRequests * kBody) {
      state.SkipWithError("not every body came out");
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * wire));
}
BENCHMARK(requests_of_100_kb)->Arg(0x1301)->Arg(0x1302)->Arg(0x1303);

}  // namespace
}  // namespace weir::inspect
