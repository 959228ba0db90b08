#include "alert/native_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "alert/incident_maker.h"
#include "tests/alert/make.h"
#include "tests/support/json_schema.h"

namespace weir::alert {
namespace {

using Json = nlohmann::json;
using test::problems;
using test::schema;

Incident incident() {
  Incident out;
  Finding f = test::finding(0);
  out.id = "0123456789abcdef";
  out.first_seen = test::at(0);
  out.last_seen = test::at(1);
  out.count = 2;
  out.flow = f.flow;
  out.request = f.request;
  out.rule = f.rule;
  out.severity = Severity::kHigh;
  out.passed = {true, 3, 700, CutEnding::kWentOn};
  out.evidence.push_back(test::code("a.cc", 1, 9, 9));
  out.evidence.push_back(test::secret("aws"));
  Evidence zone;
  zone.kind = EvidenceKind::kEnvironment;
  out.evidence.push_back(zone);
  return out;
}

FlowRecord record() {
  FlowRecord out;
  out.flow = test::finding(0).flow;
  out.flow.names = {{HostSource::kDns, "a.example"}, {HostSource::kHttp, "api.anthropic.com"}};
  out.first = test::at(0);
  out.last = test::at(2);
  out.packets[Direction::kToServer] = 3;
  out.bytes[Direction::kToClient] = 4;
  out.requests = 1;
  out.action = Action::kDrop;
  out.end = "fin";
  out.counters = {{"gaps", 2}, {"nothing", 0}};
  return out;
}

TEST(NativeJson, AlertsFollowTheirSchema) {
  for (const auto activity :
       {IncidentActivity::kCreate, IncidentActivity::kUpdate, IncidentActivity::kClose}) {
    EXPECT_THAT(problems("alert.schema.json", alert_json(incident(), activity)),
                ::testing::IsEmpty());
  }
  Incident bare = incident();
  bare.request = {};
  bare.evidence.clear();
  EXPECT_THAT(problems("alert.schema.json", alert_json(bare, IncidentActivity::kClose)),
              ::testing::IsEmpty());
}

TEST(NativeJson, FlowsFollowTheirSchema) {
  EXPECT_THAT(problems("flow.schema.json", flow_json(record())), ::testing::IsEmpty());
  EXPECT_THAT(problems("flow.schema.json", flow_json(FlowRecord{})), ::testing::IsEmpty());
}

TEST(NativeJson, TheSchemaCheckSeesMistakes) {
  Json alert = Json::parse(alert_json(incident(), IncidentActivity::kCreate));
  alert.erase("severity");
  alert["surprise"] = 1;
  alert["id"] = "x";
  alert["evidence"][0]["kind"] = "gossip";
  alert["client"]["port"] = 70'000;
  EXPECT_EQ(problems("alert.schema.json", alert.dump()).size(), 5U);
}

// Every property of the schemas is emitted by a full incident and record, and the other way round
// is checked above.
TEST(NativeJson, EveryFieldOfTheSchemasIsEmitted) {
  const Json alert = Json::parse(alert_json(incident(), IncidentActivity::kClose));
  const Json alert_schema = schema("alert.schema.json");
  size_t seen = 0;
  for (const auto& p : alert_schema["properties"].items()) {
    EXPECT_TRUE(alert.contains(p.key())) << p.key();
    ++seen;
  }
  for (const auto& p : alert_schema["$defs"]["evidence"]["properties"].items()) {
    EXPECT_TRUE(alert["evidence"][2].contains(p.key())) << p.key();
    ++seen;
  }
  const Json flow = Json::parse(flow_json(record()));
  const Json flow_schema = schema("flow.schema.json");
  for (const auto& p : flow_schema["properties"].items()) {
    EXPECT_TRUE(flow.contains(p.key())) << p.key();
    ++seen;
  }
  EXPECT_EQ(seen, 37U + 16U + 38U);
}

TEST(NativeJson, ValuesOfAnAlert) {
  const Json alert = Json::parse(alert_json(incident(), IncidentActivity::kUpdate));
  EXPECT_EQ(alert["time"], "2023-11-14T22:13:21.000000Z");
  EXPECT_EQ(alert["activity"], "update");
  EXPECT_EQ(alert["client"]["ip"], "10.0.0.1");
  EXPECT_EQ(alert["server"]["port"], 443);
  EXPECT_EQ(alert["status"], "unsanctioned");
  EXPECT_EQ(alert["host_source"], "http");
  EXPECT_EQ(alert["request"]["path"], "/v1/messages");
  EXPECT_EQ(alert["evidence"][0]["repository"], "orchard");
  EXPECT_EQ(alert["evidence"][0]["last_line"], 9);
  EXPECT_FALSE(alert["evidence"][0].contains("documented"));
}

TEST(NativeJson, ValuesOfAFlow) {
  const Json flow = Json::parse(flow_json(record()));
  EXPECT_EQ(flow["transport"], "tcp");
  EXPECT_EQ(flow["packets"]["up"], 3);
  EXPECT_EQ(flow["bytes"]["down"], 4);
  EXPECT_EQ(flow["verdict"], "drop");
  EXPECT_EQ(flow["names"][0]["source"], "dns");
  EXPECT_EQ(flow["counters"], Json({{"gaps", 2}}));
}

TEST(NativeJson, BytesThatAreNoUtf8AreReplaced) {
  Incident odd = incident();
  odd.request.path = "/\xff\xfe\n\xc3\xa9";
  odd.evidence[0].excerpt = std::string("\0\x80", 2);
  odd.evidence[0].score = std::numeric_limits<double>::quiet_NaN();
  const std::string line = alert_json(odd, IncidentActivity::kClose);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const Json alert = Json::parse(line);
  EXPECT_EQ(alert["request"]["path"], "/\xef\xbf\xbd\xef\xbf\xbd\n\xc3\xa9");
  EXPECT_EQ(alert["evidence"][0]["score"], 0.0);
  EXPECT_THAT(problems("alert.schema.json", line), ::testing::IsEmpty());
}

TEST(IsoTime, DaysAndFractions) {
  EXPECT_EQ(iso_time(Timestamp{0}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(iso_time(Timestamp{951'782'400'000'001'999}), "2000-02-29T00:00:00.000001Z");
  EXPECT_EQ(iso_time(Timestamp{-1}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(iso_time(Timestamp{4'107'542'399'123'456'789}), "2100-02-28T23:59:59.123456Z");
  EXPECT_EQ(iso_time(Timestamp{4'107'542'400'000'000'000}), "2100-03-01T00:00:00.000000Z");
  EXPECT_EQ(iso_time(Timestamp{std::numeric_limits<int64_t>::max()}),
            "2262-04-11T23:47:16.854775Z");
  EXPECT_EQ(iso_time(Timestamp{std::numeric_limits<int64_t>::min()}),
            "1677-09-21T00:12:43.145224Z");
}

}  // namespace
}  // namespace weir::alert
