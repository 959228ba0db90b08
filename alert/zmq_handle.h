// Ownership of ZeroMQ contexts and sockets (the C library), and of one message.
#pragma once

#include <zmq.h>

#include <memory>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace weir::alert {

struct ZmqContextDeleter {
  void operator()(void* context) const noexcept {
    while (zmq_ctx_term(context) != 0 && zmq_errno() == EINTR) {
    }
  }
};
struct ZmqSocketDeleter {
  void operator()(void* socket) const noexcept { zmq_close(socket); }
};
// A context must outlive its sockets: declare it before them.
using ZmqContext = std::unique_ptr<void, ZmqContextDeleter>;
using ZmqSocket = std::unique_ptr<void, ZmqSocketDeleter>;

class ZmqMessage {
 public:
  ZmqMessage() noexcept { zmq_msg_init(&message_); }
  ~ZmqMessage() { zmq_msg_close(&message_); }
  ZmqMessage(const ZmqMessage&) = delete;
  ZmqMessage& operator=(const ZmqMessage&) = delete;
  zmq_msg_t* get() noexcept { return &message_; }
  [[nodiscard]] std::string text() noexcept {
    return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }

 private:
  zmq_msg_t message_;
};

inline Error zmq_error(const std::string& what, const std::string& endpoint) {
  return Error{what + " " + endpoint + ": " + zmq_strerror(zmq_errno()), {}, 0, 0};
}

inline bool set_option(void* socket, int option, int value) noexcept {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

inline int milliseconds(Duration d) noexcept {
  constexpr int64_t kMax = 1'000'000'000;
  const int64_t ms = d.ns / 1'000'000;
  return static_cast<int>(ms < 0 ? 0 : ms > kMax ? kMax : ms);
}

}  // namespace weir::alert
