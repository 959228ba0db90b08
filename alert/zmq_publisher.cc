#include "alert/zmq_publisher.h"

#include <array>
#include <chrono>
#include <utility>

#include "alert/native_json.h"
#include "alert/zmq_handle.h"

namespace weir::alert {

struct ZmqPublisher::Sockets {
  ZmqContext context;
  ZmqSocket publisher;
};

ZmqPublisher::ZmqPublisher(std::unique_ptr<Sockets> sockets, std::string endpoint) noexcept
    : sockets_(std::move(sockets)), endpoint_(std::move(endpoint)) {}
ZmqPublisher::~ZmqPublisher() = default;

Result<std::unique_ptr<ZmqPublisher>> ZmqPublisher::open(const std::string& endpoint,
                                                         const ZmqPublisherOptions& options) {
  auto sockets = std::make_unique<Sockets>();
  sockets->context.reset(zmq_ctx_new());
  if (!sockets->context) return zmq_error("cannot start ZeroMQ for", endpoint);
  sockets->publisher.reset(zmq_socket(sockets->context.get(), ZMQ_XPUB));
  void* socket = sockets->publisher.get();
  if (socket == nullptr || !set_option(socket, ZMQ_SNDHWM, options.high_water_mark) ||
      !set_option(socket, ZMQ_LINGER, milliseconds(options.linger)) ||
      !set_option(socket, ZMQ_XPUB_NODROP, 1)) {
    return zmq_error("cannot make an XPUB socket for", endpoint);
  }
  if (zmq_bind(socket, endpoint.c_str()) != 0) return zmq_error("cannot bind", endpoint);
  std::array<char, 1024> bound{};
  size_t size = bound.size();
  std::string name = endpoint;
  if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound.data(), &size) == 0 && size > 1) {
    name.assign(bound.data(), size - 1);
  }
  return std::unique_ptr<ZmqPublisher>(new ZmqPublisher(std::move(sockets), std::move(name)));
}

bool ZmqPublisher::send(std::string_view frame, int flags) {
  void* socket = sockets_->publisher.get();
  const auto try_send = [&] {
    int rc = 0;
    do {
      rc = zmq_send(socket, frame.data(), frame.size(), flags | ZMQ_DONTWAIT);
    } while (rc < 0 && zmq_errno() == EINTR);
    return rc >= 0;
  };
  if (try_send()) return true;
  if (zmq_errno() != EAGAIN) return false;
  // A queue looks full. ZeroMQ notes what subscribers have read only now and then: asking for the
  // events makes it do so.
  int events = 0;
  size_t size = sizeof events;
  zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
  if (try_send()) return true;
  if (zmq_errno() != EAGAIN) return false;
  // It is full, and with NODROP no one is sent anything. Known, so send to the rest.
  slow_ = true;
  set_option(socket, ZMQ_XPUB_NODROP, 0);
  const bool sent = try_send();
  set_option(socket, ZMQ_XPUB_NODROP, 1);
  return sent;
}

// An XPUB socket is a PUB socket that hands on subscriptions: 1 or 0 and the topic, when the first
// subscriber of a topic has come or the last has gone. They are kept until they are read.
void ZmqPublisher::read_subscriptions() {
  for (;;) {
    ZmqMessage message;
    if (zmq_msg_recv(message.get(), sockets_->publisher.get(), ZMQ_DONTWAIT) < 0) return;
    const std::string bytes = message.text();
    if (bytes.empty()) continue;
    if (bytes[0] == 1) ++topics_;
    if (bytes[0] == 0 && topics_ > 0) --topics_;
  }
}

bool ZmqPublisher::wait_for_subscriber(Duration timeout) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout.ns);
  for (;;) {
    read_subscriptions();
    if (topics_ > 0) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    zmq_pollitem_t item = {sockets_->publisher.get(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, milliseconds(Duration::millis(left.count()))) < 0 &&
        zmq_errno() != EINTR) {
      return false;
    }
  }
}

void ZmqPublisher::publish(std::string_view topic, std::string_view body) {
  read_subscriptions();
  slow_ = false;
  const bool sent = send(topic, ZMQ_SNDMORE) && send(body, 0);
  (sent ? counters_.published : counters_.failed).add();
  if (slow_) counters_.slow_subscriber.add();
}

void ZmqPublisher::on_incident(const Incident& incident, IncidentActivity activity) {
  std::string topic = "alert.";
  topic += to_string(incident.severity);
  publish(topic, alert_json(incident, activity));
}

}  // namespace weir::alert
