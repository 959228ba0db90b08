// Contacts of tools between inspection and whoever takes what it found: the records of flows are
// looked at on their way, and what there is to tell of them is told behind them. And the file that
// such a watch keeps beside the incident database.
#pragma once

#include <string>
#include <vector>

#include "core/finding.h"
#include "core/result.h"
#include "inspect/contacts/tool_contacts.h"
#include "inspect/engine/engine.h"

namespace weir::app {

class ContactWatch final : public EvidenceSink {
 public:
  // Both must outlive the watch.
  ContactWatch(inspect::ToolContacts& contacts, EvidenceSink& next)
      : contacts_(contacts), next_(next) {}

  void on_finding(Finding&& finding) override { next_.on_finding(std::move(finding)); }
  void on_flow_end(FlowRecord&& record) override {
    contacts_.observe(record, found_);
    next_.on_flow_end(std::move(record));
    hand_on();
  }
  void advance(Timestamp now) {
    contacts_.advance(now, found_);
    hand_on();
  }
  void finish() {
    contacts_.finish(found_);
    hand_on();
  }

 private:
  void hand_on() {
    for (Finding& finding : found_) next_.on_finding(std::move(finding));
    found_.clear();
  }

  inspect::ToolContacts& contacts_;
  EvidenceSink& next_;
  std::vector<Finding> found_;
};

// Beside the incident database; empty where there is none.
[[nodiscard]] std::string contacts_file(const std::string& database);
// Renames a file that cannot be read to PATH.damaged-N; the new name.
[[nodiscard]] Result<std::string> set_contacts_aside(const std::string& path);
[[nodiscard]] inspect::CounterList contact_counters(const inspect::ToolContacts& contacts);

}  // namespace weir::app
