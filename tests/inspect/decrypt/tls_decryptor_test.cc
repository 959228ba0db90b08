// Sessions of every version and suite, and what the handshake can do.
#include <gtest/gtest.h>

#include <string>

#include "tests/inspect/decrypt/decrypt_run.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

using test::DecryptRun;
using test::TlsChoice;
using test::TlsSession;

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;

void expect_whole(const DecryptRun& run, const TlsSession& session) {
  EXPECT_EQ(run.up(), session.text(kUp));
  EXPECT_EQ(run.down(), session.text(kDown));
  EXPECT_EQ(run.tls->sight(), TlsSight::kDecrypted) << tls_sight_name(run.tls->sight());
  EXPECT_EQ(run.tls->fault(), DecryptFault::kNone) << decrypt_fault_name(run.tls->fault());
  EXPECT_EQ(run.tls->sealed_bytes(kUp) + run.tls->sealed_bytes(kDown), 0U);
  EXPECT_EQ(run.clear.gaps[kUp] + run.clear.gaps[kDown], 0);
}

void talk(TlsSession& session) {
  ASSERT_TRUE(session.write(kUp, "GET / HTTP/1.1\r\n\r\n"));
  ASSERT_TRUE(session.write(kDown, test::numbered_text(40'000)));
  ASSERT_TRUE(session.write(kUp, test::numbered_text(50'001)));
  ASSERT_TRUE(session.write(kUp, "x"));
  ASSERT_TRUE(session.write(kDown, "done"));
  session.close(kUp);
  session.close(kDown);
}

struct SuiteCase {
  int version;
  const char* suite;
  bool rsa = false;
  bool encrypt_then_mac = true;
};

// Each flight of a session in turn is cut everywhere, the others come whole.
TEST(TlsDecryptorCuts, AFlightMayBeCutAnywhere) {
  for (const int version : {0x303, 0x304}) {
    TlsSession session({.version = version});
    ASSERT_TRUE(session.handshake() && session.write(kUp, test::numbered_text(700)));
    if (version == 0x304) {
      ASSERT_TRUE(session.key_update(kUp));
    }
    ASSERT_TRUE(session.write(kUp, "behind") && session.write(kDown, "answer"));
    session.close(kUp);
    const auto& flights = session.flights();
    for (size_t at = 0; at < flights.size(); ++at) {
      const auto play = [&](const std::vector<ByteSpan>& chunks) {
        DecryptRun run;
        run.keys_from(session.key_log());
        for (size_t i = 0; i < flights.size(); ++i) {
          if (i != at) {
            run.data(flights[i].direction, flights[i].bytes);
            continue;
          }
          for (const ByteSpan chunk : chunks) run.data(flights[i].direction, chunk);
        }
        run.end();
        EXPECT_EQ(run.up(), session.text(kUp));
        return run.up() + '/' + run.down() + std::string(tls_sight_name(run.tls->sight()));
      };
      test::split_check(flights[at].bytes, play, 150);
    }
  }
}

class EverySuite : public testing::TestWithParam<SuiteCase> {};

TEST_P(EverySuite, IsDecrypted) {
  TlsChoice choice;
  choice.version = GetParam().version;
  choice.suites = GetParam().suite;
  choice.rsa_certificate = GetParam().rsa;
  choice.encrypt_then_mac = GetParam().encrypt_then_mac;
  choice.alpn = "http/1.1";
  TlsSession session(choice);
  ASSERT_TRUE(session.handshake());
  talk(session);
  DecryptRun run;
  run.keys_from(session.key_log());
  run.feed(session.flights(), 1460);
  run.end();
  expect_whole(run, session);
  EXPECT_EQ(run.tls->alpn(), "http/1.1");
  EXPECT_EQ(run.tls->info().sni, "test.example");
  EXPECT_TRUE(run.clear.ended[kUp] && run.clear.ended[kDown]);
  EXPECT_EQ(run.clear.reason[kUp], EndReason::kComplete);
  EXPECT_EQ(run.counters.connections_keyed.get(), 1U);
  EXPECT_EQ(run.counters.clear_bytes.get(), run.up().size() + run.down().size());
}

const SuiteCase kSuiteCases[] = {
    {0x304, "TLS_AES_128_GCM_SHA256"},
    {0x304, "TLS_AES_256_GCM_SHA384"},
    {0x304, "TLS_CHACHA20_POLY1305_SHA256"},
    {0x304, "TLS_AES_128_CCM_SHA256"},
    {0x304, "TLS_AES_128_CCM_8_SHA256"},
    {0x303, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {0x303, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {0x303, "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {0x303, "ECDHE-ECDSA-AES128-CCM"},
    {0x303, "ECDHE-ECDSA-AES256-CCM8"},
    {0x303, "ECDHE-ECDSA-ARIA128-GCM-SHA256"},
    {0x303, "ECDHE-RSA-AES256-GCM-SHA384", true},
    {0x303, "DHE-RSA-AES128-GCM-SHA256", true},
    {0x303, "AES128-GCM-SHA256", true},
    {0x303, "AES256-GCM-SHA384", true},
    {0x303, "ECDHE-ECDSA-AES128-SHA"},
    {0x303, "ECDHE-ECDSA-AES256-SHA"},
    {0x303, "ECDHE-ECDSA-AES128-SHA256"},
    {0x303, "ECDHE-ECDSA-AES256-SHA384"},
    {0x303, "ECDHE-ECDSA-AES128-SHA", false, false},
    {0x303, "ECDHE-ECDSA-AES128-SHA256", false, false},
    {0x303, "ECDHE-ECDSA-AES256-SHA384", false, false},
    {0x303, "AES256-SHA256", true, false},
    {0x303, "DHE-RSA-CAMELLIA256-SHA256", true},
    {0x303, "ECDHE-ECDSA-NULL-SHA"},
    {0x302, "ECDHE-ECDSA-AES128-SHA"},
    {0x302, "ECDHE-ECDSA-AES256-SHA", false, false},
    {0x301, "ECDHE-ECDSA-AES128-SHA"},
    {0x301, "ECDHE-ECDSA-AES256-SHA", false, false},
    {0x301, "AES128-SHA", true, false},
};
std::string suite_name(const testing::TestParamInfo<SuiteCase>& tested) {
  std::string name = std::to_string(tested.param.version & 0xf) + "_" + tested.param.suite +
                     (tested.param.encrypt_then_mac ? "" : "_mac_then_encrypt");
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(Suites, EverySuite, testing::ValuesIn(kSuiteCases), suite_name);

TEST(TlsDecryptor, SplitAnywhereGivesTheSame) {
  for (const int version : {0x304, 0x303}) {
    TlsChoice choice;
    choice.version = version;
    TlsSession session(choice);
    ASSERT_TRUE(session.handshake());
    ASSERT_TRUE(session.write(kUp, "GET / HTTP/1.1\r\n\r\n"));
    ASSERT_TRUE(session.write(kDown, "HTTP/1.1 200 OK\r\n\r\n"));
    ASSERT_TRUE(session.write(kUp, test::numbered_text(300)));
    session.close(kUp);
    for (const size_t most : {1U, 2U, 3U, 5U, 7U, 64U, 1000U}) {
      DecryptRun run;
      run.keys_from(session.key_log());
      run.feed(session.flights(), most);
      run.end();
      expect_whole(run, session);
    }
    // Every cut of the client's stream, each time with the server's flight in its place.
    for (size_t f = 0; f < session.flights().size(); ++f) {
      const size_t stride = session.flights()[f].bytes.size() > 400 ? 7 : 1;
      for (size_t cut = 1; cut < session.flights()[f].bytes.size(); cut += stride) {
        DecryptRun run;
        run.keys_from(session.key_log());
        for (size_t i = 0; i < session.flights().size(); ++i) {
          const auto& flight = session.flights()[i];
          const ByteSpan bytes = flight.bytes;
          if (i == f) {
            run.data(flight.direction, bytes.first(cut));
            run.data(flight.direction, bytes.subspan(cut));
          } else {
            run.data(flight.direction, bytes);
          }
        }
        run.end();
        ASSERT_EQ(run.up(), session.text(kUp)) << "flight " << f << " cut at " << cut;
        ASSERT_EQ(run.down(), session.text(kDown));
      }
    }
  }
}

TEST(TlsDecryptor, HelloRetryRequest) {
  TlsChoice choice;
  choice.retry = true;
  TlsSession session(choice);
  ASSERT_TRUE(session.handshake());
  talk(session);
  DecryptRun run;
  run.keys_from(session.key_log());
  run.feed(session.flights(), 700);
  expect_whole(run, session);
  EXPECT_EQ(run.counters.hello_retries.get(), 1U);
  EXPECT_TRUE(run.tls->info().hello_retry);
}

TEST(TlsDecryptor, KeyUpdatesOfBothSides) {
  for (const char* suite : {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}) {
    TlsChoice choice;
    choice.suites = suite;
    TlsSession session(choice);
    ASSERT_TRUE(session.handshake());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(session.write(kUp, "up " + std::to_string(i) + test::numbered_text(100)));
      ASSERT_TRUE(session.key_update(kUp));
      ASSERT_TRUE(session.write(kUp, "after"));
      ASSERT_TRUE(session.key_update(kDown, true));
      ASSERT_TRUE(session.write(kDown, "down"));
      ASSERT_TRUE(session.write(kUp, "and up again"));
    }
    DecryptRun run;
    run.keys_from(session.key_log());
    run.feed(session.flights());
    expect_whole(run, session);
    EXPECT_EQ(run.counters.key_updates.get(), 9U);
  }
}

TEST(TlsDecryptor, PaddingAndSmallFragments) {
  TlsChoice choice;
  choice.padding = 1024;
  choice.most_fragment = 512;
  TlsSession session(choice);
  ASSERT_TRUE(session.handshake());
  talk(session);
  DecryptRun run;
  run.keys_from(session.key_log());
  run.feed(session.flights(), 999);
  expect_whole(run, session);
}

TEST(TlsDecryptor, ClientCertificateRequest) {
  TlsChoice choice;
  choice.ask_client_certificate = true;
  TlsSession session(choice);
  ASSERT_TRUE(session.handshake());
  talk(session);
  DecryptRun run;
  run.keys_from(session.key_log());
  run.feed(session.flights());
  expect_whole(run, session);
}

TEST(TlsDecryptor, ResumptionNeedsOnlyItsOwnSecrets) {
  struct Case {
    int version;
    bool tickets;
    bool extended;
  };
  for (const Case& c : {Case{0x304, true, true}, Case{0x303, true, true}, Case{0x303, false, true},
                        Case{0x303, true, false}, Case{0x303, false, false}}) {
    TlsChoice choice;
    choice.version = c.version;
    choice.tickets = c.tickets;
    choice.extended_master_secret = c.extended;
    TlsSession first(choice);
    ASSERT_TRUE(first.handshake());
    ASSERT_TRUE(first.write(kUp, "a"));
    first.close(kUp);
    first.close(kDown);
    TlsSession second(choice, first);
    ASSERT_TRUE(second.handshake());
    ASSERT_TRUE(second.resumed());
    talk(second);
    DecryptRun run;
    run.keys_from(second.key_log());
    run.feed(second.flights());
    expect_whole(run, second);
  }
}

// The first session's client may resume with early data.
std::unique_ptr<TlsSession> first_session() {
  auto first = std::make_unique<TlsSession>(TlsChoice{});
  EXPECT_TRUE(first->handshake());
  EXPECT_TRUE(first->write(kUp, "a"));
  return first;
}

TEST(TlsDecryptor, EarlyDataThatIsAccepted) {
  const auto first = first_session();
  TlsSession session(TlsChoice{}, *first);
  ASSERT_TRUE(session.early_data("POST /early HTTP/1.1\r\n\r\n" + test::numbered_text(3000)));
  ASSERT_TRUE(session.handshake());
  ASSERT_TRUE(session.early_accepted());
  talk(session);
  for (const size_t most : {size_t{SIZE_MAX}, size_t{11}}) {
    DecryptRun run;
    run.keys_from(session.key_log());
    run.feed(session.flights(), most);
    expect_whole(run, session);
    EXPECT_GT(run.counters.early_records.get(), 0U);
  }
}

std::string without_line(const std::string& log, std::string_view label) {
  std::string out;
  for (size_t at = 0; at < log.size();) {
    const size_t end = log.find('\n', at) + 1;
    if (log.compare(at, label.size(), label) != 0) out += log.substr(at, end - at);
    at = end;
  }
  return out;
}

TEST(TlsDecryptor, EarlyDataWithoutItsKeyIsPassedOver) {
  const auto first = first_session();
  TlsSession session(TlsChoice{}, *first);
  const std::string early = "POST /early HTTP/1.1\r\n\r\n";
  ASSERT_TRUE(session.early_data(early));
  ASSERT_TRUE(session.handshake());
  ASSERT_TRUE(session.early_accepted());
  talk(session);
  DecryptRun run;
  run.keys_from(without_line(session.key_log(), "CLIENT_EARLY"));
  run.feed(session.flights());
  EXPECT_EQ(run.up(), test::kUnknownHole + session.text(kUp).substr(early.size()));
  EXPECT_EQ(run.down(), session.text(kDown));
  EXPECT_EQ(run.clear.unknown_gaps[kUp], 1);
  EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
  EXPECT_EQ(run.counters.early_records_sealed.get(), 2U);  // the data and its end
}

TEST(TlsDecryptor, EarlyDataThatIsRefused) {
  for (const bool retry : {false, true}) {
    const auto first = first_session();
    TlsChoice choice;
    choice.retry = retry;
    TlsSession session(choice, *first, true);
    const std::string early = "POST /early HTTP/1.1\r\n\r\n";
    ASSERT_TRUE(session.early_data(early));
    ASSERT_TRUE(session.handshake());
    ASSERT_FALSE(session.early_accepted());
    talk(session);
    DecryptRun run;
    run.keys_from(session.key_log());
    run.feed(session.flights());
    // After a HelloRetryRequest it is known to be refused before it can be decrypted.
    const std::string later = session.text(kUp).substr(early.size());
    EXPECT_EQ(run.up(), retry ? later : early + test::kUnknownHole + later);
    EXPECT_EQ(run.down(), session.text(kDown));
    EXPECT_EQ(run.clear.unknown_gaps[kUp], retry ? 0 : 1);
    EXPECT_EQ(run.counters.early_data_rejected.get(), retry ? 0U : 1U);
    EXPECT_EQ(run.tls->fault(), DecryptFault::kNone);
  }
}

TEST(TlsDecryptor, RenegotiationEndsItWithAReason) {
  TlsChoice choice;
  choice.version = 0x303;
  TlsSession session(choice);
  ASSERT_TRUE(session.handshake());
  ASSERT_TRUE(session.write(kUp, "before"));
  ASSERT_TRUE(session.renegotiate());
  ASSERT_TRUE(session.write(kUp, "after"));
  DecryptRun run;
  run.keys_from(session.key_log());
  run.feed(session.flights());
  EXPECT_EQ(run.up(), "before");
  EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
  EXPECT_EQ(run.tls->fault(), DecryptFault::kRenegotiation);
  EXPECT_GE(run.counters.renegotiations.get(), 1U);
  EXPECT_TRUE(run.done);
  EXPECT_TRUE(run.clear.ended[kUp]);
}

TEST(TlsDecryptor, DirectionsMayBeReversed) {
  for (const int version : {0x304, 0x303}) {
    TlsChoice choice;
    choice.version = version;
    TlsSession session(choice);
    ASSERT_TRUE(session.handshake());
    talk(session);
    auto flights = session.flights();
    for (auto& flight : flights) flight.direction = reverse(flight.direction);
    DecryptRun run;
    run.keys_from(session.key_log());
    run.feed(flights);
    EXPECT_EQ(run.down(), session.text(kUp));
    EXPECT_EQ(run.up(), session.text(kDown));
    EXPECT_EQ(run.tls->info().client, kDown);
  }
}

TEST(TlsDecryptor, WhatIsNoTlsIsLeftAlone) {
  DecryptRun run;
  EXPECT_EQ(run.tls->on_data(kUp, as_bytes("GET / HTTP/1.1\r\n")), DecodeStatus::kNotMine);
}

TEST(TlsDecryptor, WrongKeyAndUnknownKey) {
  for (const int version : {0x304, 0x303}) {
    TlsChoice choice;
    choice.version = version;
    TlsSession session(choice);
    ASSERT_TRUE(session.handshake());
    talk(session);
    std::string log = session.key_log();
    // The last digit of each secret.
    for (size_t at = log.find('\n'); at != std::string::npos; at = log.find('\n', at + 1)) {
      log[at - 1] = log[at - 1] == '0' ? '1' : '0';
    }
    DecryptRun wrong;
    wrong.keys_from(log);
    wrong.feed(session.flights());
    EXPECT_EQ(wrong.tls->sight(), TlsSight::kFailed);
    EXPECT_EQ(wrong.tls->fault(), DecryptFault::kWrongKey);
    EXPECT_EQ(wrong.up() + wrong.down(), "");
    EXPECT_TRUE(wrong.done);

    DecryptRun none;
    none.feed(session.flights());
    EXPECT_EQ(none.tls->sight(), TlsSight::kWaiting);
    none.tls->finish(EndReason::kTimeout);
    EXPECT_EQ(none.tls->sight(), TlsSight::kNoKey);
    EXPECT_EQ(none.services.held_bytes, 0U);
    EXPECT_GT(none.tls->sealed_bytes(kUp), session.text(kUp).size());

    DecryptRun idle({}, false);
    idle.feed(session.flights());
    EXPECT_TRUE(idle.done);
    EXPECT_EQ(idle.tls->sight(), TlsSight::kNoKey);
    EXPECT_FALSE(idle.tls->waiting());
    EXPECT_EQ(idle.tls->info().sni, "test.example");
  }
}

TEST(TlsDecryptor, AChangedByteEndsTheDirection) {
  TlsSession session{TlsChoice{}};
  ASSERT_TRUE(session.handshake());
  const size_t flights = session.flights().size();
  ASSERT_TRUE(session.write(kUp, "good"));
  ASSERT_TRUE(session.write(kUp, "bad"));
  auto changed = session.flights();
  ASSERT_EQ(changed.size(), flights + 1);
  changed.back().bytes.back() ^= 1;
  DecryptRun run;
  run.keys_from(session.key_log());
  run.feed(changed);
  EXPECT_EQ(run.up(), "good");
  EXPECT_EQ(run.tls->fault(), DecryptFault::kBadRecord);
  EXPECT_EQ(run.tls->sight(), TlsSight::kPartly);
  EXPECT_EQ(run.clear.reason[kUp], EndReason::kMalformed);

  changed.back() = session.flights().back();
  changed.back().bytes[4 + 1 + 4 + 16 + 1] = 99;  // type of the second record
  DecryptRun framing;
  framing.keys_from(session.key_log());
  framing.feed(changed);
  EXPECT_EQ(framing.up(), "good");
}

}  // namespace
}  // namespace weir::inspect
