// HTTP/3 by hand and by nghttp3's encoder: frames, the dynamic table of QPACK, blocked streams,
// gaps. Transcripts must not depend on how streams are cut.
#include <gtest/gtest.h>
#include <nghttp3/nghttp3.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/lab/quic_session.h"
#include "inspect/http/http3_decoder.h"
#include "tests/inspect/http/message_transcript.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using lab::Bytes;
using lab::http3_frame;
using lab::qpack_literals;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr uint64_t kControl = 2;
constexpr uint64_t kEncoder = 6;
constexpr uint64_t kServerControl = 3;

struct Feed {
  Limits limits;
  Http3Counters counters;
  WebSocketCounters websocket;
  test::MessageTranscript sink;
  Http3Decoder decoder{limits, counters, websocket, sink};
  std::array<uint64_t, 64> at{};

  void data(uint64_t stream, ByteSpan bytes) {
    decoder.on_data(stream, bytes, at[stream]);
    at[stream] += bytes.size();
  }
  void gap(uint64_t stream, uint64_t bytes) {
    decoder.on_gap(stream, bytes);
    at[stream] += bytes;
  }
  void end(uint64_t stream) { decoder.on_end(stream, EndReason::kComplete); }
  std::string finish() {
    decoder.finish(EndReason::kTimeout);
    EXPECT_TRUE(sink.all_ended());
    return sink.take();
  }
};

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Fields post(const std::string& path) {
  return {{":method", "POST"}, {":scheme", "https"},           {":authority", "api.example.com"},
          {":path", path},     {"content-type", "text/plain"}, {"user-agent", "tool/1"}};
}

Bytes headers(const Fields& fields) { return http3_frame(1, qpack_literals(fields)); }
Bytes data_frame(std::string_view text) { return http3_frame(0, as_bytes(text)); }

// nghttp3 as a client's encoder.
class Encoder {
 public:
  explicit Encoder(size_t capacity) {
    EXPECT_EQ(nghttp3_qpack_encoder_new(&encoder_, capacity, nghttp3_mem_default()), 0);
    nghttp3_qpack_encoder_set_max_dtable_capacity(encoder_, capacity);
    nghttp3_qpack_encoder_set_max_blocked_streams(encoder_, 100);
  }
  ~Encoder() { nghttp3_qpack_encoder_del(encoder_); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // The header block; what goes to the encoder stream is put behind `instructions`.
  Bytes encode(int64_t stream, const Fields& fields, Bytes& instructions) {
    std::vector<nghttp3_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({const_cast<uint8_t*>(as_bytes(name).data()),
                      const_cast<uint8_t*>(as_bytes(value).data()), name.size(), value.size(),
                      NGHTTP3_NV_FLAG_NONE});
    }
    nghttp3_buf prefix;
    nghttp3_buf block;
    nghttp3_buf out;
    nghttp3_buf_init(&prefix);
    nghttp3_buf_init(&block);
    nghttp3_buf_init(&out);
    EXPECT_EQ(nghttp3_qpack_encoder_encode(encoder_, &prefix, &block, &out, stream, list.data(),
                                           list.size()),
              0);
    instructions.insert(instructions.end(), out.pos, out.last);
    Bytes all(prefix.pos, prefix.last);
    all.insert(all.end(), block.pos, block.last);
    for (nghttp3_buf* buffer : {&prefix, &block, &out}) {
      nghttp3_buf_free(buffer, nghttp3_mem_default());
    }
    return all;
  }

 private:
  nghttp3_qpack_encoder* encoder_ = nullptr;
};

Bytes server_settings(uint64_t capacity) {
  lab::ByteWriter settings;
  settings.u8(0x01);
  lab::put_quic_varint(settings, capacity);
  settings.u8(0x07).u8(16);
  return Bytes{0x00} + http3_frame(4, settings.span());
}

TEST(Http3Decoder, ARequestWithABodyInTwoFrames) {
  Feed run;
  const Bytes head = headers(post("/v1"));
  run.data(0, head + data_frame("hello ") + data_frame("world"));
  run.end(0);
  const std::string at = std::to_string(head.size() + 2);
  EXPECT_EQ(run.finish(),
            "request 0 @0 [h3] POST /v1 at api.example.com type text/plain agent tool/1\n"
            "  content-type=text/plain\n  user-agent=tool/1\n"
            "body 0 @" +
                at + " hello \nbody 0 @" + std::to_string(head.size() + 10) +
                " world\nend 0 complete\n");
  EXPECT_EQ(run.counters.requests.get(), 1U);
}

