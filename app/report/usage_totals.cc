// See usage_totals.h.
#include "app/report/usage_totals.h"

namespace weir::app {

void UsageTotals::add(const FlowRecord& record) {
  const uint64_t up = record.bytes[Direction::kToServer];
  const uint64_t down = record.bytes[Direction::kToClient];
  ++flows;
  ++protocols[record.flow.protocol];
  requests += record.requests;
  bytes_up += up;
  bytes_down += down;
  inspected_bytes += record.inspected_bytes;
  gap_bytes_up += record.gap_bytes[Direction::kToServer];
  if (record.flow.service.empty()) return;
  ++ai_flows;
  const auto visibility = static_cast<size_t>(record.flow.visibility);
  // A decrypted connection that carried nothing lacks nothing.
  const bool lacking = record.flow.visibility < Visibility::kDecrypted;
  const auto reason =
      static_cast<size_t>(lacking ? record.flow.visibility_reason : VisibilityReason::kNone);
  ++flows_by_visibility[visibility];
  ++flows_by_reason[reason];
  ServiceUsage& usage = services[record.flow.service];
  // One service can show several faces; which one names it must not hang on the order of flows.
  if (usage.flows == 0 || record.flow.product < usage.product ||
      (record.flow.product == usage.product && record.flow.service_class < usage.service_class)) {
    usage.product = record.flow.product;
    usage.service_class = record.flow.service_class;
  }
  usage.vendor = record.flow.vendor;
  usage.status = record.flow.status;
  ++usage.flows;
  usage.requests += record.requests;
  usage.bytes_up += up;
  usage.bytes_down += down;
  ++usage.flows_by_visibility[visibility];
  ++usage.flows_by_reason[reason];
  if (record.flow.visibility == Visibility::kMetadata) usage.bytes_up_unseen += up;
  if (!record.flow.host.empty() && usage.hosts.size() < ServiceUsage::kMaxHosts) {
    usage.hosts.insert(record.flow.host);
  }
  if (usage.clients.size() < ServiceUsage::kMaxClients) usage.clients.insert(record.flow.client.ip);
}

}  // namespace weir::app
