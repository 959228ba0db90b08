// One line of a client's own prompt text, for marks: what it reads as, how it is written, and which
// characters in it pass for others. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::inspect {

// Longer lines are looked at this far.
inline constexpr size_t kPromptLine = 1024;

struct FoldedLine {
  // What a reader reads: look-alikes as what they look like, numbers as 0 with '-' between them,
  // invisible characters, edges and runs of blanks gone.
  std::string reading;
  // How it is written: the same, with the characters as they are, and blanks at the end. Two lines
  // of one reading and two writings differ in nothing that a reader notices, or in how a date or a
  // number is written.
  std::string writing;
  uint32_t letters = 0;  // of ASCII
};
void fold_line(std::string_view line, FoldedLine& out);

enum class MarkKind : uint8_t {
  kLookAlike,  // a letter of another alphabet in an ASCII word, a modifier for an apostrophe
  kInvisible,
  kQuote,  // a typographic apostrophe in an ASCII word: a mark only where others are ASCII's
  kSpace,  // a blank that is not ASCII's between ASCII words or behind a comma, likewise
};
struct LineMark {
  MarkKind kind;
  uint32_t code_point;
  size_t at;  // byte in the line
};
// None in a line that is not ASCII otherwise, symbols apart: there they may be in their place.
void find_marks(std::string_view line, std::vector<LineMark>& out);
// Apostrophes of ASCII between letters.
[[nodiscard]] uint32_t plain_apostrophes(std::string_view line) noexcept;

// The character at a place with at most three of ASCII on each side, as far as the word goes, and
// numbers as 0: what stands around a mark may be content.
[[nodiscard]] std::string shown_around(std::string_view line, size_t at);

struct Difference {
  uint32_t left = 0;  // code points; 0: the line has ended
  uint32_t right = 0;
  size_t left_at = 0;  // bytes
  size_t right_at = 0;
};
// The first place where two writings differ; nothing after the end of both.
[[nodiscard]] Difference first_difference(std::string_view left, std::string_view right) noexcept;

}  // namespace weir::inspect
