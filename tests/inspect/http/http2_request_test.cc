// Requests of HTTP/2 connections whose beginning is seen.
#include <gmock/gmock.h>

#include "tests/inspect/http/http2_traffic.h"

namespace weir::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Http2Decoder, ARequestWithHeadersBodyAndEnd) {
  Hpack hpack;
  const std::string block =
      hpack.encode(post("/v1/messages?beta=true", {{"user-agent", "cli/1"},
                                                   {"content-type", "application/json"},
                                                   {"content-length", "11"},
                                                   {"content-encoding", "gzip"},
                                                   {"x-app", "cli"}}));
  const std::string text =
      hello() + headers(1, block) + data(1, "hello ") + data(1, "world", kEndStream);
  const Decoded2 run = check2(text);
  const size_t head = hello().size();
  const size_t body = head + 9 + block.size() + 9;
  EXPECT_EQ(run.transcript,
            "request 1 @" + std::to_string(head) +
                " [h2] POST /v1/messages?beta=true at api.example length 11 coded gzip type "
                "application/json agent cli/1\n  user-agent=cli/1\n  "
                "content-type=application/json\n  content-length=11\n  content-encoding=gzip\n  "
                "x-app=cli\nbody 1 @" +
                std::to_string(body) + " hello \nbody 1 @" + std::to_string(body + 6 + 9) +
                " world\nend 1 complete\n");
  EXPECT_EQ(run.counters.requests.get(), 1U);
  EXPECT_EQ(run.counters.body_bytes.get(), 11U);
  EXPECT_EQ(run.counters.hpack_errors.get(), 0U);
}

TEST(Http2Decoder, TheDynamicTableServesLaterRequests) {
  Hpack hpack;
  std::string text = hello();
  for (const uint32_t id : {1U, 3U, 5U}) {
    text += headers(id, hpack.encode(post("/p", {{"x-token", "constant-value"}})),
                    kEndHeaders | kEndStream);
  }
  const Decoded2 run = check2(text);
  for (const char* id : {"1", "3", "5"}) {
    EXPECT_THAT(run.transcript, HasSubstr(std::string("end ") + id + " complete"));
  }
  EXPECT_EQ(run.counters.requests.get(), 3U);
  size_t seen = 0;
  for (size_t at = 0; (at = run.transcript.find("x-token=constant-value", at)) != std::string::npos;
       ++at) {
    ++seen;
  }
  EXPECT_EQ(seen, 3U);
}

TEST(Http2Decoder, LargerAndSmallerTablesAreTakenAsTheyAreSignalled) {
  Hpack hpack(65536);
  hpack.set_table(65536);
  std::string text = hello();
  for (uint32_t i = 0; i < 200; ++i) {
    text += headers(2 * i + 1,
                    hpack.encode(post("/" + std::to_string(i % 100),
                                      {{"x-" + std::to_string(i % 100), std::string(60, 'v')}})),
                    kEndHeaders | kEndStream);
    if (i == 150) hpack.set_table(100);
  }
  const Decoded2 run = play2({up(text)});
  EXPECT_EQ(run.counters.hpack_errors.get(), 0U);
  EXPECT_EQ(run.counters.requests.get(), 200U);
  EXPECT_THAT(run.transcript, HasSubstr("request 399 @"));
}

TEST(Http2Decoder, PaddingPriorityAndContinuation) {
  const std::string block = literals(post("/pad"));
  const std::string text =
      hello() +
      frame(1, kPadded | kPriority, 1,
            padded(std::string("\x80\0\0\0\x10", 5) + block.substr(0, 10), 9)) +
      frame(9, 0, 1, block.substr(10, 20)) + frame(9, 0, 1) +
      frame(9, kEndHeaders, 1, block.substr(30)) + data(1, padded("text", 7), kPadded) +
      data(1, padded("", 200), kPadded) + data(1, padded(" more", 0), kPadded | kEndStream);
  const Decoded2 run = check2(text);
  EXPECT_THAT(run.transcript, HasSubstr("POST /pad at api.example\nbody 1"));
  EXPECT_THAT(play2({up(text)}, 0, {}, false, false).transcript,
              HasSubstr("body 1 text more\nend 1 complete\n"));
  EXPECT_EQ(run.counters.padding_bytes.get(), 216U);
  EXPECT_EQ(run.counters.continuations.get(), 3U);
  EXPECT_EQ(run.counters.odd_frames.get(), 0U);
}

