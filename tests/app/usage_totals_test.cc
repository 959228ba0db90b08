#include "app/report/usage_totals.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

FlowRecord record(const std::string& product, const std::string& service_class) {
  FlowRecord out;
  out.flow.service = "claude-web";
  out.flow.product = product;
  out.flow.service_class = service_class;
  out.flow.protocol = "http";
  out.flow.host = "claude.example";
  out.flow.visibility = Visibility::kClear;
  out.bytes[Direction::kToServer] = 10;
  out.bytes[Direction::kToClient] = 3;
  out.gap_bytes[Direction::kToServer] = 2;
  out.requests = 2;
  out.inspected_bytes = 7;
  return out;
}

TEST(UsageTotals, AddsUpFlows) {
  UsageTotals totals;
  totals.add(record("Claude.ai", "chat"));
  totals.add(record("Claude.ai", "chat"));
  FlowRecord other;
  other.flow.protocol = "dns";
  other.bytes[Direction::kToServer] = 5;
  totals.add(other);
  EXPECT_EQ(totals.flows, 3U);
  EXPECT_EQ(totals.ai_flows, 2U);
  EXPECT_EQ(totals.requests, 4U);
  EXPECT_EQ(totals.bytes_up, 25U);
  EXPECT_EQ(totals.bytes_down, 6U);
  EXPECT_EQ(totals.gap_bytes_up, 4U);
  EXPECT_EQ(totals.inspected_bytes, 14U);
  EXPECT_EQ(totals.protocols.at("http"), 2U);
  EXPECT_EQ(totals.flows_by_visibility[static_cast<size_t>(Visibility::kClear)], 2U);
  ASSERT_EQ(totals.services.size(), 1U);
  const ServiceUsage& usage = totals.services.at("claude-web");
  EXPECT_EQ(usage.flows, 2U);
  EXPECT_EQ(usage.bytes_up, 20U);
  EXPECT_EQ(usage.clients.size(), 1U);
  EXPECT_EQ(usage.hosts.size(), 1U);
}

TEST(UsageTotals, TheNameOfAServiceDoesNotHangOnTheOrderOfFlows) {
  const std::vector<FlowRecord> faces = {record("Claude.ai upload", "chat"),
                                         record("Claude.ai", "chat"),
                                         record("Claude.ai turn", "api")};
  for (size_t first = 0; first < faces.size(); ++first) {
    UsageTotals totals;
    for (size_t i = 0; i < faces.size(); ++i) totals.add(faces[(first + i) % faces.size()]);
    EXPECT_EQ(totals.services.at("claude-web").product, "Claude.ai");
    EXPECT_EQ(totals.services.at("claude-web").service_class, "chat");
  }
}

TEST(UsageTotals, ListsOfHostsAndClientsAreBounded) {
  UsageTotals totals;
  for (uint32_t i = 0; i < 5000; ++i) {
    FlowRecord flow = record("Claude.ai", "chat");
    flow.flow.host = std::to_string(i) + ".example";
    flow.flow.client.ip = IpAddress::v4(0x0a000000 + i);
    totals.add(flow);
  }
  EXPECT_EQ(totals.services.at("claude-web").hosts.size(), ServiceUsage::kMaxHosts);
  EXPECT_EQ(totals.services.at("claude-web").clients.size(), ServiceUsage::kMaxClients);
  EXPECT_EQ(totals.services.at("claude-web").flows, 5000U);
}

}  // namespace
}  // namespace weir::app
