// How much a line of a source file says of whose code it is. Licence and copyright texts are left
// out of an index; imports and lines made of words that stand in everyone's code count little.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::signatures {

enum class LineKind : uint8_t { kCode, kImport, kLicence };

// Of each line of `content` (cut at '\n'; as many as the normaliser counts).
std::vector<LineKind> line_kinds(std::string_view content);

// Letters in the words of a line that are not everyone's: identifiers and the words of strings and
// comments, without keywords and the most common names.
[[nodiscard]] uint32_t distinctive_letters(std::string_view line) noexcept;
// The same, and `marks` is made one byte for each of the line: 1 where it is such a letter.
uint32_t mark_distinctive(std::string_view line, std::vector<uint8_t>& marks);

}  // namespace weir::signatures
