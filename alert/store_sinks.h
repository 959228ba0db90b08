// Sinks as the store delivers to them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "alert/jsonl_sink.h"
#include "alert/store.h"
#include "alert/zmq_publisher.h"

namespace weir::alert {

// A line each create and update. A line that could not be written is not taken and comes again.
class JsonlDelivery final : public DeliverySink {
 public:
  JsonlDelivery(std::unique_ptr<JsonlFile> file, const std::string& path)
      : file_(std::move(file)), name_("jsonl " + path) {}

  [[nodiscard]] std::string name() const override { return name_; }
  bool deliver(IncidentActivity activity, Severity severity, const std::string& json) override;
  [[nodiscard]] JsonlFile& file() noexcept { return *file_; }

 private:
  std::unique_ptr<JsonlFile> file_;
  std::string name_;
};

// Every activity. A PUB socket keeps nothing for those who are not there, so each is taken at once.
class ZmqDelivery final : public DeliverySink {
 public:
  explicit ZmqDelivery(ZmqPublisher& publisher)
      : publisher_(publisher), name_("zmq " + publisher.endpoint()) {}

  [[nodiscard]] std::string name() const override { return name_; }
  bool deliver(IncidentActivity activity, Severity severity, const std::string& json) override;

 private:
  ZmqPublisher& publisher_;
  std::string name_;
};

}  // namespace weir::alert
