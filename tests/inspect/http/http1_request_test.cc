// Requests alone (a half flow): heads, bodies, framing, limits; each in every cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "inspect/http/http1_decoder.h"
#include "tests/inspect/http/decode.h"

namespace weir::inspect {
namespace {

using test::check;
using test::decode;
using test::Decoded;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Http1Decoder, RequestWithoutBody) {
  const Decoded run = check("GET /a?b=c HTTP/1.1\r\nHost: x.example\r\nUser-Agent: t/1\r\n\r\n");
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] GET /a?b=c at x.example agent t/1\n"
            "  host=x.example\n"
            "  user-agent=t/1\n"
            "end 0 complete\n");
  EXPECT_EQ(run.counters.requests.get(), 1U);
}

TEST(Http1Decoder, PipelinedBodiesOfKnownLength) {
  const Decoded run = check(
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "PUT /2 HTTP/1.0\r\nhost:h\r\ncontent-length:3\r\n\r\nabc"
      "GET /3 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] POST /1 at h length 5\n"
            "  host=h\n  content-length=5\n"
            "body 0 @48 hello\nend 0 complete\n"
            "request 1 @53 [http/1.0] PUT /2 at h length 3\n"
            "  host=h\n  content-length=3\n"
            "body 1 @98 abc\nend 1 complete\n"
            "request 2 @101 [http/1.1] GET /3 at \n"
            "end 2 complete\n");
  EXPECT_EQ(run.counters.body_bytes.get(), 8U);
  EXPECT_EQ(run.counters.bodies_with_length.get(), 2U);
}

TEST(Http1Decoder, LeniencyInLinesAndNames) {
  const Decoded run = check(
      "\r\n\n\r\nGET  /a b  HTTP/1.0\nHOST :  h \nX-Fold: one\r\n \t two\r\n\tthree\nno colon\n: \n"
      "Empty:\r\n\n"
      "PURGE /cache HTTP/1.1\r\n continued too early\r\n\r\n");
  EXPECT_EQ(run.transcript,
            "request 0 @5 [http/1.0] GET /a b at h\n"
            "  host=h\n  x-fold=one two three\n  empty=\n"
            "end 0 complete\n"
            "request 1 @85 [http/1.1] PURGE /cache at \n"
            "end 1 complete\n");
  EXPECT_EQ(run.counters.leading_blank_lines.get(), 3U);
  EXPECT_EQ(run.counters.folded_lines.get(), 2U);
  EXPECT_EQ(run.counters.odd_header_lines.get(), 4U);
}

TEST(Http1Decoder, FormsOfTarget) {
  const Decoded run = check(
      "GET http://user:pw@a.example:8080/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n"
      "GET HTTP://c.example HTTP/1.1\r\nHost: C.EXAMPLE\r\n\r\n"
      "OPTIONS * HTTP/1.1\r\nHost: d\r\n\r\n");
  EXPECT_THAT(run.transcript,
              HasSubstr("GET http://user:pw@a.example:8080/x?y at a.example:8080\n"));
  EXPECT_THAT(run.transcript, HasSubstr("GET HTTP://c.example at c.example\n"));
  EXPECT_THAT(run.transcript, HasSubstr("OPTIONS * at d\n"));
  EXPECT_EQ(run.counters.host_conflict.get(), 1U);
  EXPECT_EQ(run.counters.requests.get(), 3U);
}

TEST(Http1Decoder, ChunkedBodyWithExtensionsAndTrailers) {
  const Decoded run = check(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;name=\"v\"\r\nhello\r\n0006 \r\n world\r\nA\n0123456789\n"
      "0;last\r\nX-Sum: 1\r\nY: 2\r\n\r\nGET /next HTTP/1.1\r\n\r\n");
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] POST / at \n  transfer-encoding=chunked\n"
            "body 0 @59 hello\nbody 0 @73  world\nbody 0 @83 0123456789\nend 0 complete\n"
            "request 1 @120 [http/1.1] GET /next at \nend 1 complete\n");
  EXPECT_EQ(run.counters.bodies_chunked.get(), 1U);
  EXPECT_EQ(run.counters.trailer_bytes.get(), 16U);
  EXPECT_EQ(run.counters.chunk_extension_bytes.get(), 10U + 2U + 6U);
}

TEST(Http1Decoder, ChunkSizeOverflowIsMalformed) {
  const Decoded run = check(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\nFFFFFFFFFFFFFFFF1\r\nsecret"
      "GET /n HTTP/1.1\r\n\r\n");
  EXPECT_EQ(run.counters.chunks_malformed.get(), 1U);
  EXPECT_THAT(run.transcript, HasSubstr("secret\nend 0 malformed\nrequest 1"));
}

TEST(Http1Decoder, BrokenChunksGoOnAsTheSameRequest) {
  for (const std::string_view broken :
       {"3\r\nabcX", "zz\r\nabc", "3\r\nabc\r\n\r\n", "3\r\nabc\rX", "-1\r\nabc", ";\r\nabc"}) {
    const Decoded run = check("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" +
                              std::string(broken) + "tail of it");
    EXPECT_EQ(run.counters.chunks_malformed.get(), 1U) << broken;
    EXPECT_THAT(run.transcript, HasSubstr("tail of it\nend 0 malformed\n")) << broken;
  }
}

