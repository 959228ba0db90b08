// HTTP/2 where something is missing: late starts, gaps, broken connections.
#include <gmock/gmock.h>

#include "tests/inspect/http/http2_traffic.h"

namespace weir::test {
namespace {

using inspect::find_frames;
using inspect::probe_http2;
using inspect::probe_http2_frames;
using inspect::ProbeAnswer;
using ::testing::HasSubstr;
using ::testing::Not;

std::string json(size_t size) {
  std::string text = "{\"content\":\"";
  while (text.size() < size) text += "int main() { return 0; }\\n";
  return text.substr(0, size);
}

TEST(Http2Probe, ThePrefaceAndFramesInTheMiddle) {
  EXPECT_EQ(probe_http2(as_bytes(kPreface)), ProbeAnswer::kYes);
  EXPECT_EQ(probe_http2(as_bytes(kPreface.substr(0, 5))), ProbeAnswer::kMaybe);
  EXPECT_EQ(probe_http2(as_bytes("PRI /x HTTP/1.1\r\n")), ProbeAnswer::kNo);
  EXPECT_EQ(probe_http2_frames(as_bytes(frame(8, 0, 0, "abcd") + data(1, "x"))), ProbeAnswer::kYes);
  const std::string body = data(7, json(5000));
  EXPECT_EQ(probe_http2_frames(as_bytes(body)), ProbeAnswer::kYes);
  EXPECT_EQ(probe_http2_frames(as_bytes(body).first(40)), ProbeAnswer::kMaybe);
  EXPECT_EQ(probe_http2_frames(as_bytes(data(2, json(500)))), ProbeAnswer::kNo);
  EXPECT_EQ(probe_http2_frames(as_bytes(json(500))), ProbeAnswer::kNo);
  EXPECT_EQ(probe_http2_frames(as_bytes(std::string(500, '\0'))), ProbeAnswer::kNo);
  // DNS over TCP, TLS, SMB.
  for (const std::string& other :
       {std::string("\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0", 14) + std::string(60, 'a'),
        std::string("\x16\3\1\2\0\1\0\1\xfc\3\3", 11) + std::string(60, 'a'),
        std::string("\0\0\0\x45\xffSMB\x72\0\0\0\0", 13) + std::string(60, '\0')}) {
    EXPECT_EQ(probe_http2_frames(as_bytes(other)), ProbeAnswer::kNo);
  }
}

TEST(Http2MidStream, DataIsReadWithoutAHeaderBlock) {
  const std::string text = data(5, "first ") + data(5, "second", kEndStream);
  const Decoded2 run = check2(text, {}, true);
  EXPECT_THAT(run.transcript, HasSubstr("request 5 @0 [h2]   at \nbody 5 @9 first \nbody 5 @24 "
                                        "second\nend 5 complete\n"));
  EXPECT_EQ(run.counters.sync_found.get(), 1U);
  EXPECT_EQ(run.counters.raw_bytes.get(), 0U);
}

TEST(Http2MidStream, TheRestOfAFrameComesAsItIs) {
  const std::string text = json(200) + data(5, json(100), kEndStream) + ping() + data(7, "x");
  const Decoded2 run = check2(text, {}, true);
  EXPECT_THAT(run.transcript, HasSubstr("request 4294967296 @0 [h2]   at \nbody 4294967296 @0 " +
                                        json(200) + "\nend 4294967296 complete\nrequest 5 @200"));
  EXPECT_EQ(run.counters.raw_bytes.get(), 200U);
}

TEST(Http2MidStream, UnknownFieldsAreLeftOutAndNewOnesKnown) {
  Hpack hpack;
  const Fields fields = post("/known", {{"x-old", "before the capture"}, {"content-type", "a/b"}});
  const std::string unseen = headers(1, hpack.encode(fields), 5);
  const std::string now =
      headers(3, hpack.encode(post("/known", {{"x-old", "changed"}, {"x-new", "literal"}})), 5);
  const std::string again = headers(
      5, hpack.encode(post("/known", {{"x-old", "before the capture"}, {"x-new", "literal"}})), 5);
  const Decoded2 run = check2(now + again + ping(), {}, true);
  // :authority and the name x-old were in the table before.
  EXPECT_THAT(run.transcript,
              HasSubstr("request 3 @0 [h2] POST /known at \n  ?=changed\n  x-new=lit"));
  EXPECT_THAT(run.transcript, HasSubstr("[h2] POST /known at \n  x-new=literal\nend 5"));
  EXPECT_EQ(run.counters.hpack_errors.get(), 0U);
  EXPECT_EQ(run.counters.unknown_fields.get(), 4U);
  const Decoded2 whole = check2(hello() + unseen + now + again);
  EXPECT_THAT(whole.transcript, HasSubstr("/known at api.example\n  x-old=before the capture\n  "
                                          "x-new=literal\nend 5"));
}

TEST(Http2MidStream, BytesThatAreNoHttp2AtAllAreNotLost) {
  const std::string text = json(3000) + std::string("\0\0\4\0\0\0\0\0\1zzzz", 13) + json(500);
  const Decoded2 run = check2(text, {}, true);
  EXPECT_EQ(
      play2({up(text)}, 0, {}, true, false).transcript,
      "request 4294967296 @0 [h2]   at \nbody 4294967296 " + text + "\nend 4294967296 complete\n");
  EXPECT_EQ(run.counters.sync_found.get(), 0U);
}

TEST(Http2Malformed, AWrongPrefaceAndABrokenFrameAreReadAsTheyAre) {
  Decoded2 run = check2("PRI * HTTP/2.0\r\n\r\nXX rest of it");
  EXPECT_THAT(run.transcript,
              HasSubstr("body 4294967296 @0 PRI * HTTP/2.0\r\n\r\nXX rest of it\n"));
  const std::string text = hello() + headers(1, literals(post("/1"))) + data(1, "body") +
                           frame(6, 0, 0, "no ping") + data(1, "more", kEndStream) + ping();
  run = check2(text);
  EXPECT_THAT(run.transcript, HasSubstr("gap 1 0\nrequest 4294967296 @"));
  EXPECT_THAT(run.transcript, HasSubstr("no ping\nend 4294967296 malformed\nbody 1 @"));
  EXPECT_THAT(run.transcript, HasSubstr("more\nend 1 complete\n"));
}

TEST(Http2Malformed, AnInterruptedHeaderBlockIsARequestAllTheSame) {
  const std::string text = hello() + frame(1, 0, 1, literals(post("/cut"))) + data(1, "x") +
                           headers(3, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 5) +
                           headers(5, literals(post("/5")), 5);
  const Decoded2 run = check2(text);
  EXPECT_THAT(run.transcript, HasSubstr("POST /cut at api.example\nbody 1"));
  EXPECT_THAT(run.transcript, HasSubstr("[h2]   at \nend 3 complete\n"));
  EXPECT_THAT(run.transcript, HasSubstr("POST /5 at api.example\nend 5 complete\n"));
  EXPECT_EQ(run.counters.hpack_errors.get(), 1U);
}

TEST(Http2Gap, InsideADataFrameItIsExact) {
  const std::string begin = hello() + headers(1, literals(post("/"))) + data(1, "0123456789");
  const std::string rest = data(1, "end", kEndStream) + headers(3, literals(post("/3")), 5);
  for (size_t lost = 1; lost <= 9; ++lost) {
    const Decoded2 run = check_play2({up(begin.substr(0, begin.size() - 9)), up_gap(lost),
                                      up(begin.substr(begin.size() - 9 + lost)), up(rest)});
    EXPECT_THAT(run.transcript, HasSubstr(" 0\ngap 1 " + std::to_string(lost) + "\nbody 1 @"));
    EXPECT_THAT(run.transcript, HasSubstr("POST /3 at api.example\nend 3 complete\n"));
    EXPECT_EQ(run.counters.gaps_in_body.get(), 1U);
  }
}

TEST(Http2Gap, InPaddingAndItsLength) {
  const std::string begin = hello() + headers(1, literals(post("/")));
  const std::string body = data(1, padded("text", 6), kPadded);
  const std::string rest = data(1, "end", kEndStream);
  Decoded2 run = check_play2({up(begin + body.substr(0, body.size() - 4)), up_gap(2),
                              up(body.substr(body.size() - 2)), up(rest)});
  EXPECT_THAT(run.transcript, HasSubstr("text\nbody 1"));
  EXPECT_THAT(run.transcript, Not(HasSubstr("gap")));
  run = check_play2({up(begin + body.substr(0, 9)), up_gap(3), up(body.substr(12)), up(rest)});
  EXPECT_THAT(run.transcript, HasSubstr("gap 1 2\nbody 1"));
  EXPECT_THAT(run.transcript, HasSubstr("xtPPPPPP\nbody 1"));
  EXPECT_THAT(run.transcript, HasSubstr("end\nend 1 complete\n"));
}

TEST(Http2Gap, InAHeaderBlockItCostsTheTableOnly) {
  Hpack hpack;
  const std::string first =
      headers(1, hpack.encode(post("/1", {{"x-a", "aaaaaaaaaaaaaaaaaa"}})), 5);
  const std::string second = headers(3, hpack.encode(post("/2", {{"x-a", "aaaaaaaaaaaaaaaaaa"}})));
  const Decoded2 run = check_play2({up(hello() + first.substr(0, first.size() - 8)), up_gap(8),
                                    up(second), up(data(3, "body", kEndStream))});
  EXPECT_THAT(run.transcript, HasSubstr("POST /1 at api.example\n"));
  EXPECT_THAT(run.transcript, HasSubstr("end 1 complete\n"));
  EXPECT_THAT(run.transcript, HasSubstr("[h2] POST /2 at \nbody 3"));
  EXPECT_EQ(run.counters.gaps_in_headers.get(), 1U);
  EXPECT_EQ(run.counters.sync_lost.get(), 0U);
}

TEST(Http2Gap, OverFramesTheyAreFoundAgainAndOpenRequestsGoOn) {
  const std::string begin = hello() + headers(1, literals(post("/1"))) + data(1, "before");
  const std::string lost = data(1, json(300)) + headers(3, literals(post("/lost")));
  const std::string rest =
      data(1, json(200)) + data(3, "three", kEndStream) + data(1, "last", kEndStream) + ping();
  for (const size_t tail : {0U, 1U, 5U, 9U, 60U, 120U}) {  // the end of the gap moves
    const Decoded2 run =
        check_play2({up(begin), up_gap(lost.size() + tail), up(rest.substr(tail))});
    EXPECT_THAT(run.transcript, HasSubstr("before\ngap 1 0\n"));
    EXPECT_THAT(run.transcript, HasSubstr("three\nend 3 complete\n"));
    EXPECT_THAT(run.transcript, HasSubstr("last\nend 1 complete\n"));
    EXPECT_EQ(run.counters.sync_found.get(), 1U);
  }
  const Decoded2 run = check_play2({up(begin), up_gap(0), up(rest)});
  EXPECT_THAT(run.transcript, HasSubstr("last\nend 1 complete\n"));
}

TEST(Http2Gap, AtEveryPlaceNothingThatCameIsLost) {
  const std::string text = hello() + headers(1, literals(post("/1"))) + data(1, "AAAAAAAAAA") +
                           headers(3, literals(post("/3"))) + data(3, "BBBBBBBBBB", 1) +
                           data(1, "CCCCCCCCCC", kEndStream) + ping() + data(5, "DDDDDDDDDD", 1) +
                           ping();
  for (const size_t lost : {1U, 4U, 13U, 40U}) {
    for (size_t at = 0; at + lost < text.size(); ++at) {
      const std::string got =
          play2({up(text.substr(0, at)), up_gap(lost), up(text.substr(at + lost))}, 0, {}, false,
                false)
              .transcript;
      for (const char c : {'A', 'B', 'C', 'D'}) {
        const auto came =
            std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), c) +
            std::count(text.begin() + static_cast<ptrdiff_t>(at + lost), text.end(), c);
        ASSERT_GE(std::count(got.begin(), got.end(), c), came) << lost << " lost at " << at;
      }
    }
  }
}

TEST(Http2Gap, OfTheServerEndsTheFollowingOfItOnly) {
  const std::string open = hello() + headers(1, literals(post("/"))) + data(1, "part");
  const std::string reset = frame(3, 0, 1, std::string("\0\0\0\x08", 4));
  const std::string answer = data(1, json(100));
  Decoded2 run = check_play2(
      {up(open), down(answer.substr(0, 50)), down_gap(20), down(answer.substr(70)), down(reset)});
  EXPECT_EQ(run.counters.resets_by_server.get(), 1U);
  run = check_play2({up(open), down_gap(20), down(reset), up(data(1, "x", kEndStream))});
  EXPECT_EQ(run.counters.resets_by_server.get(), 0U);
  EXPECT_EQ(run.counters.answers_abandoned.get(), 1U);
  EXPECT_THAT(run.transcript, HasSubstr("end 1 complete"));
}

}  // namespace
}  // namespace weir::test
