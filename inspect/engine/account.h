// Whose account a request was made with, as far as its target and headers show: ids of
// organisations, projects, tenants and accounts, names of tenants in host names, and the kind of
// the credential by its prefix. No part of a credential leaves this file, and what looks like one
// is no id.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.h"
#include "inspect/detect/company_accounts.h"
#include "inspect/message_sink.h"
#include "signatures/catalogue.h"

namespace weir::inspect {

struct AccountSight {
  Account account = Account::kUnknown;
  std::string organization;
  std::string_view credential;  // of static storage: "openai_project_key"; empty: none was sent
};

[[nodiscard]] AccountSight account_of(const MessageHead& head, const CompanyAccounts& company,
                                      const signatures::Catalogue& catalogue);

// The kind of a credential; empty where `value` is none.
[[nodiscard]] std::string_view credential_kind(std::string_view value) noexcept;

}  // namespace weir::inspect
