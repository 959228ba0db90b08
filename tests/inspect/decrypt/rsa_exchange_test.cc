// TLS opened with a server's RSA key, against sessions that OpenSSL makes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "inspect/decrypt/server_keys.h"
#include "tests/inspect/decrypt/decrypt_run.h"

namespace weir::inspect {
namespace {

using test::DecryptRun;
using test::TlsChoice;
using test::TlsSession;

class KeyFile {
 public:
  explicit KeyFile(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_) << text;
    chmod(path_.c_str(), mode);
  }
  ~KeyFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "/server.key";
};

const ServerKeys& own_keys() {
  static const std::unique_ptr<ServerKeys> keys = [] {
    const KeyFile file(TlsSession::rsa_key());
    return *ServerKeys::load({file.path()});
  }();
  return *keys;
}

// Without any key log.
struct KeyRun : DecryptRun {
  explicit KeyRun(const ServerKeys& server_keys, Limits l = {}) : DecryptRun(l, false) {
    services.server_keys = &server_keys;
    services.handshake_room = &room;
    tls = std::make_unique<TlsDecryptor>(services, clear, false);
    tick(0);
  }
  ~KeyRun() { tls.reset(); }
  Counter refused;
  ByteBudget room{1U << 20, refused};
};

void talk(TlsSession& session) {
  ASSERT_TRUE(session.handshake());
  ASSERT_TRUE(session.write(Direction::kToServer, "a question"));
  ASSERT_TRUE(session.write(Direction::kToClient, "an answer"));
}

void expect_opened(const TlsSession& session, const ServerKeys& keys) {
  for (const size_t most : {SIZE_MAX, size_t{1}, size_t{700}}) {
    KeyRun run(keys);
    run.feed(session.flights(), most);
    EXPECT_EQ(run.up(), session.text(Direction::kToServer));
    EXPECT_EQ(run.down(), session.text(Direction::kToClient));
    EXPECT_EQ(run.tls->sight(), TlsSight::kDecrypted);
    EXPECT_EQ(run.counters.connections_by_rsa.get(), 1U);
    EXPECT_EQ(run.room.used(), 0U);
  }
}

TEST(RsaExchange, SessionsOfEveryKind) {
  for (const int version : {0x0301, 0x0302, 0x0303}) {
    for (const bool extended : {false, true}) {
      for (const char* suite : {"AES128-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384"}) {
        if (version < 0x0303 && std::string_view(suite) != "AES128-SHA") continue;
        SCOPED_TRACE(std::to_string(version) + suite + (extended ? " extended" : ""));
        TlsChoice choice;
        choice.version = version;
        choice.suites = suite;
        choice.rsa_certificate = true;
        choice.extended_master_secret = extended;
        TlsSession session(choice);
        talk(session);
        expect_opened(session, own_keys());
      }
    }
  }
}

TEST(RsaExchange, AClientThatShowsACertificateToo) {
  TlsChoice choice;
  choice.version = 0x0303;
  choice.suites = "AES128-GCM-SHA256";
  choice.rsa_certificate = true;
  choice.ask_client_certificate = true;
  TlsSession session(choice);
  talk(session);
  expect_opened(session, own_keys());
}

TEST(RsaExchange, ResumedSessionsByTicketAndById) {
  for (const bool tickets : {true, false}) {
    TlsChoice choice;
    choice.version = 0x0303;
    choice.suites = "AES128-GCM-SHA256";
    choice.rsa_certificate = true;
    choice.tickets = tickets;
    TlsSession first(choice);
    talk(first);
    TlsSession second(choice, first);
    talk(second);
    ASSERT_TRUE(second.resumed());
    // The first one was not seen.
    const KeyFile file(TlsSession::rsa_key());
    const auto keys = ServerKeys::load({file.path()});
    ASSERT_TRUE(keys);
    KeyRun run(**keys);
    run.feed(second.flights());
    EXPECT_EQ(run.up(), "");
    EXPECT_EQ(run.tls->sight(), TlsSight::kNoKey);
    expect_opened(first, **keys);
    expect_opened(second, **keys);
  }
}

TEST(RsaExchange, SecretsThatBothAgreeOnStaySecret) {
  TlsChoice choice;
  choice.version = 0x0303;
  choice.suites = "ECDHE-RSA-AES128-GCM-SHA256";
  choice.rsa_certificate = true;
  TlsSession session(choice);
  talk(session);
  KeyRun run(own_keys());
  run.feed(session.flights());
  EXPECT_EQ(run.up(), "");
  EXPECT_EQ(run.tls->sight(), TlsSight::kNoKey);
  EXPECT_EQ(run.counters.rsa_not_opened.get(), 0U);
  EXPECT_EQ(run.room.used(), 0U);
}

TEST(RsaExchange, AHostileKeyExchangeEndsWithAReason) {
  TlsChoice choice;
  choice.version = 0x0303;
  choice.suites = "AES128-GCM-SHA256";
  choice.rsa_certificate = true;
  TlsSession session(choice);
  talk(session);
  // Every byte of the client's second flight once.
  std::vector<test::Flight> flights = session.flights();
  size_t at = 1;
  while (flights[at].direction != Direction::kToServer) ++at;
  for (size_t i = 0; i < flights[at].bytes.size(); i += 7) {
    flights[at].bytes[i] ^= 0x5a;
    KeyRun run(own_keys());
    run.feed(flights);
    run.end();
    run.tls->finish(EndReason::kTimeout);
    EXPECT_NE(run.tls->sight(), TlsSight::kPending) << i;
    EXPECT_NE(run.tls->sight(), TlsSight::kDecrypted) << i;
    EXPECT_EQ(run.room.used(), 0U);
    flights[at].bytes[i] ^= 0x5a;
  }
}

TEST(RsaExchange, SoManyASecond) {
  TlsChoice choice;
  choice.version = 0x0303;
  choice.suites = "AES128-GCM-SHA256";
  choice.rsa_certificate = true;
  TlsSession session(choice);
  talk(session);
  Limits limits;
  limits.rsa_exchanges_per_second = 0;
  KeyRun run(own_keys(), limits);
  run.feed(session.flights());
  EXPECT_EQ(run.tls->sight(), TlsSight::kNoKey);
  EXPECT_EQ(run.counters.rsa_limit.get(), 1U);
  limits.rsa_exchanges_per_second = 2;
  DecryptServices services{limits, run.keys, run.tls_counters, run.counters};
  EXPECT_TRUE(services.may_exchange(Timestamp{5'000'000'000}));
  EXPECT_TRUE(services.may_exchange(Timestamp{5'000'000'001}));
  EXPECT_FALSE(services.may_exchange(Timestamp{5'999'999'999}));
  EXPECT_TRUE(services.may_exchange(Timestamp{6'000'000'000}));
}

std::string refusal(const std::string& text, mode_t mode = 0600) {
  const KeyFile file(text, mode);
  const auto keys = ServerKeys::load({file.path()});
  return keys ? "" : keys.error().message;
}

TEST(ServerKeys, FilesThatAreNoKeysOfThisKindAreRefused) {
  EXPECT_EQ(refusal(TlsSession::rsa_key()), "");
  EXPECT_EQ(refusal(TlsSession::rsa_key(), 0640),
            "server key is open to others; run chmod 600 on it");
  EXPECT_EQ(refusal(TlsSession::rsa_key("secret")),
            "server key file holds an encrypted private key, expected a plain one");
  EXPECT_EQ(refusal("no key"), "server key file holds no private key in PEM form");
  EXPECT_EQ(refusal("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"),
            "server key file holds a private key that cannot be read");
  EXPECT_EQ(refusal("-----BEGIN PRIVATE KEY-----\n"
                    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
                    "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
                    "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
                    "-----END PRIVATE KEY-----\n"),
            "server key is not an RSA key");
  EXPECT_TRUE(ServerKeys::load({"/nowhere/server.key"})
                  .error()
                  .message.starts_with("server key cannot be read"));
  EXPECT_TRUE(own_keys().locked());
}

}  // namespace
}  // namespace weir::inspect
