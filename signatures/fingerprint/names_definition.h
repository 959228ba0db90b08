// Whether an identifier is defined where it stands, as most languages write definitions. Names that
// a repository only uses are those of libraries.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::signatures {

// Of content[begin, end), a whole identifier. Errs on the side of no.
[[nodiscard]] bool is_definition(std::string_view content, size_t begin, size_t end) noexcept;

}  // namespace weir::signatures
