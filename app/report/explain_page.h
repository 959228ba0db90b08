// The page of `weir explain`: what a capture shows, in the order in which a person asks.
#pragma once

#include "app/report/explain_facts.h"
#include "app/report/replay_report.h"
#include "app/report/report_page.h"

namespace weir::app {

struct ExplainContext {
  size_t indexes = 0;  // fingerprint indexes that code was looked for in
  bool has_keys = false;
};

[[nodiscard]] ReportPage explain_page(const ReplayFacts& replay, const ExplainFacts& facts,
                                      const ExplainContext& context);

}  // namespace weir::app
