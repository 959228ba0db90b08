// One thing that was found in what a client sent. Owns its strings; holds no more of the source
// text than a masked excerpt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/verdict.h"

namespace weir {

enum class EvidenceKind : uint8_t {
  kCode,         // lines of a protected file
  kHash,         // digest of a protected file
  kSecret,       // credential or key
  kMarker,       // confidentiality marker or customer term
  kName,         // distinctive identifier of a protected repository
  kEnvironment,  // data about the machine or person
  kAnomaly,      // covert marks, domain fronting, and the like
};

std::string_view to_string(EvidenceKind) noexcept;
std::optional<EvidenceKind> parse_evidence_kind(std::string_view) noexcept;

struct Evidence {
  EvidenceKind kind = EvidenceKind::kCode;
  std::string rule;   // content-rule id, or the channel of code evidence: "text", "critical" …
  std::string title;  // a few words for a person
  std::string repository;   // code, hash, name
  std::string path;         // relative to the repository
  uint32_t first_line = 0;  // 1-based in the protected file; 0 when no line is meant
  uint32_t last_line = 0;
  uint32_t lines = 0;      // distinct protected lines matched; at most last_line - first_line + 1
  double score = 0;        // 0..1, how sure
  std::string where;       // content path, e.g. "http/body>gzip>json:messages[3].content"
  uint64_t offset = 0;     // of the piece of text, in bytes of its direction of the flow
  std::string excerpt;     // masked, at most Limits::excerpt_bytes
  std::string data_class;  // environment: "time_zone", "user" …; anomaly: "mark" or "drift"
  std::string field;       // environment: the name under which the value stood
  std::string detail;      // anomaly: the characters by name and what stands around them
  Account account = Account::kUnknown;  // environment of class `account`: whose it is
  bool documented = false;  // environment: the vendor says openly that its tool sends this
};

}  // namespace weir
