// Which accounts are the company's: ids of organisations, projects, tenants and accounts.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::inspect {

// The ids that belong to the company.
class CompanyAccounts {
 public:
  CompanyAccounts() = default;
  // In lower case, as settings have them; `*` at the end is any rest.
  explicit CompanyAccounts(std::vector<std::string> ids) : ids_(std::move(ids)) {}
  [[nodiscard]] bool empty() const noexcept { return ids_.empty(); }
  [[nodiscard]] bool contains(std::string_view id) const noexcept;  // in any case
  // The value is or holds one of them.
  [[nodiscard]] bool stand_in(std::string_view value) const noexcept;

 private:
  std::vector<std::string> ids_;
};

}  // namespace weir::inspect
