// An incident: findings about the same thing, told once and grown as more of it is seen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/evidence.h"
#include "core/finding.h"
#include "core/time.h"
#include "core/verdict.h"

namespace weir::alert {

struct Incident {
  std::string id;  // 16 hexadecimal digits; the same in every replay of the same findings
  Timestamp first_seen;
  Timestamp last_seen;
  uint64_t count = 0;  // findings
  // Of the first finding; what it left empty is filled in from later ones.
  FlowIdentity flow;
  RequestInfo request;
  std::string rule;
  Action action = Action::kAlert;
  Severity severity = Severity::kNone;
  uint64_t upload_bytes = 0;  // the most that one flow of it had sent
  Passed passed;              // the most of one connection of it that was cut
  uint64_t generation = 1;    // of the configuration that decided; the latest of its findings
  // Overlapping and adjacent line ranges of one file are one piece; `lines` and `score` of a piece
  // are the greatest of its parts.
  std::vector<Evidence> evidence;
  uint64_t evidence_dropped = 0;  // pieces over Limits::incident_evidence
};

enum class IncidentActivity : uint8_t { kCreate, kUpdate, kClose };
std::string_view to_string(IncidentActivity) noexcept;

// Called on the thread that feeds the maker. The incident is valid during the call.
class IncidentSink {
 public:
  virtual ~IncidentSink() = default;
  virtual void on_incident(const Incident& incident, IncidentActivity activity) = 0;
};

}  // namespace weir::alert