TEST(Http3Decoder, TheCutDoesNotMatter) {
  const Bytes stream = http3_frame(0x21, Bytes(10)) + headers(post("/a")) + data_frame("first") +
                       data_frame("") + http3_frame(0x40, Bytes(100, 'q')) + data_frame("second") +
                       headers({{"trailer", "x"}});
  test::split_check(stream, [](const std::vector<ByteSpan>& chunks) {
    Feed run;
    for (const ByteSpan chunk : chunks) run.data(0, chunk);
    run.end(0);
    EXPECT_EQ(run.counters.trailers.get(), 1U);
    EXPECT_EQ(run.counters.frames_skipped.get(), 1U);
    EXPECT_EQ(run.counters.frames_handed_on.get(), 1U);
    return run.finish();
  });
}

TEST(Http3Decoder, TheDynamicTableIsFollowed) {
  Encoder encoder(4096);
  Bytes instructions{0x02};
  std::vector<Bytes> blocks;
  for (int64_t i = 0; i < 4; ++i)
    blocks.push_back(encoder.encode(i * 4, post("/same"), instructions));
  ASSERT_GT(instructions.size(), 10U);
  ASSERT_LT(blocks[3].size(), 20U);  // references, most of it
  const auto feed = [&](bool settings, bool table_first, const std::vector<ByteSpan>& cut) {
    Feed run;
    if (settings) run.decoder.on_server_data(kServerControl, server_settings(4096));
    if (table_first) {
      for (const ByteSpan part : cut) run.data(kEncoder, part);
    }
    for (uint64_t i = 0; i < 4; ++i) {
      run.data(i * 4, http3_frame(1, blocks[i]) + data_frame("body " + std::to_string(i)));
      run.end(i * 4);
    }
    if (!table_first) {
      for (const ByteSpan part : cut) run.data(kEncoder, part);
    }
    EXPECT_EQ(run.counters.qpack_errors.get(), 0U);
    EXPECT_EQ(run.counters.unknown_fields.get(), 0U);
    EXPECT_EQ(run.counters.requests.get(), 4U);
    return run.finish();
  };
  const std::string expected = feed(true, true, {instructions});
  EXPECT_NE(expected.find("request 12 @0 [h3] POST /same at api.example.com type text/plain"),
            std::string::npos);
  EXPECT_NE(expected.find("body 3"), std::string::npos);
  // Without the server's settings, with the table behind the requests, and cut anywhere.
  EXPECT_EQ(feed(false, true, {instructions}), expected);
  EXPECT_EQ(feed(true, false, {instructions}), expected);
  EXPECT_EQ(feed(false, false, {instructions}), expected);
  test::split_check(instructions,
                    [&](const std::vector<ByteSpan>& chunks) { return feed(false, true, chunks); });
}

TEST(Http3Decoder, AnEncoderStreamWithAHoleLeavesBodiesAndLiterals) {
  Encoder encoder(4096);
  Bytes instructions{0x02};
  const Bytes first = encoder.encode(0, post("/one"), instructions);
  Fields fields = post("/one");
  fields.emplace_back("x-new", "never seen before");
  const Bytes second = encoder.encode(4, fields, instructions);
  Feed run;
  run.decoder.on_server_data(kServerControl, server_settings(4096));
  run.data(kEncoder, ByteSpan(instructions).first(3));
  run.data(0, http3_frame(1, first) + data_frame("waiting"));
  run.end(0);
  EXPECT_EQ(run.counters.blocked_blocks.get(), 1U);
  EXPECT_EQ(run.counters.requests.get(), 0U);
  run.gap(kEncoder, 20);
  run.data(kEncoder, ByteSpan(instructions).subspan(23));
  run.data(4, http3_frame(1, second) + data_frame("read nevertheless"));
  run.end(4);
  const std::string text = run.finish();
  EXPECT_NE(text.find("waiting\nend 0 complete"), std::string::npos) << text;
  EXPECT_NE(text.find("read nevertheless\nend 4 complete"), std::string::npos) << text;
  EXPECT_NE(text.find("[h3] POST "), std::string::npos) << text;  // of the static table
  EXPECT_GT(run.counters.unknown_fields.get(), 0U);
  EXPECT_EQ(run.counters.qpack_table_lost.get(), 1U);
}

