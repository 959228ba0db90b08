#include "inspect/stream/tcp_stream.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/inspect/stream/tcp_recorder.h"
#include "tests/support/packet_maker.h"

namespace weir::inspect {
namespace {

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;
constexpr uint32_t kClient = 1000;  // first data byte of the client
constexpr uint32_t kServer = 9000;

class TcpStreamTest : public ::testing::Test {
 protected:
  TcpStreamTest() { start(Limits{}); }
  void start(const Limits& limits) {
    stream.reset();
    pool = std::make_unique<TcpPool>(limits);
    stream.emplace(*pool);
    sink = {};
  }
  void packet(Direction d, uint32_t seq, uint32_t ack, TcpFlags flags, std::string_view payload,
              uint32_t missing = 0) {
    // An exact-size copy that is gone after the call.
    const std::vector<uint8_t> bytes(payload.begin(), payload.end());
    DecodedPacket p = peer.packet(d == kUp, seq, ack, flags, bytes, now);
    p.missing = missing;
    stream->on_segment(d, p, sink);
    now.ns += 1'000'000;
  }
  // Client data at an offset, acknowledging nothing new; server ACK up to an offset.
  void up(uint32_t offset, std::string_view payload, TcpFlags flags = {.ack = true}) {
    packet(kUp, kClient + offset, kServer, flags, payload);
  }
  void down(uint32_t offset, std::string_view payload, TcpFlags flags = {.ack = true}) {
    packet(kDown, kServer + offset, kClient, flags, payload);
  }
  void ack_up(uint32_t offset) { packet(kDown, kServer, kClient + offset, {.ack = true}, ""); }
  void handshake() {
    packet(kUp, kClient - 1, 0, {.syn = true}, "");
    packet(kDown, kServer - 1, kClient, {.syn = true, .ack = true}, "");
    packet(kUp, kClient, kServer, {.ack = true}, "");
  }
  const TcpCounters& counters() { return pool->counters(); }
  void finish() { stream->finish(EndReason::kTimeout, sink); }

