// The datagrams that systemd gets.
#include "app/runtime/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace weir::app {
namespace {

class Listener {
 public:
  explicit Listener(const std::string& path) : path_(path) {
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Listener() {
    close(fd_);
    unlink(path_.c_str());
  }
  std::string next() const {
    std::array<char, 512> text{};
    const ssize_t got = recv(fd_, text.data(), text.size(), 0);
    return got < 0 ? std::string() : std::string(text.data(), static_cast<size_t>(got));
  }

 private:
  std::string path_;
  int fd_;
};

TEST(ServiceNotify, TellsSystemd) {
  const std::string path = testing::TempDir() + "notify-" + std::to_string(getpid());
  const Listener listener(path);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  setenv("WATCHDOG_USEC", "20000000", 1);
  ServiceNotify notify;
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "children are not the service";
  EXPECT_EQ(notify.watchdog(), Duration::seconds(20));
  notify.ready("watching eth1");
  EXPECT_EQ(listener.next(), "READY=1\nSTATUS=watching eth1");
  notify.alive();
  EXPECT_EQ(listener.next(), "WATCHDOG=1");
  notify.reloading();
  EXPECT_EQ(listener.next().rfind("RELOADING=1\nMONOTONIC_USEC=", 0), 0U);
  notify.stopping();
  EXPECT_EQ(listener.next(), "STOPPING=1");
}

TEST(ServiceNotify, IsSilentWithoutSystemd) {
  unsetenv("NOTIFY_SOCKET");
  setenv("WATCHDOG_USEC", "nonsense", 1);
  ServiceNotify notify;
  EXPECT_FALSE(notify.watchdog());
  notify.ready("");
  setenv("NOTIFY_SOCKET", "/nowhere/to/be/found", 1);
  ServiceNotify gone;
  gone.alive();
}

}  // namespace
}  // namespace weir::app