TEST(Http3Decoder, OnlySoManyStreamsWait) {
  Feed run;
  run.decoder.on_server_data(kServerControl, server_settings(4096));
  const Bytes block{0x02, 0x00, 0x80};  // needs the first entry
  for (uint64_t i = 0; i < 200; ++i) {
    run.decoder.on_data(4 * i, http3_frame(1, block), 0);
  }
  EXPECT_EQ(run.counters.blocked_given_up.get(), 72U);
  (void)run.finish();
  EXPECT_EQ(run.counters.blocked_given_up.get(), 200U);
}

TEST(Http3Decoder, BlockedStreamsAreBounded) {
  Encoder encoder(4096);
  Bytes instructions{0x02};
  const Bytes block = encoder.encode(0, post("/one"), instructions);
  Feed run;
  run.limits.http3_blocked_bytes = 1000;
  run.data(0, http3_frame(1, block));
  for (int i = 0; i < 5; ++i) run.data(0, data_frame(std::string(300, 'x')));
  EXPECT_EQ(run.counters.blocked_given_up.get(), 1U);
  EXPECT_EQ(run.counters.requests.get(), 1U);
  EXPECT_EQ(run.counters.body_bytes.get(), 1500U);
  run.end(0);
  EXPECT_NE(run.finish().find("end 0 complete"), std::string::npos);
}

TEST(Http3Decoder, ATableLargerThanTheLimitIsNotFollowed) {
  Encoder encoder(1U << 20);
  Bytes instructions{0x02};
  const Bytes block = encoder.encode(0, post("/one"), instructions);
  Feed run;
  run.decoder.on_server_data(kServerControl, server_settings(1U << 20));
  run.data(kEncoder, instructions);
  run.data(0, http3_frame(1, block) + data_frame("body"));
  run.end(0);
  EXPECT_NE(run.finish().find(" body\nend 0 complete"), std::string::npos);
  EXPECT_EQ(run.counters.qpack_table_lost.get(), 1U);
}

TEST(Http3Decoder, GapsAreExactInAFrameAndTheRestIsReadBehindOthers) {
  Feed run;
  run.data(0, headers(post("/a")) + http3_frame(0, Bytes{'a', 'b'}) + Bytes{0x00, 0x0a, 'c'});
  run.gap(0, 4);
  run.data(0, Bytes{'d', 'e', 'f', 'g', 'h'} + data_frame("next"));
  run.gap(0, 50);
  run.data(0, as_bytes("no frame"));
  run.end(0);
  const std::string text = run.finish();
  EXPECT_NE(text.find("gap 0 4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("gap 0 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" no frame\nend 0 complete"), std::string::npos) << text;
  EXPECT_EQ(run.counters.framing_lost.get(), 1U);
}

TEST(Http3Decoder, AStreamThatBeginsInTheMiddleIsReadWithoutAName) {
  Feed run;
  run.gap(0, 100);
  run.data(0, as_bytes("the middle of a body"));
  run.end(0);
  EXPECT_EQ(run.finish(),
            "request 0 @100 [h3]   at \nbody 0 @100 the middle of a body\nend 0 complete\n");
  EXPECT_EQ(run.counters.nameless_requests.get(), 1U);
}

TEST(Http3Decoder, UnknownOneWayStreamsAreReadWhenLong) {
  Feed run;
  for (const uint64_t id : {kControl, uint64_t{10}})
    run.data(id, lab::http3_client_streams()[id / 4]);
  run.data(14, Bytes{0x21, 'G', 'R', 'E', 'A', 'S', 'E'});
  run.end(14);
  run.data(18, Bytes{0x40, 0x54} + Bytes(65, 'w'));
  run.end(18);
  const std::string raw = std::to_string(Http3Decoder::kRawStream + 18);
  EXPECT_EQ(run.finish(), "request " + raw + " @2 [h3]   at \nbody " + raw + " @2 " +
                              std::string(65, 'w') + "\nend " + raw + " complete\n");
}

