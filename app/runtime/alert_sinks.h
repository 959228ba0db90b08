// The alert sinks that a configuration names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alert/incident_maker.h"
#include "alert/jsonl_sink.h"
#include "alert/zmq_publisher.h"
#include "config/settings.h"
#include "core/result.h"
#include "core/time.h"

namespace weir::app {

class AlertSinks {
 public:
  static Result<std::unique_ptr<AlertSinks>> open(const config::AlertSettings& settings);

  void attach(alert::IncidentMaker& incidents);
  // Where incidents are published live: a subscriber that is not there yet gets nothing.
  [[nodiscard]] bool publishes() const noexcept { return !publishers_.empty(); }
  // Waits for a subscriber of each, `timeout` in all; those that have none by then.
  std::vector<std::string> wait_for_subscribers(Duration timeout);
  // Flushes and closes; the first error of any sink.
  Status close();

 private:
  std::vector<std::unique_ptr<alert::JsonlSink>> files_;
  std::vector<std::unique_ptr<alert::ZmqPublisher>> publishers_;
};

}  // namespace weir::app
