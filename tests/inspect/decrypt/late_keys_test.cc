// Keys that come after the ciphertext, and ciphertext that is not all there.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_set>

#include "tests/inspect/decrypt/decrypt_run.h"

namespace weir::inspect {
namespace {

using test::DecryptRun;
using test::Flight;
using test::TlsChoice;
using test::TlsSession;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;

std::unique_ptr<TlsSession> talk(int version, const char* suite = nullptr, size_t fragment = 0) {
  TlsChoice choice;
  choice.version = version;
  choice.suites = suite;
  choice.most_fragment = fragment;
  auto session = std::make_unique<TlsSession>(choice);
  EXPECT_TRUE(session->handshake());
  EXPECT_TRUE(session->write(kUp, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"));
  EXPECT_TRUE(session->write(kDown, "HTTP/1.1 101 Switching\r\n\r\n"));
  EXPECT_TRUE(session->write(kUp, test::numbered_text(70'000)));
  EXPECT_TRUE(session->write(kDown, test::numbered_text(9'000)));
  EXPECT_TRUE(session->write(kUp, "the end"));
  return session;
}

// Everything that is there must be right, and known gaps of exact size.
void expect_holes_only(const std::string& got, const std::string& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i] != test::kMissing) {
      ASSERT_EQ(got[i], want[i]) << "at " << i;
    }
  }
}

TEST(LateKeys, AreCaughtUpInTheOrderOfArrival) {
  for (const int version : {0x304, 0x303, 0x301}) {
    const auto session = talk(version);
    DecryptRun early;
    early.keys_from(session->key_log());
    early.feed(session->flights(), 1460);
    // After all, and after each flight.
    for (size_t when = 0; when <= session->flights().size(); ++when) {
      DecryptRun run;
      for (size_t i = 0; i < session->flights().size(); ++i) {
        if (i == when) run.keys_from(session->key_log());
        run.tick(10);
        run.feed({session->flights()[i]}, 1460);
      }
      if (when == session->flights().size()) {
        EXPECT_EQ(run.tls->sight(), TlsSight::kWaiting);
        EXPECT_TRUE(run.tls->waiting());
        EXPECT_EQ(run.up() + run.down(), "");
        run.keys_from(session->key_log());
      }
      run.tick(10);
      EXPECT_EQ(run.up(), session->text(kUp));
      EXPECT_EQ(run.down(), session->text(kDown));
      EXPECT_EQ(run.clear.order, early.clear.order);
      EXPECT_EQ(run.tls->sight(), TlsSight::kDecrypted);
      EXPECT_EQ(run.services.held_bytes, 0U);
      EXPECT_FALSE(run.tls->waiting());
    }
  }
}

TEST(LateKeys, ComeAfterTheConnectionIsClosed) {
  const auto session = talk(0x304);
  DecryptRun run;
  run.tick(0);
  run.feed(session->flights());
  run.end();
  EXPECT_FALSE(run.clear.ended[kUp]);
  EXPECT_TRUE(run.tls->waiting());
  run.tick(2000);
  run.keys_from(session->key_log());
  run.tick(1);
  EXPECT_EQ(run.up(), session->text(kUp));
  EXPECT_TRUE(run.clear.ended[kUp] && run.clear.ended[kDown]);
  EXPECT_EQ(run.clear.reason[kUp], EndReason::kComplete);
}

TEST(LateKeys, LinesThatComeOneByOne) {
  const auto session = talk(0x304);
  DecryptRun run;
  run.feed(session->flights());
  const std::string& log = session->key_log();
  for (size_t at = 0; at < log.size();) {
    const size_t end = log.find('\n', at) + 1;
    run.keys_from(log.substr(at, end - at));
    run.tick(1);
    at = end;
  }
  EXPECT_EQ(run.up(), session->text(kUp));
  EXPECT_EQ(run.down(), session->text(kDown));
}

// Extractors that know the client's secrets alone.
TEST(LateKeys, SecretsOfOneSideMustDoWhenTheTimeIsUp) {
  const auto session = talk(0x304);
  std::string log;
  const std::string& all = session->key_log();
  for (size_t at = 0; at < all.size();) {
    const size_t end = all.find('\n', at) + 1;
    if (all.compare(at, 22, "CLIENT_TRAFFIC_SECRET_") == 0) log += all.substr(at, end - at);
    at = end;
  }
  for (const bool wait : {false, true}) {
    DecryptRun run;
    run.keys_from(log);
    run.tick(0);
    run.feed(session->flights());
    run.tick(1000);
    EXPECT_EQ(run.tls->sight(), TlsSight::kWaiting);
    if (wait) run.tick(5000);
    run.tls->finish(EndReason::kTimeout);
    // Even without the secret of the handshake, which its Finished is protected with.
    const std::string& up = run.up();
    EXPECT_EQ(up, session->text(kUp));
    EXPECT_EQ(run.down(), "");
    EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
    EXPECT_EQ(run.services.held_bytes, 0U);
  }
}

TEST(LateKeys, WhatFellOutOfTheHoldIsAGapOfExactSize) {
  for (const int version : {0x304, 0x303}) {
    const auto session = talk(version, nullptr, 1000);
    for (const size_t hold : {0U, 100U, 5'000U, 20'000U, 40'000U, 60'000U}) {
      Limits limits;
      limits.hold_bytes = hold;
      DecryptRun run(limits);
      run.tick(0);
      run.feed(session->flights(), 1460);
      EXPECT_LE(run.services.held_bytes, hold);
      run.keys_from(session->key_log());
      run.tick(1);
      EXPECT_EQ(run.counters.hold_limit.get() > 0, hold < 80'000) << hold;
      // What comes from now on is decrypted, whatever was lost.
      const size_t told = run.up().size();
      EXPECT_GT(run.clear.gaps[kUp], 0);
      if (hold >= 5'000) {
        EXPECT_EQ(run.clear.unknown_gaps[kUp], 0);
        EXPECT_EQ(told, session->text(kUp).size());
        expect_holes_only(run.up(), session->text(kUp));
        EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
      }
    }
  }
}

// The stream goes on behind what was not held.
TEST(LateKeys, GoOnBehindTheHold) {
  for (const int version : {0x304, 0x303}) {
    for (const bool expire : {false, true}) {
      TlsChoice choice;
      choice.version = version;
      TlsSession session(choice);
      ASSERT_TRUE(session.handshake());
      ASSERT_TRUE(session.write(kUp, test::numbered_text(100'000)));
      ASSERT_TRUE(session.write(kDown, test::numbered_text(20'000)));
      const size_t flights = session.flights().size();
      ASSERT_TRUE(session.write(kUp, "still here"));
      ASSERT_TRUE(session.write(kDown, "me too"));
      Limits limits;
      if (!expire) limits.hold_bytes = 8'000;
      DecryptRun run(limits);
      run.tick(0);
      const auto& all = session.flights();
      // Up to the middle of a record, so that one is under way when the keys come.
      run.feed({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(flights)}, 1460);
      run.tick(6000);
      EXPECT_EQ(run.tls->waiting(), false);
      EXPECT_EQ(run.counters.hold_expired.get(), 1U);
      EXPECT_EQ(run.tls->sight(), TlsSight::kNoKey);
      run.keys_from(session.key_log());
      run.tick(10);
      run.feed({all.begin() + static_cast<std::ptrdiff_t>(flights), all.end()}, 7);
      EXPECT_TRUE(run.up().ends_with("still here")) << run.up().size();
      EXPECT_TRUE(run.down().ends_with("me too"));
      EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
      EXPECT_GE(run.clear.unknown_gaps[kUp], 1);
    }
  }
}

TEST(LateKeys, AllFlowsTogetherAreBounded) {
  const auto session = talk(0x304);
  Limits limits;
  limits.hold_bytes_total = 30'000;
  DecryptRun run(limits);
  run.feed(session->flights(), 500);
  EXPECT_LE(run.services.held_bytes, 30'000U);
  run.tls->finish(EndReason::kTimeout);
  EXPECT_EQ(run.services.held_bytes, 0U);
}

struct Loss {
  size_t flight;
  size_t from;
  size_t size;
};

void feed_with_loss(DecryptRun& run, const std::vector<Flight>& flights, const Loss& loss,
                    bool size_known) {
  for (size_t i = 0; i < flights.size(); ++i) {
    const ByteSpan bytes = flights[i].bytes;
    if (i != loss.flight) {
      run.data(flights[i].direction, bytes);
      continue;
    }
    run.data(flights[i].direction, bytes.first(loss.from));
    run.gap(flights[i].direction, size_known ? loss.size : 0);
    run.data(flights[i].direction, bytes.subspan(loss.from + loss.size));
  }
}

TEST(Loss, OfApplicationDataLeavesHolesOfExactSize) {
  std::mt19937 random(7);
  for (const int version : {0x304, 0x303}) {
    for (const char* suite :
         version == 0x304
             ? std::vector<const char*>{"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}
             : std::vector<const char*>{"ECDHE-ECDSA-AES128-GCM-SHA256",
                                        "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
      const auto session = talk(version, suite, 700);
      const auto& flights = session->flights();
      for (int i = 0; i < 60; ++i) {
        // The long flight of the client.
        size_t f = 0;
        while (flights[f].bytes.size() < 60'000) ++f;
        Loss loss{f, 0, 0};
        loss.size = 1 + random() % (i % 3 == 0 ? 20'000 : 1'500);
        loss.from = random() % (flights[f].bytes.size() - loss.size);
        const bool late = i % 2 == 0;
        DecryptRun run;
        if (!late) run.keys_from(session->key_log());
        feed_with_loss(run, flights, loss, true);
        if (late) run.keys_from(session->key_log());
        run.tick(1);
        run.end();
        SCOPED_TRACE(testing::Message() << suite << " lost " << loss.size << " at " << loss.from);
        expect_holes_only(run.up(), session->text(kUp));
        EXPECT_TRUE(run.up().ends_with("the end"));
        EXPECT_EQ(run.down(), session->text(kDown));
        EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
        const auto holes = std::count(run.up().begin(), run.up().end(), test::kMissing);
        EXPECT_LE(holes, static_cast<std::ptrdiff_t>(loss.size + 2 * 700));
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Loss, OfUnknownSizeIsFoundAgain) {
  for (const char* suite : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"}) {
    for (const int version : {0x303, 0x302, 0x301}) {
      if (version != 0x303 && std::string_view(suite).find("GCM") != std::string_view::npos) {
        continue;
      }
      const auto session = talk(version, suite, 700);
      size_t f = 0;
      while (session->flights()[f].bytes.size() < 60'000) ++f;
      DecryptRun run;
      run.keys_from(session->key_log());
      feed_with_loss(run, session->flights(), {f, 3'000, 9'000}, false);
      run.end();
      EXPECT_TRUE(run.up().ends_with("the end")) << suite << std::hex << version;
      EXPECT_EQ(run.clear.unknown_gaps[kUp] > 0, true);
      EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
      EXPECT_EQ(run.counters.resyncs.get(), 1U);
    }
  }
}

// Any bytes of the handshake: the client's data is read all the same, as far as its keys can be
// known without what was lost.
TEST(Loss, InTheHandshakeOfTls13) {
  std::mt19937 random(11);
  const auto session = talk(0x304);
  const auto& flights = session->flights();
  ASSERT_EQ(flights[1].direction, kDown);
  for (int i = 0; i < 80; ++i) {
    Loss loss{1, 0, 0};
    loss.from = random() % flights[1].bytes.size();
    loss.size = 1 + random() % (flights[1].bytes.size() - loss.from);
    DecryptRun run;
    run.keys_from(session->key_log());
    run.tick(1);
    feed_with_loss(run, flights, loss, true);
    run.tick(6000);
    run.end();
    SCOPED_TRACE(testing::Message() << "lost " << loss.size << " at " << loss.from);
    EXPECT_EQ(run.up(), session->text(kUp));
    EXPECT_EQ(run.down(), session->text(kDown));
    if (HasFailure()) return;
  }
}

TEST(Loss, OfTheWholeServerSide) {
  const auto session = talk(0x304);
  DecryptRun run;
  run.tick(0);
  run.keys_from(session->key_log());
  for (const Flight& flight : session->flights()) {
    if (flight.direction == kUp) run.data(kUp, flight.bytes);
  }
  run.tick(6000);
  EXPECT_EQ(run.up(), session->text(kUp));

  DecryptRun ended;
  ended.keys_from(session->key_log());
  for (const Flight& flight : session->flights()) {
    if (flight.direction == kUp) ended.data(kUp, flight.bytes);
  }
  ended.end();
  EXPECT_EQ(ended.up(), session->text(kUp));
}

TEST(Loss, OfTheClientHelloSaysSo) {
  const auto session = talk(0x304);
  DecryptRun run;
  run.keys_from(session->key_log());
  for (size_t i = 1; i < session->flights().size(); ++i) {
    run.data(session->flights()[i].direction, session->flights()[i].bytes);
  }
  run.tls->finish(EndReason::kTimeout);
  EXPECT_EQ(run.tls->sight(), TlsSight::kNoHandshake);
  EXPECT_EQ(run.up() + run.down(), "");
}

// Losses anywhere in both directions never make wrong bytes.
TEST(Loss, AnywhereNeverMakesWrongBytes) {
  std::mt19937 random(3);
  for (const int version : {0x304, 0x303}) {
    TlsChoice choice;
    choice.version = version;
    choice.most_fragment = 600;
    TlsSession session(choice);
    ASSERT_TRUE(session.handshake());
    ASSERT_TRUE(session.write(kUp, test::numbered_text(5'000)));
    if (version == 0x304) {
      ASSERT_TRUE(session.key_update(kUp));
    }
    ASSERT_TRUE(session.write(kUp, test::numbered_text(9'000)));
    ASSERT_TRUE(session.write(kDown, test::numbered_text(9'000)));
    constexpr size_t kWindow = 16;
    const std::string kHoles{test::kMissing, test::kUnknownHole};
    PerDirection<std::unordered_set<std::string>> windows;
    for (const Direction d : {kUp, kDown}) {
      const std::string& text = session.text(d);
      for (size_t at = 0; at + kWindow <= text.size(); ++at) {
        windows[d].insert(text.substr(at, kWindow));
      }
    }
    size_t compared = 0;
    for (int i = 0; i < 100; ++i) {
      DecryptRun run;
      if (i % 3 != 0) run.keys_from(session.key_log());
      for (const Flight& flight : session.flights()) {
        ByteSpan left = flight.bytes;
        while (!left.empty()) {
          const size_t take = std::min<size_t>(left.size(), 1 + random() % 1460);
          if (random() % 12 == 0) {
            run.gap(flight.direction, random() % 4 == 0 ? 0 : take);
          } else {
            run.data(flight.direction, left.first(take));
          }
          left = left.subspan(take);
        }
      }
      run.keys_from(session.key_log());
      run.tick(1);
      run.end();
      for (const Direction d : {kUp, kDown}) {
        // What stands between holes stands in the text as well.
        const std::string& got = run.clear.text[d];
        for (size_t at = 0; at + kWindow <= got.size(); ++at) {
          const std::string part = got.substr(at, kWindow);
          if (part.find_first_of(kHoles) != std::string::npos) continue;
          ASSERT_EQ(windows[d].count(part), 1U) << part;
          ++compared;
        }
      }
      run.tls->finish(EndReason::kTimeout);
      EXPECT_EQ(run.services.held_bytes, 0U);
    }
    EXPECT_GT(compared, 500'000U);
  }
}

}  // namespace
}  // namespace weir::inspect
