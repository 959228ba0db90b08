// See company_accounts.h.
#include "inspect/detect/company_accounts.h"

#include <algorithm>

namespace weir::inspect {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool starts_with_any_case(std::string_view text, std::string_view lower_prefix) noexcept {
  return text.size() >= lower_prefix.size() &&
         std::equal(lower_prefix.begin(), lower_prefix.end(), text.begin(),
                    [](char a, char b) { return a == lower(b); });
}

}  // namespace

bool CompanyAccounts::contains(std::string_view id) const noexcept {
  return std::any_of(ids_.begin(), ids_.end(), [id](std::string_view known) {
    const bool open = known.ends_with('*');
    if (open) known.remove_suffix(1);
    return (open ? id.size() >= known.size() : id.size() == known.size()) &&
           starts_with_any_case(id, known);
  });
}

bool CompanyAccounts::stand_in(std::string_view value) const noexcept {
  if (contains(value)) return true;
  return std::any_of(ids_.begin(), ids_.end(), [value](std::string_view known) {
    if (known.ends_with('*')) return false;
    const auto at = std::search(value.begin(), value.end(), known.begin(), known.end(),
                                [](char a, char b) { return lower(a) == b; });
    return at != value.end();
  });
}

}  // namespace weir::inspect