  test::TcpPeer peer;
  test::TcpRecorder sink;
  std::unique_ptr<TcpPool> pool;
  std::optional<TcpStream> stream;
  Timestamp now{1'000'000'000};
};

TEST_F(TcpStreamTest, InOrderBothWays) {
  handshake();
  up(0, "GET ");
  up(4, "/");
  down(0, "200");
  up(5, "", {.fin = true, .ack = true});
  EXPECT_FALSE(stream->closed());
  down(3, "!", {.fin = true, .ack = true});
  EXPECT_TRUE(stream->closed());
  packet(kUp, kClient + 6, 0, {.rst = true}, "");  // comes too late to count
  EXPECT_FALSE(stream->was_reset());
  finish();
  EXPECT_EQ(sink.text[kUp], "GET /[end complete]");
  EXPECT_EQ(sink.text[kDown], "200![end complete]");
  EXPECT_EQ(stream->delivered(kUp), 5U);
  EXPECT_EQ(pool->bytes_in_use(), 0U);
}

TEST_F(TcpStreamTest, OutOfOrderIsPutInOrder) {
  handshake();
  up(6, "ghi");
  up(3, "def");
  EXPECT_EQ(sink.text[kUp], "");
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
  EXPECT_EQ(counters().out_of_order_segments.get(), 2U);
  EXPECT_EQ(pool->bytes_in_use(), 0U);
}

TEST_F(TcpStreamTest, RetransmissionsAreDropped) {
  handshake();
  up(0, "abcdef");
  up(0, "abcdef");
  up(3, "defghi");  // partly new
  up(2, "cd");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
  EXPECT_EQ(counters().retransmitted_bytes.get(), 6U + 3 + 2);
}

TEST_F(TcpStreamTest, FirstDataWinsAmongHeldPieces) {
  handshake();
  up(4, "EF");
  up(2, "cdefgh");
  EXPECT_EQ(counters().overlap_conflicts.get(), 1U);
  up(0, "ab");
  EXPECT_EQ(sink.text[kUp], "abcdEFgh");
}

TEST_F(TcpStreamTest, FirstDataWinsOverLaterDataInOrder) {
  handshake();
  up(2, "CD");
  up(6, "GH");
  up(0, "abcdefghij");
  EXPECT_EQ(sink.text[kUp], "abCDefGHij");
  EXPECT_EQ(counters().overlap_conflicts.get(), 2U);
  up(12, "m");
  up(10, "kl");
  EXPECT_EQ(sink.text[kUp], "abCDefGHijklm");
}

TEST_F(TcpStreamTest, SequenceNumbersWrap) {
  const uint32_t start = 0xfffffffe;
  packet(kUp, start - 1, 0, {.syn = true}, "");
  packet(kUp, start, 0, {.ack = true}, "abc");
  packet(kUp, 4, 0, {.ack = true}, "ghi");
  packet(kUp, 1, 0, {.ack = true}, "def");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
}

TEST_F(TcpStreamTest, StreamsLongerThanFourGigabytes) {
  handshake();
  const std::string big(60'000, 'x');
  uint32_t offset = 0;
  uint64_t sent = 0;
  sink.on_data = [&](Direction, ByteSpan) { sink.text[kUp].clear(); };
  while (sent < (uint64_t{9} << 30)) {
    // A cut payload stands for the bytes, so that this does not take long.
    packet(kUp, kClient + offset, 0, {.ack = true}, "y", 400'000'000);
    offset += 400'000'001;
    sent += 400'000'001;
  }
  EXPECT_EQ(stream->delivered(kUp) + stream->gap_bytes(kUp), sent);
}

TEST_F(TcpStreamTest, NoHandshake) {
  up(500, "middle");
  EXPECT_EQ(sink.text[kUp], "middle");
  up(490, "older old ");
  EXPECT_EQ(sink.text[kUp], "middle");
  EXPECT_EQ(counters().before_base_bytes.get(), 10U);
  down(77, "reply");
  EXPECT_EQ(sink.text[kDown], "reply");
}

TEST_F(TcpStreamTest, AnAckMarksTheBaseOfAStreamInTheMiddle) {
  up(500, "");
  up(503, "def");
  up(500, "abc");
  EXPECT_EQ(sink.text[kUp], "abcdef");
}

TEST_F(TcpStreamTest, AKeepAliveIsNoBase) {
  up(499, "");  // keep-alive without data: one below the next byte
  up(500, "abc");
  EXPECT_EQ(sink.text[kUp], "abc");
  EXPECT_EQ(counters().gaps.get(), 0U);
}

TEST_F(TcpStreamTest, DataBelowASoftBaseIsTaken) {
  up(500, "");
  up(400, "abc");
  up(403, "def");
  EXPECT_EQ(sink.text[kUp], "abcdef");
}

TEST_F(TcpStreamTest, SynAckAloneTellsBothBases) {
  packet(kDown, kServer - 1, kClient, {.syn = true, .ack = true}, "");
  up(3, "def");
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abcdef");
}

TEST_F(TcpStreamTest, LateSynChangesNothing) {
  packet(kDown, kServer - 1, kClient, {.syn = true, .ack = true}, "");
  up(0, "abc");
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  up(3, "def");
  EXPECT_EQ(sink.text[kUp], "abcdef");
  packet(kUp, 77777, 0, {.syn = true}, "zzz");
  up(6, "ghi");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
  EXPECT_EQ(counters().ignored_syn.get(), 1U);
}

TEST_F(TcpStreamTest, SynWithAnotherNumberBeforeAnyData) {
  packet(kUp, 5, 0, {.syn = true}, "");
  handshake();
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abc");
}

TEST_F(TcpStreamTest, FastOpenCarriesDataInTheSyn) {
  packet(kUp, kClient - 1, 0, {.syn = true}, "GET");
  packet(kDown, kServer - 1, kClient + 3, {.syn = true, .ack = true}, "HTTP");
  up(3, " /");
  EXPECT_EQ(sink.text[kUp], "GET /");
  EXPECT_EQ(sink.text[kDown], "HTTP");
}

TEST_F(TcpStreamTest, OneSideOnlyCloses) {
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  up(0, "abc", {.fin = true, .ack = true});
  EXPECT_EQ(sink.text[kUp], "abc[end complete]");
  EXPECT_TRUE(stream->closed());
}

TEST_F(TcpStreamTest, KeepAlivesAndWindowProbes) {
  handshake();
  up(0, "abc");
  up(2, "c");  // keep-alive with one byte
  up(2, "");   // and without
  EXPECT_EQ(counters().keep_alives.get(), 2U);
  up(3, "d");  // window probe: the next byte, sent again with more
  up(3, "def");
  EXPECT_EQ(sink.text[kUp], "abcdef");
}

TEST_F(TcpStreamTest, BigSegmentsOutOfOrder) {
  handshake();
  const std::string first(65'000, 'a');
  const std::string second(131'000, 'b');
  packet(kUp, kClient + 65'000, 0, {.ack = true}, second);
  packet(kUp, kClient, 0, {.ack = true}, first);
  EXPECT_EQ(sink.text[kUp], first + second);
  EXPECT_EQ(pool->bytes_in_use(), 0U);
}

TEST_F(TcpStreamTest, CutPayloadIsAGapBehindIt) {
  handshake();
  packet(kUp, kClient, 0, {.ack = true}, "abc", 7);
  up(10, "k");
  packet(kUp, kClient + 15, 0, {.ack = true}, "p", 4);
  up(20, "u");
  up(11, "lmno");
  EXPECT_EQ(sink.text[kUp], "abc[gap 7]klmnop[gap 4]u");
  EXPECT_EQ(stream->gap_bytes(kUp), 11U);
  EXPECT_EQ(counters().cut_bytes.get(), 11U);
}

TEST_F(TcpStreamTest, AckedHoleIsGivenUpAfterMorePackets) {
  handshake();
  up(0, "abc");
  up(6, "g");
  ack_up(7);
  for (uint32_t i = 1; i <= 15; ++i) up(6 + i, "h");
  EXPECT_EQ(sink.text[kUp], "abc");
  up(22, "z");
  EXPECT_EQ(sink.text[kUp], "abc[gap 3]ghhhhhhhhhhhhhhhz");
  EXPECT_EQ(counters().gaps_acked.get(), 1U);
  EXPECT_EQ(counters().acked_unseen_bytes.get(), 3U);
}

TEST_F(TcpStreamTest, AckedHoleIsGivenUpAfterAWhile) {
  handshake();
  up(3, "def");
  ack_up(6);
  now.ns += 100'000'000;
  down(0, "x");
  EXPECT_EQ(sink.text[kUp], "");
  now.ns += 100'000'000;
  down(1, "y");
  EXPECT_EQ(sink.text[kUp], "[gap 3]def");
}

TEST_F(TcpStreamTest, AckSeenBeforeItsDataIsNoLoss) {
  handshake();
  ack_up(6);
  up(3, "def");
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abcdef");
  EXPECT_EQ(counters().gaps.get(), 0U);
}

TEST_F(TcpStreamTest, LostRequestIsAGapSoonAfterTheNextComes) {
  handshake();
  ack_up(100);  // of a request that the capture missed
  now.ns += 300'000'000;
  down(0, "response");
  up(100, "GET");
  EXPECT_EQ(sink.text[kUp], "") << "may still be a local change of order";
  up(103, " ");
  up(104, "/");
  EXPECT_EQ(sink.text[kUp], "[gap 100]GET /");
}

TEST_F(TcpStreamTest, LostRequestBeforeAShortOneNeedsTimeOnly) {
  handshake();
  ack_up(100);
  now.ns += 300'000'000;
  up(100, "GET");
  now.ns += 200'000'000;
  down(0, "response");
  EXPECT_EQ(sink.text[kUp], "[gap 100]GET");
}

TEST_F(TcpStreamTest, AckFarAheadIsFoundFalse) {
  handshake();
  ack_up(1'000'000);
  now.ns += 300'000'000;
  for (uint32_t i = 0; i < 32; ++i) up(i, "x");
  EXPECT_EQ(counters().ignored_ack.get(), 1U);
  for (uint32_t i = 33; i < 60; ++i) up(i, "z");
  up(32, "y");
  EXPECT_EQ(sink.text[kUp], std::string(32, 'x') + "y" + std::string(27, 'z'));
}

TEST_F(TcpStreamTest, HoleThatNobodyAckedIsKeptOpen) {
  handshake();
  up(3, "def");
  for (int i = 0; i < 100; ++i) ack_up(0);
  now.ns += 30'000'000'000;
  ack_up(0);
  up(6, "ghi");
  EXPECT_EQ(sink.text[kUp], "");
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
}

TEST_F(TcpStreamTest, OneSidedHoleIsGivenUpInTime) {
  up(0, "abc");
  up(6, "ghi");
  now.ns += 1'000'000'000;
  up(9, "j");
  EXPECT_EQ(sink.text[kUp], "abc");
  now.ns += 1'000'000'000;
  up(10, "k");
  EXPECT_EQ(sink.text[kUp], "abc[gap 3]ghijk");
  EXPECT_EQ(counters().gaps_timed_out.get(), 1U);
}

TEST_F(TcpStreamTest, HolesAtTheEndAreGaps) {
  handshake();
  up(3, "def");
  up(9, "jkl", {.fin = true, .ack = true});
  finish();
  EXPECT_EQ(sink.text[kUp], "[gap 3]def[gap 3]jkl[end complete]");
  EXPECT_EQ(sink.text[kDown], "[end timeout]");
  EXPECT_EQ(counters().gaps_at_end.get(), 2U);
}

TEST_F(TcpStreamTest, AckedTailThatWasNeverSeen) {
  handshake();
  up(0, "abc");
  ack_up(10);
  finish();
  EXPECT_EQ(sink.text[kUp], "abc[gap 7][end timeout]");
  EXPECT_EQ(counters().acked_unseen_bytes.get(), 7U);
}

TEST_F(TcpStreamTest, AckOfAnUnseenFinIsNoGap) {
  handshake();
  up(0, "abc");
  ack_up(4);
  finish();
  EXPECT_EQ(sink.text[kUp], "abc[end timeout]");
}

TEST_F(TcpStreamTest, DataAfterFinIsDropped) {
  handshake();
  up(0, "abc", {.fin = true, .ack = true});
  up(3, "xyz");
  up(1, "bcde");
  EXPECT_EQ(sink.text[kUp], "abc[end complete]");
  EXPECT_EQ(counters().after_end_bytes.get(), 3U + 2);
}

TEST_F(TcpStreamTest, FinBeforeItsDataWaits) {
  handshake();
  up(6, "", {.fin = true, .ack = true});
  up(3, "def");
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abcdef[end complete]");
}

// A FIN outside the receiver's window does nothing there: the stream goes on.
TEST_F(TcpStreamTest, FinThatItsSenderPassesOverIsNone) {
  handshake();
  up(6, "", {.fin = true, .ack = true});
  up(0, "abcdefghi");
  up(9, "jkl");
  EXPECT_EQ(sink.text[kUp], "abcdefghijkl");
  EXPECT_EQ(counters().ignored_fin.get(), 1U);
}

// Hosts drop segments without ACK, so one must not take the place of what comes after it.
TEST_F(TcpStreamTest, SegmentsWithoutAckAreIgnored) {
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  packet(kUp, kClient, 0, {}, "XXX");
  packet(kDown, kServer - 1, kClient, {.syn = true, .ack = true}, "");
  up(0, "abc");
  packet(kUp, kClient + 3, 0, {}, "YYY");
  packet(kUp, kClient + 3, 0, {.fin = true}, "");
  up(3, "def");
  EXPECT_EQ(sink.text[kUp], "abcdef");
  EXPECT_EQ(counters().no_ack.get(), 3U);
}

TEST_F(TcpStreamTest, SegmentsWithoutAckAreTakenFromASenderThatSetsNone) {
  packet(kUp, kClient, 0, {}, "abc");
  packet(kUp, kClient + 3, 0, {.psh = true}, "def");
  EXPECT_EQ(sink.text[kUp], "abcdef");
}

TEST_F(TcpStreamTest, FinThatTheReceiverPassedOverIsNone) {
  handshake();
  up(6, "", {.fin = true, .ack = true});
  ack_up(9);
  up(0, "abcdefghi");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
  up(3, "", {.fin = true, .ack = true});
  EXPECT_EQ(counters().ignored_fin.get(), 2U);
}

TEST_F(TcpStreamTest, ResetEndsItsSenderOnly) {
  handshake();
  up(0, "abc");
  down(3, "y");
  packet(kUp, kClient + 3, kServer + 4, {.ack = true}, "");
  packet(kDown, kServer + 4, 0, {.rst = true}, "");
  EXPECT_EQ(sink.text[kDown], "[gap 3]y[end reset]");
  EXPECT_TRUE(stream->closed());
  EXPECT_TRUE(stream->was_reset());
  up(6, "ghi");
  up(3, "def");  // was under way when the reset arrived
  down(0, "xyz");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
  EXPECT_TRUE(stream->closed());
  finish();
  EXPECT_EQ(sink.text[kUp], "abcdefghi[end reset]");
  EXPECT_EQ(sink.text[kDown], "[gap 3]y[end reset]");
}

TEST_F(TcpStreamTest, ResetOutsideTheWindowIsIgnored) {
  handshake();
  packet(kDown, kServer + 50'000'000, 0, {.rst = true}, "");
  EXPECT_FALSE(stream->closed());
  EXPECT_EQ(counters().ignored_rst.get(), 1U);
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abc");
}

TEST_F(TcpStreamTest, ResetNearTheWindowIsDoubted) {
  handshake();
  packet(kUp, kClient + 10, 0, {.rst = true}, "");
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(sink.text[kUp], "");
  up(0, "abc");
  EXPECT_FALSE(stream->closed());
  EXPECT_EQ(sink.text[kUp], "abc");
}

// The receiver still waits for what is before it, and answers with a challenge (RFC 5961, 3.2).
TEST_F(TcpStreamTest, ResetBehindAHoleIsDoubted) {
  handshake();
  up(3, "def");
  packet(kUp, kClient + 6, 0, {.rst = true}, "");
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(sink.text[kUp], "");
  up(0, "abc");
  up(6, "ghi");
  EXPECT_FALSE(stream->closed());
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
}

TEST_F(TcpStreamTest, RefusedConnection) {
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  packet(kDown, 0, kClient, {.rst = true, .ack = true}, "");
  EXPECT_EQ(sink.text[kDown], "[end reset]");
  EXPECT_TRUE(stream->closed());
  finish();
  EXPECT_EQ(sink.text[kUp], "[end reset]");
}

TEST_F(TcpStreamTest, LimitOfPiecesGivesUpTheFirstHole) {
  Limits limits;
  limits.out_of_order_segments = 4;
  start(limits);
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  for (uint32_t i = 0; i < 5; ++i) up(2 + 2 * i, std::string(1, static_cast<char>('a' + i)));
  EXPECT_EQ(sink.text[kUp], "[gap 2]a");
  EXPECT_EQ(counters().gaps_at_limit.get(), 1U);
}

TEST_F(TcpStreamTest, LimitOfBytesGivesUpTheFirstHole) {
  Limits limits;
  limits.out_of_order_bytes = 4096;
  start(limits);
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  const std::string part(2000, 'p');
  up(1, part);
  up(3001, part);
  EXPECT_EQ(sink.text[kUp], "");
  up(6001, part);
  EXPECT_EQ(sink.text[kUp], "[gap 1]" + part);
  up(0, "x");
  up(2001, std::string(1000, 'q'));
  EXPECT_EQ(sink.bytes[kUp], 5000U);
}

TEST_F(TcpStreamTest, NoPoolMemoryMeansGapsNotSilence) {
  Limits limits;
  limits.reassembly_bytes_total = 100;
  start(limits);
  packet(kUp, kClient - 1, 0, {.syn = true}, "");
  up(3, "def");
  EXPECT_EQ(sink.text[kUp], "[gap 3]def");
  EXPECT_GT(counters().pool_exhausted.get(), 0U);
  EXPECT_LE(pool->bytes_allocated(), 100U);
}

// Data far ahead, which the receiver will never take, does not push aside what it waits for.
TEST_F(TcpStreamTest, AtTheLimitWhatIsAheadGoesWhenTheHoleIsNotAcked) {
  Limits limits;
  limits.out_of_order_bytes = 4096;
  start(limits);
  handshake();
  const std::string junk(256, 'X');
  for (uint32_t i = 0; i < 40; ++i) up(50'000'000 + 1000 * i, junk);
  EXPECT_EQ(counters().ahead_dropped_bytes.get(), 24U * 256);
  up(3, "def");  // and takes the place of what is further ahead
  EXPECT_EQ(counters().ahead_dropped_bytes.get(), 25U * 256);
  up(0, "abc");
  up(6, "ghi");
  EXPECT_EQ(sink.text[kUp], "abcdefghi");
  EXPECT_EQ(counters().gaps.get(), 0U);
}

TEST_F(TcpStreamTest, AtTheLimitTheHoleGoesWhenAcksAreNoLongerSeen) {
  Limits limits;
  limits.out_of_order_bytes = 4096;
  start(limits);
  handshake();
  for (uint32_t i = 0; i < 5000; ++i) up(10 + i, "x");
  EXPECT_TRUE(sink.text[kUp].starts_with("[gap 10]xxx"));
  EXPECT_GT(counters().gaps_at_limit.get(), 0U);
}

TEST_F(TcpStreamTest, SkippedDirectionIsOnlyCounted) {
  handshake();
  up(0, "abc");
  up(6, "ghi");
  stream->skip(kUp);
  EXPECT_EQ(pool->bytes_in_use(), 0U);
  up(3, "def");
  up(9, "jkl", {.fin = true, .ack = true});
  EXPECT_EQ(sink.text[kUp], "abc[end complete]");
  down(0, "x");
  EXPECT_EQ(sink.text[kDown], "x");
  EXPECT_EQ(counters().skipped_bytes.get(), 3U);
}

TEST_F(TcpStreamTest, SkipFromTheSink) {
  handshake();
  up(3, "def");
  up(9, "jkl");
  up(6, "ghi");
  sink.on_data = [&](Direction d, ByteSpan) { stream->skip(d); };
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abc");
  EXPECT_EQ(pool->bytes_in_use(), 0U);
  up(12, "m", {.fin = true, .ack = true});
  EXPECT_EQ(sink.text[kUp], "abc[end complete]");
}

TEST_F(TcpStreamTest, FlipFromTheSink) {
  handshake();
  up(3, "def");
  sink.on_data = [&](Direction, ByteSpan) {
    stream->flip();
    sink.on_data = nullptr;
  };
  up(0, "abc");
  EXPECT_EQ(sink.text[kUp], "abc");
  EXPECT_EQ(sink.text[kDown], "def");
  EXPECT_EQ(stream->delivered(kDown), 6U);
  packet(kDown, kClient + 6, 0, {.ack = true}, "ghi");
  EXPECT_EQ(sink.text[kDown], "defghi");
}

TEST_F(TcpStreamTest, OtherSequenceNumbersAreTakenUpAgain) {
  handshake();
  up(0, "abc");
  ack_up(3);
  const uint32_t elsewhere = kClient - 500'000'000;
  for (uint32_t i = 0; i < 6; ++i) packet(kUp, elsewhere + i, 0, {.ack = true}, "z");
  EXPECT_EQ(sink.text[kUp], "abc[gap 0]zz");
  EXPECT_EQ(counters().resyncs.get(), 1U);
}

}  // namespace
}  // namespace weir::inspect
