// Who used which AI service, with what, when and how far that could be seen: rows by hour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/finding.h"

namespace weir::alert {

struct UsageKey {
  int64_t hour = 0;  // hours since 1970, UTC
  std::string client;
  std::string user;
  std::string service;
  std::string service_class;
  std::string host;
  std::string tool;
  std::string account;       // "company", "personal", "unknown"
  std::string organization;  // its id, where a request showed one
  std::string credential;    // kind of the key or token, never itself
  std::string visibility;    // "clear", "decrypted", "partly", "metadata"
  std::string reason;        // VisibilityReason: why no more was seen
  std::string status;
  friend bool operator==(const UsageKey&, const UsageKey&) = default;
};

struct UsageKeyHash {
  size_t operator()(const UsageKey& key) const noexcept;
};

struct UsageCounts {
  uint64_t flows = 0;
  uint64_t requests = 0;
  uint64_t bytes_up = 0;
  uint64_t bytes_down = 0;
  uint64_t protected_lines = 0;  // distinct lines an incident; new ones count where they were seen
  UsageCounts& operator+=(const UsageCounts& other) noexcept;
};

// Where what happened on a flow at `time` is counted.
[[nodiscard]] UsageKey usage_key(const FlowIdentity& flow, Timestamp time);
// Where a flow is counted: the hour in which it ended.
[[nodiscard]] UsageKey usage_key(const FlowRecord& record);
[[nodiscard]] UsageCounts usage_counts(const FlowRecord& record) noexcept;
[[nodiscard]] int64_t hour_of(Timestamp time) noexcept;

}  // namespace weir::alert
