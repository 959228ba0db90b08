// Questions to a running sensor and its answers: a ZeroMQ REP socket on a Unix path that only its
// owner can open (mode 0600), and the REQ side of it. One question has one answer; both are text.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace weir::alert {

class ZmqResponder {
 public:
  // `path` of the socket: what a dead process left there is replaced, a living one is an error.
  static Result<std::unique_ptr<ZmqResponder>> open(const std::string& path);
  ~ZmqResponder();  // removes the path
  ZmqResponder(const ZmqResponder&) = delete;
  ZmqResponder& operator=(const ZmqResponder&) = delete;

  // One thread. Each question must be answered before the next is received.
  [[nodiscard]] std::optional<std::string> receive(Duration timeout);
  void answer(const std::string& text);

 private:
  struct Sockets;
  ZmqResponder(std::unique_ptr<Sockets> sockets, std::string path) noexcept;
  std::unique_ptr<Sockets> sockets_;
  std::string path_;
};

// Asks whoever answers at `path`. Fails when nobody does within `timeout`.
Result<std::string> ask(const std::string& path, const std::string& question, Duration timeout);

}  // namespace weir::alert