TEST(Http2Decoder, InterleavedStreamsTrailersAndControlFrames) {
  Hpack hpack;
  std::string text = hello() + headers(1, hpack.encode(post("/a"))) + data(1, "a1");
  text += frame(4, 1, 0) + headers(3, hpack.encode(post("/b"))) + data(3, "b1") + ping();
  text += data(1, "a2") + frame(8, 0, 3, std::string("\0\0\1\0", 4)) + data(3, "b2");
  text += headers(1, hpack.encode({{"grpc-status", "0"}}), kEndHeaders | kEndStream);
  text += frame(7, 0, 0, std::string(8, '\0')) + data(3, "b3", kEndStream);
  const Decoded2 run = check2(text);
  const std::string joined = play2({up(text)}, 0, {}, false, false).transcript;
  EXPECT_THAT(joined, HasSubstr("body 1 a2\nbody 3 b2\nend 1 complete\nbody 3 b3\nend 3 comp"));
  EXPECT_THAT(run.transcript, Not(HasSubstr("grpc-status")));
  EXPECT_EQ(run.counters.trailers.get(), 1U);
  EXPECT_EQ(run.counters.goaways.get(), 1U);
}

TEST(Http2Decoder, ResetsOfEitherSideEndRequests) {
  Hpack hpack;
  const std::string reset = frame(3, 0, 1, std::string("\0\0\0\x08", 4));
  const std::string open = hello() + headers(1, hpack.encode(post("/a"))) + data(1, "part");
  Decoded2 run = check_play2({up(open + reset)});
  EXPECT_THAT(run.transcript, HasSubstr("part\nend 1 reset\n"));
  EXPECT_EQ(run.counters.resets_by_client.get(), 1U);
  run = check_play2({up(open), down(frame(4, 0, 0) + reset), up(data(1, "late", kEndStream))});
  EXPECT_THAT(run.transcript, HasSubstr("part\nend 1 reset\nrequest 1 @"));
  EXPECT_THAT(run.transcript, HasSubstr("late\nend 1 complete\n"));
  EXPECT_EQ(run.counters.resets_by_server.get(), 1U);
  EXPECT_EQ(run.counters.nameless_requests.get(), 1U);
}

TEST(Http2Decoder, RapidResetTakesNoMemoryAndIsCounted) {
  Hpack hpack;
  std::string text = hello();
  for (uint32_t id = 1; id < 4000; id += 2) {
    text += headers(id, hpack.encode(post("/x"))) + frame(3, 0, id, std::string("\0\0\0\x08", 4));
  }
  const Decoded2 run = play2({up(text)}, 1448);
  EXPECT_EQ(run.counters.requests.get(), 2000U);
  EXPECT_EQ(run.counters.resets_without_body.get(), 2000U);
  EXPECT_EQ(run.counters.streams_evicted.get(), 0U);
}

TEST(Http2Decoder, TheIdlestStreamMakesRoom) {
  Limits limits;
  limits.http2_streams = 2;
  const std::string text = hello() + headers(1, literals(post("/1"))) +
                           headers(3, literals(post("/3"))) + data(1, "one") +
                           headers(5, literals(post("/5"))) + data(3, "three", kEndStream) +
                           data(1, "one", kEndStream);
  const Decoded2 run = check2(text, limits);
  EXPECT_THAT(run.transcript, HasSubstr("end 3 evicted\nrequest 5"));
  EXPECT_THAT(run.transcript, HasSubstr("three\nend 3 complete"));  // nameless now
  EXPECT_EQ(run.counters.streams_evicted.get(), 2U);
}

