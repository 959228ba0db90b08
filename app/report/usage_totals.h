// Adds up flow records: which AI services were used, how far they were seen into, what was not
// read and why.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/finding.h"

namespace weir::app {

struct ServiceUsage {
  std::string product;
  std::string vendor;
  std::string service_class;
  ServiceStatus status = ServiceStatus::kUnknown;
  uint64_t flows = 0;
  uint64_t requests = 0;
  uint64_t bytes_up = 0;
  uint64_t bytes_down = 0;
  std::array<uint64_t, kVisibilities> flows_by_visibility{};
  std::array<uint64_t, kVisibilityReasons> flows_by_reason{};  // of partly and metadata
  uint64_t bytes_up_unseen = 0;  // of flows of which nothing could be read
  std::set<std::string> hosts;   // at most kMaxHosts
  std::set<IpAddress> clients;   // at most kMaxClients
  static constexpr size_t kMaxHosts = 64;
  static constexpr size_t kMaxClients = 4096;
};

struct UsageTotals {
  void add(const FlowRecord& record);

  std::map<std::string, ServiceUsage> services;               // by id
  std::map<std::string, uint64_t> protocols;                  // flows by protocol
  std::array<uint64_t, kVisibilities> flows_by_visibility{};  // of AI services
  std::array<uint64_t, kVisibilityReasons> flows_by_reason{};
  uint64_t flows = 0;
  uint64_t ai_flows = 0;
  uint64_t requests = 0;
  uint64_t bytes_up = 0;
  uint64_t bytes_down = 0;
  uint64_t inspected_bytes = 0;
  uint64_t gap_bytes_up = 0;
};

}  // namespace weir::app
