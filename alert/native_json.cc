#include "alert/native_json.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

namespace weir::alert {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json text(std::string_view value) { return Json(std::string(value)); }

Json endpoint(const Endpoint& value) {
  return Json{{"ip", value.ip.to_string()}, {"port", value.port}};
}

template <typename T>
Json both_ways(const PerDirection<T>& value) {
  return Json{{"up", value[Direction::kToServer]}, {"down", value[Direction::kToClient]}};
}

std::string transport(uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::kTcp:
      return "tcp";
    case IpProtocol::kUdp:
      return "udp";
    case IpProtocol::kIcmp:
      return "icmp";
    case IpProtocol::kIcmp6:
      return "icmp6";
    case IpProtocol::kGre:
      return "gre";
    case IpProtocol::kSctp:
      return "sctp";
  }
  return std::to_string(protocol);
}

void put_account(Json& out, const FlowIdentity& flow) {
  out["tool_version"] = flow.tool_version;
  out["account"] = text(to_string(flow.account));
  out["organization"] = flow.organization;
  out["credential"] = flow.credential;
}

Json evidence_object(const Evidence& e) {
  Json out;
  out["kind"] = text(to_string(e.kind));
  out["rule"] = e.rule;
  out["title"] = e.title;
  out["repository"] = e.repository;
  out["path"] = e.path;
  out["first_line"] = e.first_line;
  out["last_line"] = e.last_line;
  out["lines"] = e.lines;
  // A score that is no number would not be JSON.
  out["score"] = e.score >= 0 ? std::min(e.score, 1.0) : 0.0;
  out["where"] = e.where;
  out["offset"] = e.offset;
  out["excerpt"] = e.excerpt;
  if (e.kind == EvidenceKind::kEnvironment || e.kind == EvidenceKind::kAnomaly) {
    out["class"] = e.data_class;
    out["field"] = e.field;
    out["detail"] = e.detail;
  }
  if (e.kind == EvidenceKind::kEnvironment) out["documented"] = e.documented;
  return out;
}

}  // namespace

std::string evidence_json(const Evidence& evidence) { return line_of(evidence_object(evidence)); }

std::string iso_time(Timestamp time) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kDay = 86'400;
  int64_t seconds = time.ns / kSecond;
  int64_t ns = time.ns % kSecond;
  if (ns < 0) {
    ns += kSecond;
    --seconds;
  }
  int64_t days = seconds / kDay;
  int64_t rest = seconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  // Days of the proleptic Gregorian calendar in eras of 400 years that begin on 1 March.
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_index = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_index + 2) / 5 + 1;
  const int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                static_cast<int>(year), static_cast<int>(month), static_cast<int>(day),
                static_cast<int>(rest / 3'600), static_cast<int>(rest / 60 % 60),
                static_cast<int>(rest % 60), static_cast<int>(ns / 1'000));
  return out.data();
}

std::string alert_json(const Incident& incident, IncidentActivity activity) {
  const FlowIdentity& flow = incident.flow;
  Json out;
  out["schema_version"] = kAlertSchemaVersion;
  out["id"] = incident.id;
  out["activity"] = text(to_string(activity));
  out["time"] = iso_time(incident.last_seen);
  out["first_seen"] = iso_time(incident.first_seen);
  out["last_seen"] = iso_time(incident.last_seen);
  out["count"] = incident.count;
  out["severity"] = text(to_string(incident.severity));
  out["action"] = text(to_string(incident.action));
  out["rule"] = incident.rule;
  out["service"] = flow.service;
  out["status"] = text(to_string(flow.status));
  out["vendor"] = flow.vendor;
  out["product"] = flow.product;
  out["service_class"] = flow.service_class;
  out["host"] = flow.host;
  out["host_source"] = text(to_string(flow.host_source));
  out["visibility"] = text(to_string(flow.visibility));
  out["visibility_reason"] = text(to_string(flow.visibility_reason));
  out["protocol"] = flow.protocol;
  out["ja3"] = flow.ja3;
  out["ja4"] = flow.ja4;
  out["alpn"] = flow.alpn;
  out["tool"] = flow.tool;
  put_account(out, flow);
  out["ech"] = flow.ech;
  out["client"] = endpoint(flow.client);
  out["client"]["user"] = flow.user;
  out["server"] = endpoint(flow.server);
  if (!incident.request.method.empty() || !incident.request.path.empty()) {
    out["request"] = Json{{"method", incident.request.method},
                          {"path", incident.request.path},
                          {"user_agent", incident.request.user_agent},
                          {"content_type", incident.request.content_type}};
  }
  out["upload_bytes"] = incident.upload_bytes;
  if (incident.passed.cut) {
    out["passed"] = Json{{"lines", incident.passed.lines}, {"bytes", incident.passed.bytes}};
    if (incident.passed.ending != CutEnding::kNotWatched) {
      out["passed"]["connection"] = text(to_string(incident.passed.ending));
    }
  }
  out["generation"] = incident.generation;
  out["evidence"] = Json::array();
  for (const Evidence& piece : incident.evidence) out["evidence"].push_back(evidence_object(piece));
  out["evidence_dropped"] = incident.evidence_dropped;
  return line_of(out);
}

std::string flow_json(const FlowRecord& record) {
  const FlowIdentity& flow = record.flow;
  Json out;
  out["schema_version"] = kFlowSchemaVersion;
  out["first"] = iso_time(record.first);
  out["last"] = iso_time(record.last);
  out["client"] = endpoint(flow.client);
  out["client"]["user"] = flow.user;
  out["server"] = endpoint(flow.server);
  out["transport"] = transport(flow.ip_protocol);
  out["encapsulation"] = flow.encapsulation;
  out["protocol"] = flow.protocol;
  out["protocol_category"] = flow.protocol_category;
  out["service"] = flow.service;
  out["status"] = text(to_string(flow.status));
  out["vendor"] = flow.vendor;
  out["product"] = flow.product;
  out["service_class"] = flow.service_class;
  out["host"] = flow.host;
  out["host_source"] = text(to_string(flow.host_source));
  out["names"] = Json::array();
  for (const auto& name : flow.names) {
    out["names"].push_back(Json{{"source", text(to_string(name.first))}, {"name", name.second}});
  }
  out["ja3"] = flow.ja3;
  out["ja4"] = flow.ja4;
  out["alpn"] = flow.alpn;
  out["tool"] = flow.tool;
  put_account(out, flow);
  out["ech"] = flow.ech;
  out["visibility"] = text(to_string(flow.visibility));
  out["visibility_reason"] = text(to_string(flow.visibility_reason));
  out["sight"] = flow.sight;
  out["packets"] = both_ways(record.packets);
  out["bytes"] = both_ways(record.bytes);
  out["gap_bytes"] = both_ways(record.gap_bytes);
  out["requests"] = record.requests;
  out["telemetry_bytes"] = record.telemetry_bytes;
  out["inspected_bytes"] = record.inspected_bytes;
  out["verdict"] = text(to_string(record.action));
  out["end"] = record.end;
  out["counters"] = Json::object();
  for (const auto& counter : record.counters) {
    if (counter.second != 0) out["counters"][counter.first] = counter.second;
  }
  return line_of(out);
}

}  // namespace weir::alert
