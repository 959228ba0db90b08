// How far each flow could be seen into, and why no further; keys that come late.
#include <gtest/gtest.h>

#include <algorithm>

#include "config/settings.h"
#include "tests/inspect/engine/watched_flow.h"

namespace weir::inspect {
namespace {

std::shared_ptr<const Snapshot> with_policy(const std::string& rules) {
  auto snapshot = std::make_shared<Snapshot>(*test::sample_snapshot());
  const auto settings = config::parse_settings(rules, "test.yaml");
  EXPECT_TRUE(settings) << settings.error().to_string();
  snapshot->policy = Policy(settings->policy);
  return snapshot;
}

std::string noise(size_t bytes) {
  std::string out;
  uint64_t state = 88172645463325252ULL;
  while (out.size() < bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    out += static_cast<char>(state);
  }
  return out;
}

TEST(VisibilityOfFlows, ClearAndComplete) {
  Watched w;
  w.handshake();
  w.say(true, as_bytes(post(leak())));
  w.expect(Visibility::kClear, VisibilityReason::kNone);
}

TEST(VisibilityOfFlows, NothingWasSent) {
  Watched w;
  w.handshake();
  w.close();
  w.expect(Visibility::kMetadata, VisibilityReason::kNoData);
}

TEST(VisibilityOfFlows, PacketsAreMissing) {
  Watched w;
  w.handshake();
  w.say(true, as_bytes(post(leak()).substr(0, 600)));
  w.sequence[0] += 500;
  w.say(true, as_bytes(leak()));
  w.expect(Visibility::kPartly, VisibilityReason::kLost);
}

TEST(VisibilityOfFlows, BodiesThatHoldNothingReadable) {
  Watched w;
  w.handshake();
  w.say(true, as_bytes(post(noise(20'000), "application/octet-stream")));
  w.expect(Visibility::kPartly, VisibilityReason::kOpaque);
}

TEST(VisibilityOfFlows, AnUnknownProtocol) {
  Watched w;
  w.handshake();
  w.say(true, as_bytes(noise(20'000)));
  w.expect(Visibility::kMetadata, VisibilityReason::kUnknownProtocol);
}

TEST(VisibilityOfFlows, TlsThatWasUnderWay) {
  Watched w;
  std::string record("\x17\x03\x03\x40\x00", 5);
  w.say(true, as_bytes(record + noise(16'384)));
  w.expect(Visibility::kMetadata, VisibilityReason::kMidStream);
}

TEST(VisibilityOfFlows, QuicAndUnknownDatagrams) {
  Watched w;
  w.now.ns += 1;
  const std::string payload(200, '\x01');
  DecodedPacket packet = w.peer.packet(true, 0, 0, {}, as_bytes(payload), w.now);
  packet.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
  (void)w.engine.on_packet(packet);
  w.expect(Visibility::kMetadata, VisibilityReason::kUnknownProtocol);
}

struct TlsTalk {
  TlsTalk() : session({.alpn = "http/1.1"}) {
    EXPECT_TRUE(session.handshake());
    hello_flights = session.flights().size();
    EXPECT_TRUE(session.write(Direction::kToServer, post(leak())));
  }
  void give_keys(KeyStore& store, Timestamp now) const { inspect::give_keys(session, store, now); }
  test::TlsSession session;
  size_t hello_flights = 0;
};

TEST(VisibilityOfFlows, TlsWithoutAnyKeyLog) {
  TlsTalk talk;
  Watched w;
  w.handshake();
  w.say(talk.session.flights());
  w.expect(Visibility::kMetadata, VisibilityReason::kNoKey);
}

// A hello alone makes no TLS: what follows in clear is read, with and without a key log.
TEST(VisibilityOfFlows, AHelloAndThenClear) {
  TlsTalk talk;
  KeyStore store;
  for (const KeyAccess& keys : {KeyAccess{}, late(store)}) {
    Watched w(keys);
    w.handshake();
    w.say(true, talk.session.flights().front().bytes);
    w.say(true, as_bytes(post(leak())));
    // Where nothing is decrypted it is not known that nothing was sealed.
    if (keys.store != nullptr) {
      w.expect(Visibility::kClear, VisibilityReason::kNone);
    } else {
      w.expect(Visibility::kPartly, VisibilityReason::kNoKey);
    }
    EXPECT_TRUE(has_code(w.sink.findings));
    EXPECT_EQ(w.engine.counters().tls_left.get(), 1U);
  }
}

TEST(VisibilityOfFlows, KeysBeforeTheRequest) {
  TlsTalk talk;
  KeyStore store;
  talk.give_keys(store, kBegin);
  Watched w(late(store));
  w.handshake();
  w.say(talk.session.flights());
  EXPECT_EQ(w.last, Action::kDrop);  // while it lives
  w.expect(Visibility::kDecrypted, VisibilityReason::kNone);
  EXPECT_TRUE(has_code(w.sink.findings));
}

TEST(VisibilityOfFlows, KeysTwoSecondsAfterTheRequestAndNoFurtherPacket) {
  TlsTalk talk;
  KeyStore store;
  Watched w(late(store));
  w.handshake();
  w.say(talk.session.flights());
  w.close();
  w.tick(2);
  EXPECT_FALSE(has_code(w.sink.findings));
  talk.give_keys(store, w.now);
  w.tick(0.2);
  EXPECT_EQ(w.engine.active_flows(), 1U);
  EXPECT_TRUE(has_code(w.sink.findings));
  w.expect(Visibility::kDecrypted, VisibilityReason::kNone);
}

// The connection is over, and would be forgotten before the time is up in which keys may come.
TEST(VisibilityOfFlows, KeysLongAfterTheConnectionClosed) {
  for (const double seconds : {8.0, 13.0}) {
    KeyStore store;
    auto snapshot = std::make_shared<Snapshot>(*test::sample_snapshot());
    snapshot->limits.tcp_closing = Duration::seconds(1);
    snapshot->limits.hold_age = Duration::seconds(10);
    test::TlsSession session({.server_name = "api.anthropic.com"});
    ASSERT_TRUE(session.handshake() && session.write(Direction::kToServer, post(leak())));
    Watched w(late(store), snapshot);
    w.handshake();
    w.say(session.flights());
    w.close();
    w.tick(seconds);
    give_keys(session, store, w.now);
    w.tick(0.2);
    EXPECT_EQ(has_code(w.sink.findings), seconds < 10);
    EXPECT_EQ(w.sink.records.size(), seconds < 10 ? 0U : 1U);
    EXPECT_EQ(w.flow().visibility, seconds < 10 ? Visibility::kDecrypted : Visibility::kMetadata);
  }
}

TEST(VisibilityOfFlows, KeysInTheMiddleOfTheRequest) {
  TlsTalk talk;
  KeyStore store;
  Watched w(late(store));
  w.handshake();
  std::vector<test::Flight> flights = talk.session.flights();
  const std::vector<uint8_t> request = flights.back().bytes;
  flights.pop_back();
  w.say(flights);
  w.say(true, ByteSpan(request).first(request.size() / 2));
  talk.give_keys(store, w.now);
  w.say(true, ByteSpan(request).subspan(request.size() / 2));
  w.expect(Visibility::kDecrypted, VisibilityReason::kNone);
  EXPECT_TRUE(has_code(w.sink.findings));
}

TEST(VisibilityOfFlows, KeysWhenWhatWasHeldIsGone) {
  TlsTalk talk;
  KeyStore store;
  Watched w(late(store));
  w.handshake();
  w.say(talk.session.flights());
  w.tick(6);  // hold_age is 5 s: dropped without a packet
  const auto counters = w.engine.all_counters();
  const auto expired = std::find_if(counters.begin(), counters.end(), [](const auto& entry) {
    return entry.first == "decrypt.hold_expired";
  });
  ASSERT_NE(expired, counters.end());
  EXPECT_EQ(expired->second, 1U);
  talk.give_keys(store, w.now);
  const size_t before = talk.session.bytes(Direction::kToServer).size();
  ASSERT_TRUE(talk.session.write(Direction::kToServer, post(leak())));
  w.say(true, ByteSpan(talk.session.bytes(Direction::kToServer)).subspan(before));
  w.expect(Visibility::kPartly, VisibilityReason::kKeysLate);
  EXPECT_TRUE(has_code(w.sink.findings));
}

TEST(VisibilityOfFlows, ADelayOfAReplayCountsFromTheHello) {
  for (const auto& [seconds, seen] :
       {std::pair(0.0, true), {2.0, true}, {4.9, true}, {5.3, false}}) {
    SCOPED_TRACE(seconds);
    TlsTalk talk;
    KeyStore store;
    talk.give_keys(store, kBegin);
    KeyAccess keys = late(store);
    keys.delay = Duration{static_cast<int64_t>(seconds * 1e9)};
    Watched w(keys);
    w.handshake();
    w.say(talk.session.flights());
    if (seconds > 0) {
      EXPECT_FALSE(has_code(w.sink.findings));
    }
    w.tick(7);
    (void)w.flow();
    EXPECT_EQ(has_code(w.sink.findings), seen);
  }
}

constexpr const char* kBlind = R"(policy:
  - {name: blind, when: {visibility: metadata, visibility_reason: no_key, one_upload: ">=20KiB"}, then: reset, severity: high}
)";

TEST(VisibilityOfFlows, ABlindUploadIsCutWithThePacketThatReachesTheSize) {
  TlsTalk talk;
  ASSERT_TRUE(talk.session.write(Direction::kToServer, std::string(40'000, 'x')));
  Watched w({}, with_policy(kBlind));
  w.handshake();
  uint64_t sent = 0;
  uint64_t at_cut = 0;
  for (const test::Flight& flight : talk.session.flights()) {
    if (flight.direction != Direction::kToServer) {
      w.say(false, flight.bytes);
      continue;
    }
    for (const uint8_t byte : flight.bytes) {
      w.say(true, ByteSpan(&byte, 1));
      ++sent;
      if (w.last == Action::kReset && at_cut == 0) at_cut = sent;
    }
  }
  // What went before the server's last answer were uploads of their own.
  const uint64_t all = talk.session.bytes(Direction::kToServer).size();
  const uint64_t last_upload = talk.session.flights().back().bytes.size();
  EXPECT_EQ(at_cut, all - last_upload + (20U << 10));
  ASSERT_EQ(w.sink.findings.size(), 1U);
  EXPECT_EQ(w.sink.findings[0].rule, "blind");
}

TEST(VisibilityOfFlows, AnUploadWhoseKeysMayStillComeIsNotBlindYet) {
  TlsTalk talk;
  ASSERT_TRUE(talk.session.write(Direction::kToServer, std::string(40'000, 'x')));
  KeyStore store;
  Watched w(late(store), with_policy(kBlind));
  w.handshake();
  w.say(talk.session.flights());
  EXPECT_EQ(w.last, Action::kAllow);
  w.tick(5.5);
  ASSERT_EQ(w.sink.findings.size(), 1U);
  EXPECT_EQ(w.sink.findings[0].rule, "blind");
  EXPECT_EQ(w.sink.findings[0].flow.visibility_reason, VisibilityReason::kNoKey);
}

}  // namespace
}  // namespace weir::inspect
