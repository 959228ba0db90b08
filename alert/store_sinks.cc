// See store_sinks.h.
#include "alert/store_sinks.h"

namespace weir::alert {

bool JsonlDelivery::deliver(IncidentActivity activity, Severity /*severity*/,
                            const std::string& json) {
  if (activity == IncidentActivity::kClose) return true;
  const uint64_t lost = file_->counters().lines_lost.get();
  file_->write_line(json);
  return file_->counters().lines_lost.get() == lost;
}

bool ZmqDelivery::deliver(IncidentActivity /*activity*/, Severity severity,
                          const std::string& json) {
  std::string topic = "alert.";
  topic += to_string(severity);
  publisher_.publish(topic, json);
  return true;
}

}  // namespace weir::alert
