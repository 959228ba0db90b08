// See usage.h.
#include "alert/usage.h"

#include <functional>
#include <string_view>

namespace weir::alert {

size_t UsageKeyHash::operator()(const UsageKey& key) const noexcept {
  size_t out = std::hash<int64_t>{}(key.hour);
  for (const std::string* part : {&key.client, &key.user, &key.service, &key.service_class,
                                  &key.host, &key.tool, &key.account, &key.organization,
                                  &key.credential, &key.visibility, &key.reason, &key.status}) {
    out = out * 0x9E3779B97F4A7C15ULL + std::hash<std::string>{}(*part);
  }
  return out;
}

UsageCounts& UsageCounts::operator+=(const UsageCounts& other) noexcept {
  flows += other.flows;
  requests += other.requests;
  bytes_up += other.bytes_up;
  bytes_down += other.bytes_down;
  protected_lines += other.protected_lines;
  return *this;
}

int64_t hour_of(Timestamp time) noexcept {
  constexpr int64_t kHour = 3'600'000'000'000;
  return time.ns / kHour - (time.ns % kHour < 0 ? 1 : 0);
}

UsageKey usage_key(const FlowRecord& record) { return usage_key(record.flow, record.last); }

UsageKey usage_key(const FlowIdentity& flow, Timestamp time) {
  UsageKey key;
  key.hour = hour_of(time);
  key.client = flow.client.ip.to_string();
  key.user = flow.user;
  key.service = flow.service;
  key.service_class = flow.service_class;
  key.host = flow.host;
  key.tool = flow.tool;
  key.account = to_string(flow.account);
  key.organization = flow.organization;
  key.credential = flow.credential;
  key.visibility = to_string(flow.visibility);
  key.reason = to_string(flow.visibility_reason);
  key.status = to_string(flow.status);
  return key;
}

UsageCounts usage_counts(const FlowRecord& record) noexcept {
  UsageCounts counts;
  counts.flows = 1;
  counts.requests = record.requests;
  counts.bytes_up = record.bytes[Direction::kToServer];
  counts.bytes_down = record.bytes[Direction::kToClient];
  return counts;
}

}  // namespace weir::alert
