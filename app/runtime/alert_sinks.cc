// See alert_sinks.h.
#include "app/runtime/alert_sinks.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace weir::app {

Status AlertSinks::open_store(const config::AlertSettings& settings, Damaged damaged) {
  alert::StoreOptions options;
  options.budget = settings.store_budget;
  bool is_damaged = false;
  auto store = alert::Store::open(settings.store, options, &is_damaged);
  if (!store && is_damaged && damaged == Damaged::kSetAside) {
    const std::string why = store.error().to_string();
    const auto aside = alert::Store::set_aside(settings.store);
    if (!aside) return aside.error();
    warnings_.push_back(why + "; it was set aside as " + *aside + " and a new one begun");
    store = alert::Store::open(settings.store, options);
  }
  if (!store) return store.error();
  store_ = std::move(*store);
  return ok_status();
}

Result<std::unique_ptr<AlertSinks>> AlertSinks::open(const config::AlertSettings& settings,
                                                     Damaged damaged) {
  auto out = std::make_unique<AlertSinks>();
  if (!settings.store.empty()) {
    if (const Status opened = out->open_store(settings, damaged); !opened) return opened.error();
  }
  for (const config::SinkSettings& sink : settings.sinks) {
    if (sink.type == config::SinkSettings::Type::kZmq) {
      auto publisher = alert::ZmqPublisher::open(sink.bind);
      if (!publisher) return publisher.error();
      out->publishers_.push_back(std::move(*publisher));
      if (out->store_ == nullptr) continue;
      out->stored_publishers_.push_back(
          std::make_unique<alert::ZmqDelivery>(*out->publishers_.back()));
      const Status added = out->store_->add_sink(*out->stored_publishers_.back());
      if (!added) return added.error();
    } else if (out->store_ != nullptr) {
      auto file = alert::JsonlFile::open(sink.path, alert::FileStart::kAppend, false);
      if (!file) return file.error();
      out->stored_files_.push_back(
          std::make_unique<alert::JsonlDelivery>(std::move(*file), sink.path));
      const Status added = out->store_->add_sink(*out->stored_files_.back());
      if (!added) return added.error();
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
  if (store_ != nullptr) return incidents.add_sink(*store_);
  for (const auto& file : files_) incidents.add_sink(*file);
  for (const auto& publisher : publishers_) incidents.add_sink(*publisher);
}

void AlertSinks::on_flow_end(const FlowRecord& record) {
  if (store_ == nullptr || record.flow.service.empty()) return;
  store_->add_usage(alert::usage_key(record), alert::usage_counts(record));
}

Status AlertSinks::commit() { return store_ == nullptr ? ok_status() : store_->commit(); }

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
  Status status = commit();
  for (const auto& file : stored_files_) {
    const Status closed = file->file().close();
    if (!closed && status) status = closed;
  }
  if (store_ != nullptr && store_->undelivered() > 0 && status) {
    status = Error{std::to_string(store_->undelivered()) +
                       " activities of incidents are stored and not delivered yet",
                   {},
                   0,
                   0};
  }
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
