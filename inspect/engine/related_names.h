// Whether two host names belong together, so that one standing where the other was announced is no
// sign of anything: the same registered domain, or names of one certificate. The list of suffixes
// under which strangers register is short: the usual second levels of countries, and hosting and
// content networks whose customers share names, which is where fronting lives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::inspect {

// "api.example.co.uk" -> "example.co.uk". The name itself where it has no more labels. Lower case.
[[nodiscard]] std::string_view registered_domain(std::string_view host) noexcept;
// A name of a certificate, "*.x" standing for exactly one label (RFC 6125).
[[nodiscard]] bool certificate_covers(std::string_view pattern, std::string_view host) noexcept;
[[nodiscard]] bool certificate_covers(const std::vector<std::string>& patterns,
                                      std::string_view host) noexcept;

}  // namespace weir::inspect
