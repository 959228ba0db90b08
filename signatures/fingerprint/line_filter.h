// Which lines of a source file say nothing of whose code it is: licence and copyright comments,
// imports, and lines made of words that stand in everyone's code. They are left out of an index, so
// that they cannot alert.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::signatures {

// For each line of `content` (cut at '\n'; as many as the normaliser counts) true when it is part
// of a licence comment or an import.
std::vector<bool> common_lines(std::string_view content);

// Letters in the words of a line that are not everyone's: identifiers and the words of strings and
// comments, without keywords and the most common names.
[[nodiscard]] uint32_t distinctive_letters(std::string_view line) noexcept;

}  // namespace weir::signatures
