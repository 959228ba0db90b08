#include "alert/zmq_subscriber.h"

#include <array>
#include <cstring>
#include <utility>

#include "alert/zmq_handle.h"

namespace weir::alert {

struct ZmqSubscriber::Sockets {
  ZmqContext context;
  ZmqSocket monitor;
  ZmqSocket subscriber;
};

ZmqSubscriber::ZmqSubscriber(std::unique_ptr<Sockets> sockets, std::string endpoint) noexcept
    : sockets_(std::move(sockets)), endpoint_(std::move(endpoint)) {}
ZmqSubscriber::~ZmqSubscriber() = default;

Result<std::unique_ptr<ZmqSubscriber>> ZmqSubscriber::connect(const std::string& endpoint,
                                                              const std::string& topic) {
  constexpr const char* kMonitor = "inproc://monitor";
  auto sockets = std::make_unique<Sockets>();
  sockets->context.reset(zmq_ctx_new());
  if (!sockets->context) return zmq_error("cannot start ZeroMQ for", endpoint);
  sockets->subscriber.reset(zmq_socket(sockets->context.get(), ZMQ_SUB));
  void* socket = sockets->subscriber.get();
  if (socket == nullptr || !set_option(socket, ZMQ_LINGER, 0) ||
      !set_option(socket, ZMQ_RCVHWM, 10'000) ||
      zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic.data(), topic.size()) != 0) {
    return zmq_error("cannot make a SUB socket for", endpoint);
  }
  constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
  sockets->monitor.reset(zmq_socket(sockets->context.get(), ZMQ_PAIR));
  if (!sockets->monitor || !set_option(sockets->monitor.get(), ZMQ_LINGER, 0) ||
      zmq_socket_monitor(socket, kMonitor, kEvents) != 0 ||
      zmq_connect(sockets->monitor.get(), kMonitor) != 0) {
    return zmq_error("cannot watch the connection to", endpoint);
  }
  if (zmq_connect(socket, endpoint.c_str()) != 0) return zmq_error("cannot connect to", endpoint);
  return std::unique_ptr<ZmqSubscriber>(new ZmqSubscriber(std::move(sockets), endpoint));
}

// An event is two frames: 16 bits of number and 32 bits of value in host order, then the address.
void ZmqSubscriber::read_events() {
  for (;;) {
    ZmqMessage event;
    ZmqMessage address;
    if (zmq_msg_recv(event.get(), sockets_->monitor.get(), ZMQ_DONTWAIT) < 0) return;
    if (zmq_msg_more(event.get()) != 0) {
      zmq_msg_recv(address.get(), sockets_->monitor.get(), ZMQ_DONTWAIT);
    }
    const std::string bytes = event.text();
    uint16_t number = 0;
    if (bytes.size() < sizeof number) continue;
    std::memcpy(&number, bytes.data(), sizeof number);
    connected_ = number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
  }
}

Result<std::optional<ZmqSubscriber::Message>> ZmqSubscriber::receive(Duration timeout) {
  std::array<zmq_pollitem_t, 2> items = {{{sockets_->subscriber.get(), 0, ZMQ_POLLIN, 0},
                                          {sockets_->monitor.get(), 0, ZMQ_POLLIN, 0}}};
  if (zmq_poll(items.data(), static_cast<int>(items.size()), milliseconds(timeout)) < 0) {
    if (zmq_errno() == EINTR) return std::optional<Message>{};
    return zmq_error("cannot wait for", endpoint_);
  }
  read_events();
  ZmqMessage topic;
  if (zmq_msg_recv(topic.get(), sockets_->subscriber.get(), ZMQ_DONTWAIT) < 0) {
    if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return std::optional<Message>{};
    return zmq_error("cannot receive from", endpoint_);
  }
  Message out{topic.text(), {}};
  // The frames of a message arrive together. A message that is not Weir's may have more than two.
  bool more = zmq_msg_more(topic.get()) != 0;
  bool first = true;
  while (more) {
    ZmqMessage frame;
    if (zmq_msg_recv(frame.get(), sockets_->subscriber.get(), 0) < 0) {
      if (zmq_errno() == EINTR) continue;
      return zmq_error("cannot receive from", endpoint_);
    }
    if (std::exchange(first, false)) out.body = frame.text();
    more = zmq_msg_more(frame.get()) != 0;
  }
  return std::optional<Message>(std::move(out));
}

}  // namespace weir::alert
