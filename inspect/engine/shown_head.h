// What is told of a request's head: paths and user agents are no place for secrets, but clients put
// tokens there, also ones that no rule knows.
#pragma once

#include <string>
#include <string_view>

namespace weir::inspect {

// Of each word that looks like a token, the beginning alone: 16 letters and digits in a row, of
// both kinds. Names of models, versions and UUIDs have shorter runs.
[[nodiscard]] std::string without_tokens(std::string_view text);
// Leaves the beginning of each long part of a path.
void mask_long_parts(std::string& path);

}  // namespace weir::inspect
