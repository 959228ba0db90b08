// Key sources that are followed while other threads read the store.
#include "app/runtime/key_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace weir::app {
namespace {

class KeyWatchTest : public testing::Test {
 protected:
  KeyWatchTest() {
    folder = std::filesystem::temp_directory_path() / ("weir_keys_" + std::to_string(getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  ~KeyWatchTest() override { std::filesystem::remove_all(folder); }
  void append(const std::string& name, char random) const {
    std::ofstream out(folder / name, std::ios::app);
    out << "CLIENT_RANDOM " << std::string(64, random) << ' ' << std::string(96, '2') << '\n';
  }
  static bool soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 500 && !holds(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return holds();
  }
  static bool told(const std::vector<std::string>& messages, const std::string& part) {
    return std::any_of(messages.begin(), messages.end(),
                       [&](const std::string& m) { return m.find(part) != std::string::npos; });
  }
  std::filesystem::path folder;
};

TEST_F(KeyWatchTest, FollowsFilesInAThreadOfItsOwnAndTellsOfNewKeys) {
  append("there", '1');
  config::SeeInsideSettings settings;
  settings.key_logs = {(folder / "there").string(), (folder / "later").string(),
                       "unix:" + (folder / "socket").string()};
  std::atomic<int> news{0};
  auto watch = KeyWatch::start(settings, [&] { ++news; });
  ASSERT_TRUE(watch) << watch.error().to_string();
  const inspect::KeyAccess access = (*watch)->access();
  EXPECT_TRUE(access.may_come_late);
  // What was there is known at once, without a thread.
  EXPECT_EQ(access.store->sessions(), 1U);
  const std::vector<std::string> messages = (*watch)->take_messages();
  EXPECT_TRUE(told(messages, "later: is not there (yet)"));
  EXPECT_FALSE(told(messages, std::string(64, '1')));

  const uint64_t before = access.store->generation();
  append("later", '2');
  EXPECT_TRUE(soon([&] { return access.store->sessions() == 2; }));
  EXPECT_GT(access.store->generation(), before);
  EXPECT_TRUE(soon([&] { return news > 0; }));
  uint64_t secrets = 0;
  for (const auto& [name, value] : (*watch)->counters()) {
    if (name == "keys.secrets") secrets = value;
  }
  EXPECT_EQ(secrets, 2U);
  EXPECT_TRUE(std::filesystem::exists(folder / "socket"));
  *watch = nullptr;
  EXPECT_FALSE(std::filesystem::exists(folder / "socket"));
}

TEST_F(KeyWatchTest, AStartFailsWhereASocketCannotBeMade) {
  config::SeeInsideSettings settings;
  settings.key_logs = {"unix:" + (folder / "absent" / "socket").string()};
  const auto watch = KeyWatch::start(settings);
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().file, (folder / "absent" / "socket").string());
}

}  // namespace
}  // namespace weir::app
