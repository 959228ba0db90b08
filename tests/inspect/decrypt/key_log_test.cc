// Key logs as text and as files, and the store that they fill.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "inspect/decrypt/key_log_source.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

constexpr Timestamp kNow{1'000'000'000};

std::string digits(size_t bytes, char digit) { return std::string(2 * bytes, digit); }
TlsRandom random_of(uint8_t byte) {
  TlsRandom out;
  out.fill(byte);
  return out;
}
std::string line_of(std::string_view label, char random, char secret, size_t secret_bytes = 32) {
  return std::string(label) + " " + digits(32, random) + " " + digits(secret_bytes, secret) + "\n";
}

struct Reading {
  KeyStore store;
  KeyLogCounters counters;
  KeyLogParser parser{store, counters};
};

TEST(KeyLogParser, ReadsEveryLabelOfUse) {
  Reading r;
  const std::string log = "# comment\r\n\n" + line_of("CLIENT_RANDOM", '1', '2', 48) +
                          line_of("CLIENT_EARLY_TRAFFIC_SECRET", '3', '4') +
                          line_of("CLIENT_HANDSHAKE_TRAFFIC_SECRET", '3', '5') +
                          line_of("SERVER_HANDSHAKE_TRAFFIC_SECRET", '3', '6') +
                          line_of("QUIC_CLIENT_TRAFFIC_SECRET_0", '3', 'a', 48) +
                          "SERVER_TRAFFIC_SECRET_0\t" + digits(32, '3') + "   " + digits(32, 'B') +
                          " \r\n" + line_of("EXPORTER_SECRET", '3', '7');
  r.parser.feed(as_bytes(log), kNow);
  EXPECT_EQ(r.counters.lines.get(), 7U);
  EXPECT_EQ(r.counters.secrets.get(), 6U);
  EXPECT_EQ(r.counters.other_labels.get(), 1U);
  EXPECT_EQ(r.counters.bad_lines.get(), 0U);
  EXPECT_EQ(r.store.sessions(), 2U);
  SessionSecrets found;
  ASSERT_TRUE(r.store.find(random_of(0x33), found));
  EXPECT_TRUE(found[SecretKind::kMaster].empty());
  EXPECT_EQ(found[SecretKind::kClientEarly].bytes()[31], 0x44);
  EXPECT_EQ(found[SecretKind::kServerHandshake].bytes()[0], 0x66);
  EXPECT_EQ(found[SecretKind::kClientTraffic].size(), 48U);
  EXPECT_EQ(found[SecretKind::kServerTraffic].bytes()[0], 0xbb);
  ASSERT_TRUE(r.store.find(random_of(0x11), found));
  EXPECT_EQ(found[SecretKind::kMaster].size(), 48U);
  EXPECT_FALSE(r.store.find(random_of(0x12), found));
}

TEST(KeyLogParser, CountsWhatItCannotUse) {
  Reading r;
  const std::string log =
      "RSA 0123456789abcdef " + digits(48, '1') + "\n" + "RSA Session-ID:12 Master-Key:34\n" +
      "PMS_CLIENT_RANDOM " + digits(32, '1') + " " + digits(48, '2') + "\n" + "CLIENT_RANDOM " +
      digits(31, '1') + " " + digits(48, '2') + "\n" + "CLIENT_RANDOM " + digits(32, '1') + " " +
      digits(47, '2') + "\n" + "CLIENT_RANDOM " + digits(32, '1') + " " + digits(48, 'x') + "\n" +
      "CLIENT_RANDOM " + digits(32, '1') + "\n" + "CLIENT_RANDOM " + digits(32, '1') + " " +
      digits(48, '2') + " more\n" + "CLIENT_TRAFFIC_SECRET_0 " + digits(32, '1') + " " +
      digits(20, '2') + "\nwhat is this?\n" + std::string("\0\xff\n", 3) + std::string(5000, 'z') +
      "\n#" + std::string(5000, 'c') + "\n";
  r.parser.feed(as_bytes(log), kNow);
  EXPECT_EQ(r.counters.rsa_lines.get(), 3U);
  EXPECT_EQ(r.counters.bad_lines.get(), 8U);
  EXPECT_EQ(r.counters.long_lines.get(), 1U);
  EXPECT_EQ(r.counters.secrets.get(), 0U);
  EXPECT_EQ(r.store.sessions(), 0U);
  // It reads on after all that.
  r.parser.feed(as_bytes(line_of("CLIENT_RANDOM", '1', '2', 48)), kNow);
  EXPECT_EQ(r.store.sessions(), 1U);
}

TEST(KeyLogParser, MayBeCutAnywhere) {
  const std::string log = "# c\n" + line_of("CLIENT_RANDOM", '1', '2', 48) + "bad\n" +
                          line_of("EXPORTER_SECRET", '1', '2') +
                          line_of("SERVER_TRAFFIC_SECRET_0", '4', '5');
  test::split_check(as_bytes(log), [](const std::vector<ByteSpan>& chunks) {
    Reading r;
    for (const ByteSpan chunk : chunks) r.parser.feed(chunk, kNow);
    r.parser.finish(kNow);
    std::string out;
    for (const auto& row : kKeyLogCounterTable) {
      out += std::to_string((r.counters.*row.member).get()) + " ";
    }
    return out + std::to_string(r.store.sessions());
  });
}

TEST(KeyLogParser, LastLineWithoutLineFeed) {
  Reading r;
  std::string line = line_of("CLIENT_RANDOM", '1', '2', 48);
  line.pop_back();
  r.parser.feed(as_bytes(line), kNow);
  EXPECT_EQ(r.store.sessions(), 0U);
  r.parser.finish(kNow);
  EXPECT_EQ(r.store.sessions(), 1U);
}

TEST(KeyStore, GenerationGrowsWithNewSecretsOnly) {
  KeyStore store;
  const std::array<uint8_t, 32> secret{1};
  const uint64_t before = store.generation();
  EXPECT_TRUE(store.add(SecretKind::kClientTraffic, random_of(1), secret, kNow));
  EXPECT_EQ(store.generation(), before + 1);
  EXPECT_FALSE(store.add(SecretKind::kClientTraffic, random_of(1), secret, kNow));
  EXPECT_EQ(store.generation(), before + 1);
  const std::array<uint8_t, 32> other{2};
  EXPECT_TRUE(store.add(SecretKind::kClientTraffic, random_of(1), other, kNow));
  EXPECT_EQ(store.generation(), before + 2);
  EXPECT_EQ(store.counters().secrets_changed.get(), 1U);
  EXPECT_EQ(store.counters().secrets_repeated.get(), 1U);
  SessionSecrets found;
  ASSERT_TRUE(store.find(random_of(1), found));
  EXPECT_EQ(found[SecretKind::kClientTraffic].bytes()[0], 2);
}

TEST(KeyStore, IsBoundedAndForgets) {
  KeyStore store({.sessions = 100, .lifetime = Duration::seconds(60)});
  const std::array<uint8_t, 32> secret{1};
  for (int i = 0; i < 150; ++i) {
    TlsRandom random{};
    random[0] = static_cast<uint8_t>(i);
    store.add(SecretKind::kClientTraffic, random, secret, kNow + Duration::seconds(i));
  }
  EXPECT_EQ(store.sessions(), 100U);
  EXPECT_EQ(store.counters().sessions_pushed_out.get(), 50U);
  SessionSecrets found;
  TlsRandom random{};
  random[0] = 49;
  EXPECT_FALSE(store.find(random, found));
  random[0] = 50;
  EXPECT_TRUE(store.find(random, found));
  store.forget_old(kNow + Duration::seconds(149));
  EXPECT_EQ(store.sessions(), 61U);  // the last minute, its ends included
  EXPECT_EQ(store.counters().sessions_forgotten.get(), 39U);
  store.clear();
  EXPECT_EQ(store.sessions(), 0U);
  EXPECT_FALSE(store.find(random, found));
}

TEST(KeyStore, IsSharedByThreads) {
  KeyStore store({.sessions = 4096});
  std::atomic<bool> stop{false};
  std::atomic<size_t> wrong{0};
  std::thread reader([&] {
    while (!stop.load()) {
      for (int i = 0; i < 256; ++i) {
        SessionSecrets found;
        if (store.find(random_of(static_cast<uint8_t>(i)), found) &&
            found[SecretKind::kMaster].bytes()[5] != i) {
          ++wrong;
        }
      }
    }
  });
  for (int i = 0; i < 2000; ++i) {
    std::array<uint8_t, 48> secret{};
    secret.fill(static_cast<uint8_t>(i));
    store.add(SecretKind::kMaster, random_of(static_cast<uint8_t>(i)), secret, kNow);
    if (i % 100 == 0) store.forget_old(kNow);
  }
  stop = true;
  reader.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(store.sessions(), 256U);
}

class KeyLogFiles : public testing::Test {
 protected:
  KeyLogFiles() {
    folder = std::filesystem::temp_directory_path() /
             ("weir_key_log_test_" + std::to_string(own_number()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    path = (folder / "keys.log").string();
  }
  ~KeyLogFiles() override { std::filesystem::remove_all(folder); }
  static uint64_t own_number() {
    return static_cast<uint64_t>(getpid()) * 1000 +
           static_cast<uint64_t>(testing::UnitTest::GetInstance()->current_test_info()->name()[0]);
  }
  void append(const std::string& file, const std::string& text) const {
    std::ofstream(file, std::ios::app | std::ios::binary) << text;
  }
  std::filesystem::path folder;
  std::string path;
  KeyStore store;
};

TEST_F(KeyLogFiles, GrowRotateAndAreCutShort) {
  KeyLogSource source(path, store);
  EXPECT_FALSE(source.poll(kNow).present);
  append(path, line_of("CLIENT_RANDOM", '1', '2', 48) + "CLIENT_RANDOM " + digits(32, '2'));
  KeyLogPoll poll = source.poll(kNow);
  EXPECT_TRUE(poll.present);
  EXPECT_EQ(poll.files, 1U);
  EXPECT_EQ(store.sessions(), 1U);
  append(path, " " + digits(48, '3') + "\n");
  EXPECT_EQ(source.poll(kNow).bytes, 1U + 96 + 1);
  EXPECT_EQ(store.sessions(), 2U);
  EXPECT_EQ(source.poll(kNow).bytes, 0U);
  // Replaced by another file; what was written to the old one before is not lost.
  append(path, line_of("CLIENT_RANDOM", '3', '2', 48));
  std::filesystem::rename(path, path + ".1");
  append(path, line_of("CLIENT_RANDOM", '4', '2', 48));
  poll = source.poll(kNow);
  EXPECT_EQ(poll.rotations, 1U);
  EXPECT_EQ(store.sessions(), 4U);
  // Cut short and begun anew.
  append(path, "half a line");
  (void)source.poll(kNow);
  std::filesystem::resize_file(path, 0);
  append(path, line_of("CLIENT_RANDOM", '5', '2', 48));
  poll = source.poll(kNow);
  EXPECT_EQ(poll.rotations, 1U);
  EXPECT_EQ(store.sessions(), 5U);
  // Gone, and back again.
  std::filesystem::remove(path);
  EXPECT_FALSE(source.poll(kNow).present);
  append(path, line_of("CLIENT_RANDOM", '6', '2', 48));
  EXPECT_TRUE(source.poll(kNow).present);
  EXPECT_EQ(store.sessions(), 6U);
  EXPECT_EQ(source.counters().bad_lines.get(), 0U);
}

TEST_F(KeyLogFiles, OthersThatCanReadThemAreTold) {
  append(path, line_of("CLIENT_RANDOM", '1', '2', 48));
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
  KeyLogSource source(path, store);
  EXPECT_FALSE(source.poll(kNow).others_can_read);
  std::filesystem::permissions(path, perms::group_read, std::filesystem::perm_options::add);
  EXPECT_TRUE(source.poll(kNow).others_can_read);
}

TEST_F(KeyLogFiles, ADirectoryOfThem) {
  KeyLogSource source(folder.string(), store);
  EXPECT_TRUE(source.poll(kNow).present);
  append(folder / "a", line_of("CLIENT_RANDOM", '1', '2', 48));
  append(folder / "b", line_of("CLIENT_RANDOM", '2', '2', 48));
  append(folder / ".hidden", line_of("CLIENT_RANDOM", '3', '2', 48));
  std::filesystem::create_directory(folder / "deeper");
  append(folder / "deeper" / "c", line_of("CLIENT_RANDOM", '4', '2', 48));
  KeyLogPoll poll = source.poll(kNow);
  EXPECT_EQ(poll.files, 2U);
  EXPECT_EQ(store.sessions(), 2U);
  append(folder / "a", line_of("CLIENT_RANDOM", '5', '2', 48));
  std::filesystem::remove(folder / "b");
  poll = source.poll(kNow);
  EXPECT_EQ(poll.files, 1U);
  EXPECT_EQ(store.sessions(), 3U);
}

// A client of the socket at `path`; below zero when it was refused.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const void* const raw = &address;
  if (::connect(fd, static_cast<const sockaddr*>(raw), sizeof(address)) == 0) return fd;
  ::close(fd);
  return -1;
}
void say(int fd, const std::string& text) {
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST_F(KeyLogFiles, ASocketIsForItsOwnerAndTakesLinesFromManyClients) {
  KeyLogSource source("unix:" + path, store);
  ASSERT_TRUE(source.open());
  struct stat made {};
  ASSERT_EQ(::lstat(path.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0600U);
  const int a = connect_to(path);
  const int b = connect_to(path);
  ASSERT_GE(a, 0);
  ASSERT_GE(b, 0);
  // Lines of two clients do not mix, wherever they are cut.
  const std::string first = line_of("CLIENT_RANDOM", '1', '2', 48);
  const std::string second = line_of("CLIENT_RANDOM", '3', '4', 48);
  say(a, first.substr(0, 70));
  say(b, second.substr(0, 90));
  KeyLogPoll poll = source.poll(kNow);
  EXPECT_EQ(poll.files, 2U);
  EXPECT_EQ(poll.bytes, 160U);
  EXPECT_EQ(store.sessions(), 0U);
  say(a, first.substr(70));
  say(b, second.substr(90, second.size() - 91));  // no line feed: its end ends the line
  ::close(b);
  EXPECT_EQ(source.poll(kNow).files, 1U);
  EXPECT_EQ(store.sessions(), 2U);
  EXPECT_EQ(source.counters().bad_lines.get(), 0U);
  // What is no key log is counted, and does no harm to what follows.
  say(a, "GET / HTTP/1.1\r\n\r\n" + std::string(100'000, 'x') + "\n" +
             line_of("CLIENT_RANDOM", '5', '2', 48));
  (void)source.poll(kNow);
  EXPECT_EQ(store.sessions(), 3U);
  EXPECT_EQ(source.counters().bad_lines.get(), 1U);
  EXPECT_EQ(source.counters().long_lines.get(), 1U);
  ::close(a);
}

TEST_F(KeyLogFiles, ASocketHasRoomForSomeClientsOnly) {
  KeyLogSource source("unix:" + path, store);
  ASSERT_TRUE(source.open());
  std::vector<int> clients;
  size_t left_out = 0;
  for (int i = 0; i < 66; ++i) {
    clients.push_back(connect_to(path));
    ASSERT_GE(clients.back(), 0);
    left_out += source.poll(kNow).left_out;
  }
  EXPECT_EQ(source.poll(kNow).files, 64U);
  EXPECT_EQ(left_out, 2U);
  ::close(clients[0]);
  clients[0] = connect_to(path);
  say(clients[0], line_of("CLIENT_RANDOM", '1', '2', 48));
  (void)source.poll(kNow);
  const KeyLogPoll poll = source.poll(kNow);
  EXPECT_EQ(poll.files, 64U);
  EXPECT_EQ(store.sessions(), 1U);
  for (const int fd : clients) ::close(fd);
  EXPECT_EQ(source.poll(kNow).files, 0U);
}

TEST_F(KeyLogFiles, ASocketReplacesOnlyADeadSocket) {
  {
    KeyLogSource first("unix:" + path, store);
    ASSERT_TRUE(first.open());
    KeyLogSource second("unix:" + path, store);
    const Status taken = second.open();
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().file, path);
  }
  EXPECT_FALSE(std::filesystem::exists(path));  // removed by who made it
  // One that a killed process left behind.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const void* const raw = &address;
  ASSERT_EQ(::bind(fd, static_cast<const sockaddr*>(raw), sizeof(address)), 0);
  ::close(fd);
  ASSERT_TRUE(std::filesystem::exists(path));
  {
    KeyLogSource third("unix:" + path, store);
    EXPECT_TRUE(third.open());
  }
  append(path, "somebody's file\n");
  KeyLogSource fourth("unix:" + path, store);
  EXPECT_FALSE(fourth.open());
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
  KeyLogSource fifth("unix:" + std::string(200, 'x'), store);
  EXPECT_FALSE(fifth.open());
}

TEST_F(KeyLogFiles, WholeAtOnce) {
  KeyLogCounters counters;
  const Status absent = read_key_log(path, store, counters, kNow);
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().file, path);
  std::string log;
  for (int i = 0; i < 1000; ++i)
    log += line_of("CLIENT_RANDOM", "0123456789abcdef"[i % 16], '2', 48);
  log.pop_back();
  append(path, log);
  EXPECT_TRUE(read_key_log(path, store, counters, kNow).has_value());
  EXPECT_EQ(counters.secrets.get(), 1000U);
  EXPECT_EQ(store.sessions(), 16U);
}

}  // namespace
}  // namespace weir::inspect
