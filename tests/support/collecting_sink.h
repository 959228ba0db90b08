// Keeps what inspection tells, for tests.
#pragma once

#include <utility>
#include <vector>

#include "core/finding.h"

namespace weir::test {

class CollectingSink final : public EvidenceSink {
 public:
  void on_finding(Finding&& finding) override { findings.push_back(std::move(finding)); }
  void on_flow_end(FlowRecord&& record) override { records.push_back(std::move(record)); }

  std::vector<Finding> findings;
  std::vector<FlowRecord> records;
};

}  // namespace weir::test
