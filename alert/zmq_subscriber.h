// The other end of ZmqPublisher, for `weir tail`: connects, reconnects by itself, and says whether
// there is anyone at the other end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace weir::alert {

class ZmqSubscriber {
 public:
  struct Message {
    std::string topic;
    std::string body;
  };

  // `topic` is a prefix: "alert." for all, "alert.critical" for one severity. Succeeds also while
  // nothing is bound at `endpoint`.
  static Result<std::unique_ptr<ZmqSubscriber>> connect(const std::string& endpoint,
                                                        const std::string& topic = "alert.");
  ~ZmqSubscriber();
  ZmqSubscriber(const ZmqSubscriber&) = delete;
  ZmqSubscriber& operator=(const ZmqSubscriber&) = delete;

  // Empty when nothing came in time, or a signal or a change of the connection came.
  Result<std::optional<Message>> receive(Duration timeout);
  // As of the last receive().
  [[nodiscard]] bool connected() const noexcept { return connected_; }

 private:
  struct Sockets;
  ZmqSubscriber(std::unique_ptr<Sockets> sockets, std::string endpoint) noexcept;
  void read_events();

  std::unique_ptr<Sockets> sockets_;
  std::string endpoint_;
  bool connected_ = false;
};

}  // namespace weir::alert
