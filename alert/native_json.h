// Weir's own JSON: one line an alert, one line a flow. The schemas are docs/alert.schema.json and
// docs/flow.schema.json; fields are added, never renamed. Bytes that are no UTF-8 become U+FFFD.
#pragma once

#include <string>

#include "alert/incident.h"
#include "core/finding.h"
#include "core/time.h"

namespace weir::alert {

inline constexpr int kAlertSchemaVersion = 3;
inline constexpr int kFlowSchemaVersion = 3;

// Without a line end.
[[nodiscard]] std::string alert_json(const Incident& incident, IncidentActivity activity);
[[nodiscard]] std::string flow_json(const FlowRecord& record);
// One piece, as it stands in the `evidence` of an alert.
[[nodiscard]] std::string evidence_json(const Evidence& evidence);

// ISO 8601, UTC, microseconds: "2026-01-31T12:00:00.000001Z". 64 bits of
// nanoseconds reach from 1677 to 2262.
[[nodiscard]] std::string iso_time(Timestamp time);

}  // namespace weir::alert
