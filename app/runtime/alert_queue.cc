// See alert_queue.h.
#include "app/runtime/alert_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "alert/evidence_set.h"

namespace weir::app {
namespace {

std::string kind_of(const Finding& finding) {
  std::string out = finding.flow.client.ip.to_string();
  for (const std::string* part :
       {&finding.flow.user, &finding.flow.service, &finding.flow.host, &finding.rule}) {
    out.push_back('\0');
    out += *part;
  }
  return out;
}

}  // namespace

void AlertQueue::on_finding(Finding&& finding) {
  counters_.findings.add();
  if (flush() && findings_.try_push(finding)) return;
  merge(std::move(finding));
}

void AlertQueue::on_flow_end(FlowRecord&& record) {
  counters_.records.add();
  if (!records_.try_push(record)) counters_.records_dropped.add();
}

bool AlertQueue::flush() {
  while (!merged_.empty()) {
    const auto first = merged_.begin();
    if (!findings_.try_push(first->second)) return false;
    merged_.erase(first);
  }
  return true;
}

void AlertQueue::merge(Finding&& finding) {
  std::string kind = kind_of(finding);
  auto at = merged_.lower_bound(kind);
  if (at == merged_.end() || at->first != kind) {
    if (merged_.size() < kWaiting) {
      merged_.emplace_hint(at, std::move(kind), std::move(finding));
      return;
    }
    // Any one must do: its neighbour is of the same client, where there is one.
    if (at == merged_.end()) at = std::prev(at);
  }
  counters_.findings_merged.add();
  Finding& into = at->second;
  into.time = std::max(into.time, finding.time);
  into.action = std::max(into.action, finding.action);
  into.severity = std::max(into.severity, finding.severity);
  into.upload_bytes = std::max(into.upload_bytes, finding.upload_bytes);
  into.passed.merge(finding.passed);
  into.only_ending = into.only_ending && finding.only_ending;
  for (Evidence& piece : finding.evidence) {
    const auto change = alert::add_evidence(into.evidence, std::move(piece), kEvidence);
    counters_.evidence_dropped.add(change.dropped);
  }
}

}  // namespace weir::app
