// Both directions together: tunnels, Expect, answers; and gaps at every boundary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "inspect/http/http1_decoder.h"
#include "tests/inspect/http/decode.h"

namespace weir::inspect {
namespace {

using test::check_play;
using test::Decoded;
using test::down;
using test::down_gap;
using test::play;
using test::Turn;
using test::up;
using test::up_gap;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kConnect = "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n";
const std::string kConnectSeen =
    "request 0 @0 [http/1.1] CONNECT api.example:443 at api.example:443\n"
    "  host=api.example:443\nend 0 complete\n";
const std::string kHello = "\x16\x03\x01 hello";
const std::string kWebSocket =
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

TEST(Http1Tunnel, ConnectGranted) {
  const Decoded run =
      check_play({up(kConnect), down("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), up(kHello),
                  down("server"), up_gap(5), down_gap(6), up("x")});
  EXPECT_EQ(run.transcript, kConnectSeen + "tunnel connect api.example:443\nup " + kHello +
                                "\ndown server\nup gap 5\ndown gap 6\nup x\n");
  EXPECT_EQ(run.counters.tunnels_connect.get(), 1U);
  EXPECT_EQ(run.counters.tunnels_by_content.get(), 0U);
}

TEST(Http1Tunnel, ConnectWhereTheServerSpeaksFirst) {
  const Decoded run =
      check_play({up(kConnect), down("HTTP/1.0 200 established\r\n\r\nSSH-2.0-x\r\n"), up("SSH")});
  EXPECT_EQ(run.transcript,
            kConnectSeen + "tunnel connect api.example:443\ndown SSH-2.0-x\r\n\nup SSH\n");
}

TEST(Http1Tunnel, ConnectRefusedThenGranted) {
  const Decoded run =
      check_play({up(kConnect), down("HTTP/1.1 407 Auth\r\nContent-Length: 4\r\n\r\nbody"),
                  up(kConnect), down("HTTP/1.1 200 OK\r\n\r\n"), up("GET /in HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("end 1 complete\ntunnel connect api.example:443\n"
                                        "up GET /in HTTP/1.1\r\n\r\n\n"));
  EXPECT_EQ(run.counters.tunnels_refused.get(), 1U);
  EXPECT_EQ(run.counters.answers.get(), 2U);
}

TEST(Http1Tunnel, ConnectRefusedGoesOnAsHttp) {
  const Decoded run =
      check_play({up(kConnect), down("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"),
                  up("GET /out HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("GET /out at \n"));
  EXPECT_THAT(run.transcript, Not(HasSubstr("tunnel")));
}

TEST(Http1Tunnel, HalfFlowIsToldByContent) {
  for (const std::string& inner : {kHello, std::string("GET /in HTTP/1.1\r\n\r\n"),
                                   std::string("SSH-2.0-x\r\n"), std::string("\0\1\2", 3)}) {
    const Decoded run = check_play({up(kConnect + inner)});
    EXPECT_EQ(run.transcript, kConnectSeen + "tunnel connect api.example:443\nup " + inner + "\n");
    EXPECT_EQ(run.counters.tunnels_by_content.get(), 1U);
  }
  // A second CONNECT is a retry.
  const Decoded run = check_play({up(kConnect + kConnect + kHello)});
  EXPECT_THAT(run.transcript, HasSubstr("end 1 complete\ntunnel connect"));
}

TEST(Http1Tunnel, AnswerThatComesAfterTheClientsBytes) {
  const Decoded run =
      check_play({up(kConnect + kHello), down("HTTP/1.1 200 OK\r\n\r\nreply"), up("more")});
  EXPECT_EQ(run.transcript, kConnectSeen + "tunnel connect api.example:443\nup " + kHello +
                                "\ndown reply\nup more\n");
}

TEST(Http1Tunnel, UndecidedBytesAreReleasedByTheAnswer) {
  // "GE" may yet become a request line.
  Decoded run = check_play({up(kConnect), up("GE"), down("HTTP/1.1 200 OK\r\n\r\n"), up("T x")});
  EXPECT_EQ(run.transcript, kConnectSeen + "tunnel connect api.example:443\nup GET x\n");
  run = check_play({up(kConnect), up("GE"), down("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"),
                    up("T / HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("GET / at \nend 1 complete\n"));
  run = check_play({up(kConnect), up("GE")});
  EXPECT_THAT(run.transcript, EndsWith("tunnel connect api.example:443\nup GE\n"));
}

TEST(Http1Tunnel, UpgradeGrantedRefusedAndUnseen) {
  Decoded run = check_play({up(kWebSocket),
                            down("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x01s"),
                            up("\x81\x81mask.")});
  EXPECT_THAT(
      run.transcript,
      EndsWith("end 0 complete\ntunnel upgrade websocket\ndown \x81\x01s\nup \x81\x81mask.\n"));
  run = check_play({up(kWebSocket), down("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
                    up("GET /2 HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("GET /2 at \nend 1 complete\n"));
  EXPECT_EQ(run.counters.tunnels_refused.get(), 1U);
  run = check_play({up(kWebSocket), up("\x81\x81mask.")});
  EXPECT_THAT(run.transcript, EndsWith("tunnel upgrade websocket\nup \x81\x81mask.\n"));
  run = check_play({up(kWebSocket), up("GET /2 HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, EndsWith("GET /2 at \nend 1 complete\n"));
}

TEST(Http1Tunnel, AnUpgradeSaysWhoAskedAndWhatTheServerAccepted) {
  const Decoded run = check_play(
      {up("GET /chat?x=1 HTTP/1.1\r\nHost: ws.example\r\nUser-Agent: cli/1\r\n"
          "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate; "
          "client_max_window_bits\r\n\r\n"),
       down("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n\r\n")});
  EXPECT_THAT(run.transcript,
              EndsWith("tunnel upgrade websocket with permessage-deflate; "
                       "client_no_context_takeover for ws.example/chat?x=1 agent cli/1\n"));
}

TEST(Http1Tunnel, H2cUpgradeDeliversTheRequestWithItsBodyFirst) {
  const Decoded run =
      check_play({up("POST /v1 HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
                     "Content-Length: 4\r\n\r\nbody"),
                  down("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0"),
                  up("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("body\nend 0 complete\ntunnel upgrade h2c\n"));
  EXPECT_THAT(run.transcript, HasSubstr("up PRI * HTTP/2.0"));
}

TEST(Http1Tunnel, SwitchingAnswerAloneTellsOfATunnel) {
  const Decoded run =
      check_play({down("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\nabc"), up("def")});
  EXPECT_EQ(run.transcript, "tunnel upgrade websocket\ndown abc\nup def\n");
}

TEST(Http1Answers, FramingOfEachKind) {
  const Decoded run =
      check_play({up("HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"
                     "GET /4 HTTP/1.1\r\n\r\nGET /5 HTTP/1.1\r\n\r\n" +
                     kConnect),
                  down("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
                       "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n"
                       "HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\nHTTP/1.1 400 not\r\n\n"
                       "HTTP/1.1 200 OK\r\n\r\ninside")});
  EXPECT_EQ(run.counters.answers.get(), 6U);
  EXPECT_EQ(run.counters.answers_unmatched.get(), 0U);
  EXPECT_EQ(run.counters.answers_abandoned.get(), 0U);
  EXPECT_THAT(run.transcript, EndsWith("tunnel connect api.example:443\ndown inside\n"));
}

TEST(Http1Answers, AloneOrStrangeTheyEmitNothing) {
  EXPECT_EQ(check_play({down("HTTP/1.1 200 OK\r\n\r\nuntil the end"), down_gap(9)}).transcript, "");
  Decoded run = check_play({down("SSH-2.0-x\r\n"), up("GET / HTTP/1.1\r\n\r\n")});
  EXPECT_EQ(run.counters.answers_abandoned.get(), 1U);
  EXPECT_THAT(run.transcript, HasSubstr("GET /"));
  run = check_play({up("GET / HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Le"),
                    down_gap(3), down("x")});
  EXPECT_EQ(run.counters.answers_abandoned.get(), 1U);
}

TEST(Http1Answers, GapInsideABodyKeepsTheMatch) {
  const Decoded run = check_play({up("GET / HTTP/1.1\r\n\r\n" + kConnect),
                                  down("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"),
                                  down_gap(6), down("yzHTTP/1.1 200 OK\r\n\r\nin"), up("c")});
  EXPECT_THAT(run.transcript, EndsWith("tunnel connect api.example:443\ndown in\nup c\n"));
}

TEST(Http1Answers, MoreOutstandingThanAreMatched) {
  std::string many;
  for (int i = 0; i < 70; ++i) many += "GET / HTTP/1.1\r\n\r\n";
  const Decoded run = check_play({down("HTTP/1.1 100 Continue\r\n\r\n"), up(many)});
  EXPECT_EQ(run.counters.outstanding_limit.get(), 1U);
  EXPECT_EQ(run.counters.requests.get(), 70U);
}

TEST(Http1Expect, BodyAfterContinue) {
  const Decoded run = check_play(
      {up("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
       down("HTTP/1.1 100 Continue\r\n\r\n"), up("abc"), down("HTTP/1.1 200 OK\r\n\r\n")});
  EXPECT_THAT(run.transcript, EndsWith("abc\nend 0 complete\n"));
  EXPECT_EQ(run.counters.expect_without_body.get(), 0U);
}

TEST(Http1Expect, BodyHeldBackAfterAFinalAnswer) {
  const std::vector<Turn> refused = {
      up("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n"),
      down("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")};
  std::vector<Turn> next = refused;
  next.push_back(up("GET /next HTTP/1.1\r\n\r\n"));
  Decoded run = check_play(next);
  EXPECT_THAT(run.transcript, HasSubstr("end 0 complete\nrequest 1 "));
  EXPECT_EQ(run.counters.expect_without_body.get(), 1U);
  // The client may send the body all the same.
  std::vector<Turn> body = refused;
  body.push_back(up("GETting a\nbody of 30 bytes in.GET /n HTTP/1.1\r\n\r\n"));
  run = check_play(body);
  EXPECT_THAT(run.transcript, HasSubstr("GETting a\nbody of 30 bytes in.\nend 0 complete\n"));
  EXPECT_EQ(run.counters.requests.get(), 2U);
}

TEST(Http1Gap, InsideABodyOfKnownLengthIsExact) {
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n";
  const Decoded run = check_play({up(head + "ab"), up_gap(3), up("fghijGET /n HTTP/1.1\r\n\r\n")});
  EXPECT_EQ(run.transcript,
            "request 0 @0 [http/1.1] POST / at  length 10\n  content-length=10\n"
            "body 0 @39 ab\ngap 0 3\nbody 0 @44 fghij\nend 0 complete\n"
            "request 1 @49 [http/1.1] GET /n at \nend 1 complete\n");
  EXPECT_EQ(run.counters.gaps_in_body.get(), 1U);
}

TEST(Http1Gap, UpToAndOverTheEndOfABody) {
  const std::string head = "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n";
  Decoded run = check_play({up(head), up_gap(10), up("GET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("gap 0 10\nend 0 complete\nrequest 1 @49"));
  run = check_play({up(head + "abcdefgh"), up_gap(9), up("ue: 1\r\n\r\nGET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("gap 0 2\nend 0 complete\nrequest 1 @56 [http/1.1]   at \n"
                                        "body 1 @56 ue: 1\r\n\r\n\nend 1 gap\nrequest 2 "));
}

TEST(Http1Gap, InsideAndOverAChunk) {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  Decoded run = check_play({up(head + "a\r\n01"), up_gap(5), up("789\r\n0\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("01\ngap 0 5\nbody 0 @57 789\nend 0 complete\n"));
  EXPECT_EQ(run.counters.gaps_in_chunks.get(), 0U);
  run = check_play({up(head + "a\r\n01"), up_gap(8),
                    up("\r\n5\r\nabcde\r\n0\r\n\r\n"
                       "GET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("gap 0 8\nbody 0 @65 abcde\nend 0 complete\n"));
  run = check_play(
      {up(head + "a\r\n01"), up_gap(20), up("more\r\n0\r\n\r\nGET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("more\r\n0\r\n\r\n\nend 0 gap\nrequest 1 "));
  EXPECT_EQ(run.counters.gaps_in_chunks.get(), 1U);
}

TEST(Http1Gap, OfUnknownSizeLosesTheFraming) {
  Decoded run = check_play({up("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab"), up_gap(0),
                            up("cdGET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("ab\ngap 0 0\nbody 0 @41 cd\nend 0 gap\nrequest 1 @43 "));
  run = check_play({up("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab"), up_gap(0),
                    up("cdGET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, HasSubstr("ab\ngap 0 0\nbody 0 @52 cd\nend 0 gap\nrequest 1 @54 "));
  run = check_play({up("GET / HTTP/1.1\r\n\r\n"), up_gap(0), up("GET /n HTTP/1.1\r\n\r\n")});
  EXPECT_EQ(run.counters.requests.get(), 2U);
  EXPECT_EQ(run.counters.nameless_requests.get(), 0U);
  run = check_play({up("GET / HTTP/1.1\r\n\r\n"),
                    down("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), down_gap(0)});
  EXPECT_EQ(run.counters.answers_abandoned.get(), 1U);
}

TEST(Http1Gap, InsideAHeadLosesThatRequestOnly) {
  const Decoded run = check_play(
      {up("GET /lost HTTP/1.1\r\nCookie: a"), up_gap(7), up("z\r\n\r\nGET /n HTTP/1.1\r\n\r\n")});
  EXPECT_EQ(
      run.transcript,
      "request 0 @0 [http/1.1]  /lost at \nbody 0 @0 GET /lost HTTP/1.1\r\nCookie: a\ngap 0 7\n"
      "body 0 @36 z\r\n\r\n\nend 0 gap\n"
      "request 1 @41 [http/1.1] GET /n at \nend 1 complete\n");
  EXPECT_EQ(run.counters.gaps_in_head.get(), 1U);
}

TEST(Http1Gap, BehindConnectAndUpgrade) {
  Decoded run = check_play({up(kConnect), up_gap(4), up("x")});
  EXPECT_THAT(run.transcript, EndsWith("tunnel connect api.example:443\nup gap 4\nup x\n"));
  run = check_play({up(kWebSocket), up_gap(4), up("x")});
  EXPECT_THAT(run.transcript, EndsWith("tunnel upgrade websocket\nup gap 4\nup x\n"));
  // Answers are followed and there is none that grants it.
  run = check_play(
      {down("HTTP/1.1 100 x\r\n\r\n"), up(kWebSocket), up_gap(4), up("GET /n HTTP/1.1\r\n\r\n")});
  EXPECT_THAT(run.transcript, EndsWith("GET /n at \nend 1 complete\n"));
}

// Whatever is lost, wherever: what is behind the loss is found again, each byte that came is
// emitted or stands in a head that was understood, and cuts do not matter.
TEST(Http1Gap, AtEveryPlace) {
  const std::string text =
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n{\"a\": \"b\\n\"}"
      "POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n3;e\r\nabc\r\n0\r\n\r\n"
      "GET /3 HTTP/1.1\r\nUpgrade: h2c\r\n\r\n";
  const std::string last = "GET /last HTTP/1.1\r\nHost: z\r\n\r\n";
  for (const size_t lost : {1U, 2U, 5U, 30U}) {
    for (size_t at = 1; at + lost <= text.size(); ++at) {
      const std::vector<Turn> turns = {down("HTTP/1.1 100 x\r\n\r\n"), up(text.substr(0, at)),
                                       up_gap(lost), up(text.substr(at + lost) + last)};
      const Decoded run = check_play(turns);
      EXPECT_THAT(run.transcript,
                  EndsWith("GET /last at z\n  host=z\nend " +
                           std::to_string(run.counters.requests.get() +
                                          run.counters.nameless_requests.get() - 1) +
                           " complete\n"))
          << lost << " lost at " << at;
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weir::inspect
