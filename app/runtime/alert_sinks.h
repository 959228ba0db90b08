// The alert sinks that a configuration names. With an incident store, incidents are stored first
// and delivered from there by commit(); without one the sinks are told at once. One thread at a
// time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alert/incident_maker.h"
#include "alert/jsonl_sink.h"
#include "alert/store.h"
#include "alert/store_sinks.h"
#include "alert/zmq_publisher.h"
#include "config/settings.h"
#include "core/result.h"
#include "core/time.h"

namespace weir::app {

class AlertSinks {
 public:
  // A damaged store: kSetAside renames it, begins a new one and says so in warnings().
  enum class Damaged : uint8_t { kFail, kSetAside };
  static Result<std::unique_ptr<AlertSinks>> open(const config::AlertSettings& settings,
                                                  Damaged damaged = Damaged::kFail);

  void attach(alert::IncidentMaker& incidents);
  // Of an AI service: counted into the store's usage. Of others: nothing.
  void on_flow_end(const FlowRecord& record);
  // Stores what is waiting and delivers it: at least each second, and when due().
  Status commit();
  [[nodiscard]] bool due() const noexcept { return store_ != nullptr && store_->due(); }
  // Null when none is configured.
  [[nodiscard]] const alert::Store* store() const noexcept { return store_.get(); }
  [[nodiscard]] const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  // Where incidents are published live: a subscriber that is not there yet gets nothing.
  [[nodiscard]] bool publishes() const noexcept { return !publishers_.empty(); }
  // Waits for a subscriber of each, `timeout` in all; those that have none by then.
  std::vector<std::string> wait_for_subscribers(Duration timeout);
  // Commits, flushes and closes; the first error of any sink.
  Status close();

 private:
  Status open_store(const config::AlertSettings& settings, Damaged damaged);

  std::vector<std::unique_ptr<alert::JsonlSink>> files_;
  std::vector<std::unique_ptr<alert::ZmqPublisher>> publishers_;
  std::vector<std::unique_ptr<alert::JsonlDelivery>> stored_files_;
  std::vector<std::unique_ptr<alert::ZmqDelivery>> stored_publishers_;
  std::unique_ptr<alert::Store> store_;
  std::vector<std::string> warnings_;
};

}  // namespace weir::app
