// Host patterns as the catalogue and policy write them: "x.example" is that name alone,
// "*.x.example" is x.example and every name below it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

// The pattern in lower case and without a final dot; nothing when it is no pattern.
std::optional<std::string> normalise_host_pattern(std::string_view text);

// `pattern` as normalise_host_pattern gives it, `host` in lower case without port.
bool host_matches(std::string_view pattern, std::string_view host) noexcept;

}  // namespace weir::config