TEST(Http2Decoder, FloodsOfContinuationAndFieldsAreCut) {
  Limits limits;
  limits.headers = 8;
  limits.header_bytes = 1024;
  limits.header_line_bytes = 256;
  std::string text = hello() + frame(1, kEndStream, 1, literals(post("/flood")));
  for (int i = 0; i < 1000; ++i) text += frame(9, 0, 1, literals({{"x", std::string(100, 'f')}}));
  text += frame(9, kEndHeaders, 1) + headers(3, literals(post("/next")), 5);
  const Decoded2 run = play2({up(text)}, 999, limits);
  EXPECT_EQ(run.counters.continuation_floods.get(), 1U);
  EXPECT_EQ(run.counters.headers_dropped.get(), 996U);
  EXPECT_LT(run.transcript.size(), 2000U);
  EXPECT_THAT(run.transcript, HasSubstr("POST /next at api.example\nend 3 complete"));
}

TEST(Http2Decoder, ABombOfIndexedFieldsKeepsWhatFits) {
  Limits limits;
  limits.header_bytes = 10'000;
  // One entry of about 4000 bytes, then a thousand references of one byte each.
  std::string block = literals(post("/bomb"));
  block += std::string("\x40\x01x\x7f\x9d\x1e", 6) + std::string(127 + 30 * 128 + 29, 'v');
  block += std::string(1000, '\xbe');
  const std::string text = hello() + headers(1, block, 5);
  const Decoded2 run = play2({up(text)}, 1000, limits);
  EXPECT_LT(run.transcript.size(), 30'000U);
  EXPECT_EQ(run.counters.hpack_errors.get(), 0U);
  EXPECT_GT(run.counters.headers_dropped.get(), 990U);
}

TEST(Http2Decoder, OddFieldsAndHostConflict) {
  const std::string text = hello() +
                           headers(1,
                                   literals({{":method", "GET"},
                                             {":path", "/1"},
                                             {":path", "/2"},
                                             {"host", "h.example"},
                                             {":authority", "late"},
                                             {"content-length", "x"},
                                             {"X-Upper", "v"}}),
                                   5) +
                           headers(3, literals(post("/", {{"host", "other"}})), 5);
  const Decoded2 run = check2(text);
  EXPECT_THAT(run.transcript, HasSubstr("GET /1 at h.example\n  :path=/2\n  host=h.example\n  "
                                        ":authority=late\n  content-length=x\n  x-upper=v\nend"));
  EXPECT_EQ(run.counters.odd_fields.get(), 3U);
  EXPECT_EQ(run.counters.host_conflict.get(), 1U);
}

TEST(Http2Decoder, ConnectOpensATunnelWithTheClientsFirstData) {
  const auto connect = [](uint32_t stream) {
    return headers(stream, literals({{":method", "CONNECT"}, {":authority", "h:443"}}));
  };
  const Decoded2 run = check2(hello() + connect(1) + connect(3) + data(1, "tunn") + data(5, "x") +
                              data(1, padded("elled", 4), kPadded | kEndStream));
  EXPECT_THAT(run.transcript, HasSubstr("[h2] CONNECT h:443 at h:443\nend 1 complete\n"));
  EXPECT_THAT(run.transcript, HasSubstr("tunnel connect h:443\nup 1 tunn\n"));
  EXPECT_THAT(run.transcript, HasSubstr("up 1 elled\ntunnel end 1 complete\n"));
  EXPECT_EQ(run.counters.tunnels.get(), 1U);
}

TEST(Http2Decoder, TheServersSideOfATunnel) {
  const std::string connect =
      hello() + headers(1, literals({{":method", "CONNECT"}, {":authority", "h:443"}}));
  const std::string answer = frame(4, 0, 0) + headers(1, literals({{":status", "200"}}));
  const Decoded2 run = check_play2(
      {up(connect), down(answer + data(1, "before the client spoke: left out")), up(data(1, "hi")),
       down(data(3, "of another") + data(1, padded("hello", 9), kPadded) + data(1, "there")),
       up(data(1, "bye"))});
  EXPECT_THAT(run.transcript,
              HasSubstr("up 1 hi\ndown 1 hellothere\nup 1 bye\ntunnel end 1 reset\n"));
}

TEST(Http2Decoder, GapsInTunnels) {
  const std::string connect =
      hello() + headers(1, literals({{":method", "CONNECT"}, {":authority", "h:443"}}));
  const std::string up_frame = data(1, "0123456789");
  const std::string down_frame = data(1, "abcdefghij");
  const Decoded2 run = check_play2({up(connect), up(up_frame.substr(0, 11)), up_gap(3),
                                    up(up_frame.substr(14)), down(down_frame.substr(0, 12)),
                                    down_gap(4), down(down_frame.substr(16)), down_gap(0)});
  EXPECT_THAT(run.transcript, HasSubstr("up 1 01\nup 1 gap 3\nup 1 56789\n"));
  EXPECT_THAT(run.transcript, HasSubstr("down 1 abc\ndown 1 gap 4\ndown 1 hij\ndown 1 gap 0\n"));
}

TEST(Http2Decoder, ARefusedConnectIsNoTunnel) {
  const std::string connect =
      hello() + headers(1, literals({{":method", "CONNECT"}, {":authority", "h:443"}}));
  const Decoded2 run =
      check_play2({up(connect), down(frame(4, 0, 0) + headers(1, literals({{":status", "407"}})) +
                                     data(1, "<html>no</html>", kEndStream))});
  EXPECT_EQ(run.transcript.find("tunnel"), std::string::npos);
  EXPECT_EQ(run.counters.tunnels.get(), 0U);
}

TEST(Http2Decoder, AWebSocketInAStream) {
  const std::string text = hello() +
                           headers(1, literals({{":method", "CONNECT"},
                                                {":protocol", "websocket"},
                                                {":scheme", "https"},
                                                {":path", "/chat"},
                                                {":authority", "ws.example"}})) +
                           data(1, "\x81\x85") + data(1, std::string("\0\0\0\0he", 6)) +
                           data(1, "llo") + headers(3, literals(post("/other")), 5) +
                           data(1, std::string("\x81\x82\1\1\1\1cb", 8), kEndStream);
  const Decoded2 run = check2(text);
  EXPECT_THAT(run.transcript,
              HasSubstr("[h2] CONNECT /chat at ws.example\nend 1 complete\nrequest 1 @"));
  EXPECT_THAT(run.transcript, HasSubstr("[ws] MESSAGE /chat at ws.example\nbody 1 @"));
  EXPECT_THAT(play2({up(text)}, 0, {}, false, false).transcript, HasSubstr("body 1 hello\nend 1 "));
  EXPECT_THAT(run.transcript, HasSubstr(" bc\nend 1 complete\n"));
  EXPECT_EQ(run.websocket.messages.get(), 2U);
}

TEST(Http2Decoder, LongFramesOfNoRequestAreHandedOn) {
  const std::string text = hello() + frame(0xbb, 0, 0, std::string(300, 'q')) +
                           frame(0xbb, 0, 0, "short") + headers(1, literals(post("/")), 5);
  const Decoded2 run = check2(text);
  EXPECT_THAT(run.transcript, HasSubstr(std::string(300, 'q') + "\nend 4294967296 complete\n"));
  EXPECT_THAT(run.transcript, Not(HasSubstr("short")));
  EXPECT_EQ(run.counters.frames_handed_on.get(), 1U);
}

TEST(Http2Decoder, SkippedBodiesAreFramedAllTheSame) {
  inspect::Http2Counters counters;
  inspect::WebSocketCounters websocket;
  MessageTranscript sink;
  sink.choice = inspect::BodyChoice::kSkip;
  const Limits limits;
  inspect::Http2Decoder decoder(limits, counters, websocket, sink);
  const std::string text = hello() + headers(1, literals(post("/1"))) +
                           data(1, "skipped", kEndStream) + headers(3, literals(post("/3")), 5);
  EXPECT_EQ(decoder.on_data(Direction::kToServer, as_bytes(text)),
            inspect::DecodeStatus::kContinue);
  const std::string transcript = sink.take();
  EXPECT_THAT(transcript, Not(HasSubstr("skipped")));
  EXPECT_THAT(transcript, HasSubstr("end 1 complete\nrequest 3"));
}

}  // namespace
}  // namespace weir::test