TEST(Http1Decoder, TransferCodingBeatsLengthAndJoinsTheContentCodings) {
  const Decoded run = check(
      "POST / HTTP/1.1\r\nContent-Length: 99\r\nContent-Encoding: br\r\n"
      "Transfer-Encoding: gzip;q=1 , chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
      "POST /2 HTTP/1.1\r\nTransfer-Encoding: deflate\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "0\r\n\r\n");
  EXPECT_EQ(run.counters.length_conflict.get(), 1U);
  EXPECT_EQ(run.counters.transfer_codings.get(), 2U);
  EXPECT_THAT(run.transcript, HasSubstr("POST / at  coded br, gzip\n"));
  EXPECT_THAT(run.transcript, HasSubstr("POST /2 at  coded deflate\n"));
  EXPECT_THAT(run.transcript, Not(HasSubstr("length 99")));
}

TEST(Http1Decoder, MalformedHeadsAreHandedOnAsTheyAre) {
  for (const std::string_view head :
       {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
        "chunked\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n", "Content-Length: 4, 5\r\n",
        "Content-Length: +4\r\n", "Content-Length: 0x4\r\n", "Content-Length:\r\n",
        "Content-Length: 99999999999999999999\r\n"}) {
    const std::string bad = "POST /bad HTTP/1.1\r\n" + std::string(head) + "\r\n";
    const Decoded run = check(bad + "some body}GET /good HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string at = std::to_string(bad.size() + 10);
    EXPECT_EQ(run.transcript, "request 0 @0 [http/1.1]  /bad at \nbody 0 @0 " + bad +
                                  "some body}\nend 0 malformed\nrequest 1 @" + at +
                                  " [http/1.1] GET /good at h\n  host=h\nend 1 complete\n");
    EXPECT_EQ(run.counters.heads_malformed.get(), 1U);
    EXPECT_EQ(run.counters.heads_found_again.get(), 1U);
    EXPECT_EQ(run.counters.nameless_requests.get(), 1U);
  }
}

TEST(Http1Decoder, RepeatedEqualValuesAreFine) {
  const Decoded run = check(
      "POST / HTTP/1.1\r\nHost: a\r\nHost: a\r\nContent-Length: 2, 2\r\nContent-Length: 02\r\n\r\n"
      "ab");
  EXPECT_THAT(run.transcript, HasSubstr(" length 2\n"));
  EXPECT_THAT(run.transcript, HasSubstr("ab\nend 0 complete\n"));
}

// Servers that do not refuse it take the first; the body must be read all the same.
TEST(Http1Decoder, TwoHostsAreAConflict) {
  const Decoded run =
      check("POST /x HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] POST /x at a length 2\n  host=a\n  host=b\n"
            "  content-length=2\nbody 0 @57 ab\nend 0 complete\n");
  EXPECT_EQ(run.counters.host_conflict.get(), 1U);
  EXPECT_EQ(run.counters.heads_malformed.get(), 0U);
}

TEST(Http1Decoder, OtherVersionsAreReadAs11) {
  const Decoded run =
      check("POST /x HTTP/2.0\r\nContent-Length: 2\r\n\r\nabGET /y HTTP/0.9\r\n\r\n");
  EXPECT_EQ(run.counters.requests.get(), 2U);
  EXPECT_THAT(run.transcript, HasSubstr("[http/1.1] POST /x"));
}

TEST(Http1Decoder, JunkBehindABodyIsNotLost) {
  const Decoded run = check(
      "POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc and more than was said"
      "POST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_THAT(run.transcript, HasSubstr("abc\nend 0 complete\n"));
  EXPECT_THAT(run.transcript, HasSubstr("body 1 @42  and more than was said\nend 1 malformed\n"));
  EXPECT_THAT(run.transcript, HasSubstr("POST /2"));
  EXPECT_THAT(run.transcript, HasSubstr("x\nend 2 complete\n"));
}

TEST(Http1Decoder, AnotherProtocolIsNotMine) {
  for (const std::string_view text :
       {"\x16\x03\x01\x02\x00\x01", "SSH-2.0-OpenSSH_9.2\r\n", "EHLO me\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "{\"json\": 1}\n", "OPTIONS rtsp://h/x RTSP/1.0\r\n"}) {
    const Decoded run = check(text);
    EXPECT_EQ(run.status, DecodeStatus::kNotMine) << text;
    EXPECT_EQ(run.transcript, "");
    EXPECT_EQ(run.counters.not_mine.get(), 1U);
  }
}

TEST(Http1Decoder, HeadOverTheLimitIsHandedOn) {
  Limits limits;
  limits.header_bytes = 64;
  const std::string head = "GET / HTTP/1.1\r\nX: " + std::string(200, 'y') + "\r\n\r\n";
  const Decoded run = check(head + "GET /2 HTTP/1.1\r\n\r\n", limits);
  EXPECT_EQ(run.counters.heads_too_long.get(), 1U);
  EXPECT_THAT(run.transcript, HasSubstr("body 0 @0 " + head + "\nend 0 limit\n"));
  EXPECT_THAT(run.transcript, HasSubstr("GET /2"));
}

TEST(Http1Decoder, LongLinesAreCutAndSurplusFieldsDropped) {
  Limits limits;
  limits.header_line_bytes = 20;
  limits.headers = 2;
  const Decoded run = check(
      "GET /0123456789012345678901234567 HTTP/1.1\r\nX-Long: 0123456789abcdef\r\nA: 1\r\nB: 2\r\n"
      "Content-Length: 1\r\n\r\nz",
      limits);
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] GET /0123456789012345678 at  length 1\n"
            "  x-long=0123456789abcd\n  a=1\nbody 0 @103 z\nend 0 complete\n");
  EXPECT_EQ(run.counters.header_lines_cut.get(), 2U);
  EXPECT_EQ(run.counters.headers_dropped.get(), 2U);
}

TEST(Http1Decoder, MidStreamStartFindsTheNextHead) {
  const Decoded run = check(
      "rest of a body, POST in it, GET /x HTTP/2\n, a long GET /path HTTP/1"
      "POST /real HTTP/1.1\r\nContent-Length: 2\r\n\r\nok",
      {}, true);
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1]   at \n"
            "body 0 @0 rest of a body, POST in it, GET /x HTTP/2\n, a long GET /path HTTP/1\n"
            "end 0 complete\n"
            "request 1 @67 [http/1.1] POST /real at  length 2\n  content-length=2\n"
            "body 1 @109 ok\nend 1 complete\n");
  EXPECT_EQ(run.counters.heads_found_again.get(), 1U);
}

