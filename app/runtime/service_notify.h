// Tells systemd how a service is doing: datagrams of KEY=VALUE lines to the Unix socket that
// NOTIFY_SOCKET names (sd_notify(3)). Nothing happens where it names none.
#pragma once

#include <optional>
#include <string>

#include "core/time.h"

namespace weir::app {

class ServiceNotify {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment.
  ServiceNotify();

  void ready(const std::string& status);
  void reloading();
  void stopping();
  void status(const std::string& status);
  // The sign of life that the watchdog waits for.
  void alive();
  // Within how long a sign of life must come; nothing where no watchdog waits.
  [[nodiscard]] std::optional<Duration> watchdog() const noexcept { return watchdog_; }

 private:
  void send(const std::string& text) const;

  std::string socket_;
  std::optional<Duration> watchdog_;
};

}  // namespace weir::app