TEST(Http3Decoder, ExtendedConnectIsAWebSocket) {
  Feed run;
  run.data(0, headers({{":method", "CONNECT"},
                       {":protocol", "websocket"},
                       {":scheme", "https"},
                       {":authority", "ws.example.com"},
                       {":path", "/chat"}}));
  // A masked text frame.
  run.data(0, http3_frame(0, Bytes{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'}));
  run.end(0);
  const std::string text = run.finish();
  EXPECT_NE(text.find("request 0 @0 [h3] CONNECT /chat at ws.example.com"), std::string::npos);
  EXPECT_NE(text.find("[ws] MESSAGE /chat at ws.example.com"), std::string::npos) << text;
  EXPECT_NE(text.find(" hi\n"), std::string::npos) << text;
}

TEST(Http3Decoder, ConnectOpensATunnelWithTheFirstBytes) {
  for (const bool extended : {false, true}) {
    Feed run;
    Fields fields{{":method", "CONNECT"}, {":authority", "b.example:443"}};
    if (extended) {
      fields.insert(fields.begin() + 1, {{":protocol", "connect-udp"}, {":path", "/masque"}});
    }
    run.data(0, headers(fields));
    EXPECT_EQ(run.counters.tunnels.get(), 0U);
    run.data(0, http3_frame(0, as_bytes("inside")));
    run.data(0, Bytes{0x00, 0x04, 'x'});  // a frame that is cut
    run.gap(0, 3);
    run.end(0);
    EXPECT_EQ(run.counters.tunnels.get(), 1U);
    const std::string text = run.finish();
    EXPECT_NE(text.find(extended ? "connect-udp" : "b.example:443"), std::string::npos) << text;
    EXPECT_NE(text.find("inside"), std::string::npos) << text;
    EXPECT_EQ(text.find("body 0"), std::string::npos) << text;
  }
  // Refused, or not used: nothing is known of a tunnel.
  Feed run;
  run.data(0, headers({{":method", "CONNECT"}, {":authority", "b.example:443"}}));
  run.end(0);
  EXPECT_EQ(run.finish().find("tunnel"), std::string::npos);
}

// Heads that are not whole, of many connections: beyond the budget they are cut.
TEST(Http3Decoder, HeadsShareABudget) {
  Counter refused;
  ByteBudget room(1024, refused);
  Feed run;
  Http3Decoder decoder(run.limits, run.counters, run.websocket, run.sink, &room);
  Fields fields = post("/long");
  fields.emplace_back("x-filler", std::string(3000, 'f'));
  const Bytes block = headers(fields);
  decoder.on_data(0, ByteSpan(block).first(block.size() - 1), 0);
  EXPECT_EQ(refused.get(), 1U);
  EXPECT_LE(room.used(), 1024U);
  decoder.on_data(0, ByteSpan(block).last(1), block.size() - 1);
  decoder.on_end(0, EndReason::kComplete);
  decoder.finish(EndReason::kTimeout);
  EXPECT_EQ(run.counters.blocks_cut.get(), 1U);
  EXPECT_EQ(room.used(), 0U);
}

TEST(Http3Decoder, HostileNumbersEndNothing) {
  Feed run;
  run.limits.header_bytes = 256;
  run.data(0, Bytes{0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff} + Bytes(5000, 0xff));
  run.data(4, Bytes{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'x'});
  run.data(8, http3_frame(1, Bytes{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  run.data(12, http3_frame(1, Bytes{0x00, 0x00, 0x80}));  // a reference without a table
  run.data(kEncoder, Bytes{0x02, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  run.decoder.on_server_data(kServerControl, Bytes{0x00, 0x04, 0x02, 0x01, 0xff});
  (void)run.finish();
  EXPECT_GT(run.counters.qpack_errors.get(), 0U);
  EXPECT_EQ(run.counters.blocks_cut.get(), 1U);
}

TEST(Http3Decoder, StreamsAreBounded) {
  Feed run;
  run.limits.quic_streams = 3;
  for (uint64_t id = 0; id < 40; id += 4) run.data(id, headers(post("/a")));
  EXPECT_EQ(run.counters.streams_dropped.get(), 7U);
  EXPECT_EQ(run.counters.requests.get(), 3U);
  const size_t size = headers(post("/a")).size();
  EXPECT_EQ(run.counters.dropped_bytes.get(), 7 * size);
  EXPECT_EQ(run.decoder.unread_bytes(), 7 * size);
  (void)run.finish();
}

TEST(Http3Decoder, WhatIsNotInspectedIsCounted) {
  Feed run;
  run.data(kControl, Bytes{0x00, 0x04, 0x00});                         // SETTINGS
  run.data(14, Bytes{0x21, 'G', 'R', 'E', 'A', 'S', 'E'});             // a stream of no use
  run.data(0, http3_frame(0x21, Bytes(9, 'g')) + headers(post("/")));  // a frame of no use
  (void)run.finish();
  EXPECT_EQ(run.counters.control_bytes.get(), 2U);
  EXPECT_EQ(run.counters.skipped_bytes.get(), 6U + 9U);
}

}  // namespace
}  // namespace weir::inspect