TEST(Http1Decoder, MidStreamStartAtAHeadEmitsNoNamelessRequest) {
  const Decoded run = check("GET /x HTTP/1.1\r\n\r\n", {}, true);
  EXPECT_EQ(run.transcript, "request 0 @0 [http/1.1] GET /x at \nend 0 complete\n");
}

TEST(Http1Decoder, EndInsideAMessage) {
  EXPECT_EQ(check("GET / HT").transcript,
            "request 0 @0 [http/1.1]   at \nbody 0 @0 GET / HT\nend 0 reset\n");
  // Whole lines of a head tell where it went.
  EXPECT_EQ(check("GET /p HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\nAcc").transcript,
            "request 0 @0 [http/1.1]  /p at h agent a\n"
            "body 0 @0 GET /p HTTP/1.1\r\nHost: h\r\nUser-Agent: a\r\nAcc\nend 0 reset\n");
  const Decoded run = check("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_THAT(run.transcript, HasSubstr("abc\nend 0 reset\n"));
  EXPECT_EQ(run.counters.ended_in_body.get(), 1U);
  EXPECT_EQ(check("").transcript, "");
}

TEST(Http1Decoder, SkippedBodiesAreFramedAllTheSame) {
  test::MessageTranscript sink;
  sink.choice = BodyChoice::kSkip;
  Http1Counters counters;
  const Limits limits;
  Http1Decoder decoder(limits, counters, sink);
  EXPECT_EQ(decoder.on_data(Direction::kToServer,
                            as_bytes("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
                                     "GET /2 HTTP/1.1\r\n\r\n")),
            DecodeStatus::kContinue);
  EXPECT_EQ(sink.take(),
            "request 0 @0 [http/1.1] POST /1 at  length 3\n  content-length=3\nend 0 complete\n"
            "request 1 @42 [http/1.1] GET /2 at \nend 1 complete\n");
}

TEST(Http1Decoder, BodiesArePassedInWholeSpansWithoutACopy) {
  class Spans final : public MessageSink {
   public:
    std::vector<ByteSpan> bodies;
    BodyChoice on_request(const MessageHead&) noexcept override { return BodyChoice::kInspect; }
    void on_body(uint64_t, ByteSpan data, uint64_t) noexcept override { bodies.push_back(data); }
    void on_body_gap(uint64_t, uint64_t) noexcept override {}
    void on_request_end(uint64_t, EndReason) noexcept override {}
    void on_tunnel(const TunnelInfo&) noexcept override {}
    void on_tunnel_data(uint64_t, Direction, ByteSpan) noexcept override {}
    void on_tunnel_gap(uint64_t, Direction, uint64_t) noexcept override {}
    void on_tunnel_end(uint64_t, EndReason) noexcept override {}
  } sink;
  Http1Counters counters;
  const Limits limits;
  Http1Decoder decoder(limits, counters, sink);
  const std::string text =
      "POST /1 HTTP/1.1\r\nContent-Length: 10000\r\n\r\n" + std::string(10'000, 'b');
  EXPECT_EQ(decoder.on_data(Direction::kToServer, as_bytes(text)), DecodeStatus::kContinue);
  ASSERT_EQ(sink.bodies.size(), 1U);
  EXPECT_EQ(sink.bodies[0].size(), 10'000U);
  EXPECT_EQ(as_chars(sink.bodies[0]).data(), text.data() + text.size() - 10'000);
}

}  // namespace
}  // namespace weir::inspect
