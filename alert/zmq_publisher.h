// Incidents on a ZeroMQ PUB socket, two frames each: the topic "alert." + severity, and the native
// JSON. A subscriber that reads too slowly loses messages once its queue has reached the
// high-water mark, until it has caught up; that it began to lose is counted (how many it lost is
// not known). The others get them all, and the publisher never waits. Nothing is kept for
// subscribers that come later; who ends soon can wait for the first one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "alert/incident.h"
#include "core/counters.h"
#include "core/result.h"
#include "core/time.h"

namespace weir::alert {

struct ZmqCounters {
  Counter published;
  Counter slow_subscriber;
  Counter failed;
};
inline constexpr CounterTable<ZmqCounters, 3> kZmqCounters = {{
    {"published", &ZmqCounters::published, "messages given to ZeroMQ"},
    {"slow_subscriber", &ZmqCounters::slow_subscriber,
     "times that a subscriber's queue was full and it began to lose messages"},
    {"failed", &ZmqCounters::failed, "messages that ZeroMQ refused"},
}};
static_assert(describes_all(kZmqCounters));

struct ZmqPublisherOptions {
  int high_water_mark = 10'000;             // messages, a subscriber
  Duration linger = Duration::millis(500);  // at most this long is waited at the end
};

class ZmqPublisher final : public IncidentSink {
 public:
  // "tcp://127.0.0.1:5556", "tcp://127.0.0.1:*", "ipc:///run/weir/alerts".
  static Result<std::unique_ptr<ZmqPublisher>> open(const std::string& endpoint,
                                                    const ZmqPublisherOptions& options = {});
  ~ZmqPublisher() override;
  ZmqPublisher(const ZmqPublisher&) = delete;
  ZmqPublisher& operator=(const ZmqPublisher&) = delete;

  // Publishes kCreate and kUpdate and kClose alike; the JSON says which.
  void on_incident(const Incident& incident, IncidentActivity activity) override;
  void publish(std::string_view topic, std::string_view body);
  // Waits until someone has subscribed: what is published from then on reaches them. False when
  // nobody has within `timeout`.
  bool wait_for_subscriber(Duration timeout);
  // As bound, with the port that the system chose.
  [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] const ZmqCounters& counters() const noexcept { return counters_; }

 private:
  struct Sockets;
  ZmqPublisher(std::unique_ptr<Sockets> sockets, std::string endpoint) noexcept;
  bool send(std::string_view frame, int flags);
  void read_subscriptions();

  std::unique_ptr<Sockets> sockets_;
  std::string endpoint_;
  bool slow_ = false;    // of the message being sent
  uint64_t topics_ = 0;  // that someone has subscribed to
  ZmqCounters counters_;
};

}  // namespace weir::alert
