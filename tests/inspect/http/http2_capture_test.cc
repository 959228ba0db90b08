// HTTP/2 in clear in real captures: authority and path of each request as tshark shows them.
// Reads ../shared; skips without it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "inspect/flow/flow_table.h"
#include "inspect/http/http2_decoder.h"
#include "inspect/stream/tcp_stream.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

struct Expected {
  const char* file;      // below ../shared
  const char* requests;  // method, authority, path and a space, each
  uint64_t body_bytes;   // of all requests, frames that the capture cuts included
};

class RequestSink final : public MessageSink {
 public:
  std::string requests;
  uint64_t body = 0;
  BodyChoice on_request(const MessageHead& head) noexcept override {
    requests.append(head.method).append(" ").append(head.authority).append(head.target) += ' ';
    return BodyChoice::kInspect;
  }
  void on_body(uint64_t, ByteSpan data, uint64_t) noexcept override { body += data.size(); }
  void on_body_gap(uint64_t, uint64_t) noexcept override {}
  void on_request_end(uint64_t, EndReason) noexcept override {}
  void on_tunnel(const TunnelInfo&) noexcept override {}
  void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
  void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
  void on_tunnel_end(uint64_t, EndReason) noexcept override {}
};

// Decodes a stream whose client begins with the preface; others are let go.
class StreamSink final : public TcpSink {
 public:
  explicit StreamSink(RequestSink& out) : decoder_(limits_, counters_, websocket_, out) {}
  void on_tcp_data(Direction d, ByteSpan data) noexcept override {
    if (d == Direction::kToServer && !known_) {
      known_ = true;
      mine_ = probe_http2(data) == ProbeAnswer::kYes;
    }
    if (mine_) (void)decoder_.on_data(d, data);
  }
  void on_tcp_gap(Direction d, uint64_t bytes) noexcept override {
    if (mine_) (void)decoder_.on_gap(d, bytes);
  }
  void on_tcp_end(Direction d, EndReason reason) noexcept override {
    if (mine_) decoder_.on_end(d, reason);
  }

 private:
  Limits limits_;
  Http2Counters counters_;
  WebSocketCounters websocket_;
  bool known_ = false;
  bool mine_ = false;
  Http2Decoder decoder_;
};

class Http2Captures : public ::testing::TestWithParam<Expected> {};

struct FlowState {
  FlowState(TcpPool& pool, RequestSink& out)
      : stream(pool), sink(std::make_unique<StreamSink>(out)) {}
  TcpStream stream;
  std::unique_ptr<StreamSink> sink;
};

TEST_P(Http2Captures, GiveTheRequestsThatTsharkShows) {
  WEIR_SHARED_OR_SKIP(shared);
  const std::filesystem::path file = shared / GetParam().file;
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " absent";
  auto source = capture::CaptureFile::open(file.string());
  ASSERT_TRUE(source);
  RequestSink out;
  TcpPool pool(Limits{});
  const auto make = [&] { return FlowState(pool, out); };
  using Table = FlowTable<FlowState, decltype(make)>;
  Table table(Limits{}, HashKey{{1, 2}}, make);
  const auto on_end = [&](Table::Entry& entry, FlowEnd) noexcept {
    entry.state.stream.finish(EndReason::kTimeout, *entry.state.sink);
  };
  capture::PacketDecoder decoder;
  RawPacket raw;
  DecodedPacket packet;
  while ((*source)->next(raw) == capture::CaptureFile::Next::kPacket) {
    if (decoder.decode(raw, packet) != capture::DecodeOutcome::kDecoded) continue;
    if (packet.protocol != static_cast<uint8_t>(IpProtocol::kTcp)) continue;
    const auto found = table.find_or_create(packet, on_end);
    found.entry->state.stream.on_segment(found.direction, packet, *found.entry->state.sink);
  }
  table.end_all(on_end);
  EXPECT_EQ(out.requests, GetParam().requests);
  EXPECT_EQ(out.body, GetParam().body_bytes);
}

INSTANTIATE_TEST_SUITE_P(
    ByFile, Http2Captures,
    ::testing::Values(
        Expected{"clients/pcap/curl-h2c-prior.pcap", "POST llm-gw.internal:8081/v1/messages ",
                 3230},
        Expected{"captures/wireshark/test/captures/grpc_person_search_json_with_image.pcapng.gz",
                 "POST localhost:50052/tutorial.PersonSearchService/Search ", 36},
        Expected{"captures/wireshark/test/captures/grpc_stream_reassembly_sample.pcapng.gz",
                 "POST 192.168.65.10:50051/streamtest.StreamTest/StreamCall "
                 "POST foo.test.google.fr/TestService/Unary ",
                 330'880}),
    [](const auto& test) {
      std::string name = std::filesystem::path(test.param.file).filename().string();
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '.' || c == '-'; }, '_');
      return name;
    });

}  // namespace
}  // namespace weir::inspect
