// Findings for tests of the alert side.
#pragma once

#include <string>
#include <utility>

#include "core/finding.h"

namespace weir::test {

inline Timestamp at(int64_t seconds) {
  return Timestamp{(1'700'000'000 + seconds) * 1'000'000'000};
}

inline Evidence code(std::string path, uint32_t first, uint32_t last, uint32_t lines,
                     double score = 0.9) {
  Evidence e;
  e.kind = EvidenceKind::kCode;
  e.rule = "text";
  e.title = "protected code";
  e.repository = "orchard";
  e.path = std::move(path);
  e.first_line = first;
  e.last_line = last;
  e.lines = lines;
  e.score = score;
  e.where = "http/body>json:messages[0].content";
  e.excerpt = "retu** ******";
  return e;
}

inline Evidence secret(std::string rule, std::string excerpt = "AKIA****") {
  Evidence e;
  e.kind = EvidenceKind::kSecret;
  e.rule = std::move(rule);
  e.score = 1;
  e.excerpt = std::move(excerpt);
  return e;
}

inline Finding finding(int64_t second, std::vector<Evidence> evidence = {}) {
  Finding f;
  f.flow.client = {IpAddress::v4(0x0a000001), 40'000};
  f.flow.server = {IpAddress::v4(0xc0000201), 443};
  f.flow.ip_protocol = 6;
  f.flow.protocol = "http";
  f.flow.service = "claude-code";
  f.flow.status = ServiceStatus::kUnsanctioned;
  f.flow.host = "api.anthropic.com";
  f.flow.host_source = HostSource::kHttp;
  f.flow.visibility = Visibility::kClear;
  f.request = {"POST", "/v1/messages", "claude-cli/2.1", "application/json"};
  f.time = at(second);
  f.evidence = std::move(evidence);
  f.action = Action::kAlert;
  f.severity = Severity::kHigh;
  f.rule = "code leaves";
  f.upload_bytes = 1000;
  return f;
}

}  // namespace weir::test
