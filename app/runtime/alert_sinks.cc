// See alert_sinks.h.
#include "app/runtime/alert_sinks.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir::app {

Result<std::unique_ptr<AlertSinks>> AlertSinks::open(const config::AlertSettings& settings) {
  auto out = std::make_unique<AlertSinks>();
  for (const config::SinkSettings& sink : settings.sinks) {
    if (sink.type == config::SinkSettings::Type::kZmq) {
      auto publisher = alert::ZmqPublisher::open(sink.bind);
      if (!publisher) return publisher.error();
      out->publishers_.push_back(std::move(*publisher));
    } else {
      auto file = alert::JsonlSink::open(sink.path, alert::JsonlSink::Mode::kLive,
                                         alert::FileStart::kAppend);
      if (!file) return file.error();
      out->files_.push_back(std::move(*file));
    }
  }
  return out;
}

void AlertSinks::attach(alert::IncidentMaker& incidents) {
  for (const auto& file : files_) incidents.add_sink(*file);
  for (const auto& publisher : publishers_) incidents.add_sink(*publisher);
}

std::vector<std::string> AlertSinks::wait_for_subscribers(Duration timeout) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::string> without;
  for (const auto& publisher : publishers_) {
    const std::chrono::nanoseconds waited = std::chrono::steady_clock::now() - began;
    const Duration left{std::max<int64_t>(timeout.ns - waited.count(), 0)};
    if (!publisher->wait_for_subscriber(left)) without.push_back(publisher->endpoint());
  }
  return without;
}

Status AlertSinks::close() {
  Status status = ok_status();
  for (const auto& file : files_) {
    const Status closed = file->close();
    if (!closed && status) status = closed;
  }
  for (const auto& publisher : publishers_) {
    const uint64_t lost =
        publisher->counters().slow_subscriber.get() + publisher->counters().failed.get();
    if (lost > 0 && status) {
      status = Error{publisher->endpoint() + ": " + std::to_string(lost) +
                         " alerts did not reach every subscriber",
                     {},
                     0,
                     0};
    }
  }
  publishers_.clear();  // waits for what is still on its way, within the linger time
  return status;
}

}  // namespace weir::app
