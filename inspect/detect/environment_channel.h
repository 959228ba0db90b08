// The channel that finds environment data by the name it stands under: a piece of text that is the
// value of a JSON key, a header or a form field, outside of messages, whose name a rule knows and
// whose value is what the rule says (signatures/rules/environment*.yaml). Names are looked up in a
// hash table, once a piece. What stands in prompts, and the company's own values, the rule channel
// finds with all other patterns. Tells each class and field once a request.
#pragma once

#include <memory>

#include "core/limits.h"
#include "inspect/detect/company_accounts.h"
#include "inspect/detect/detect_counters.h"
#include "inspect/detect/text_block.h"
#include "signatures/content_rules.h"

namespace weir::inspect {

// `counters` must outlive the channel. Ids of accounts are compared with `accounts`.
std::unique_ptr<DetectionChannel> make_environment_channel(
    std::shared_ptr<const signatures::RuleSet> rules, const Limits& limits,
    DetectCounters& counters, const CompanyAccounts& accounts = {});

// A field's name as it is told: printable, short, and masked where it is content itself.
[[nodiscard]] std::string shown_field(std::string_view name);

// Pieces of environment data of the same class and field become one, the surest; begins at `first`.
void merge_environment(std::vector<Evidence>& out, size_t first);

}  // namespace weir::inspect
