// Characters that look like ASCII ones, or like nothing: the idea of Unicode's confusables (UTS
// 39), as a table made by hand of those that pass for ASCII in a line of English prose or code.
// Names are Unicode's where they are known here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::signatures {

enum class Disguise : uint8_t {
  kLetter,     // of another alphabet: Cyrillic, Greek, mathematical, full width
  kQuote,      // typographic quotes: U+2018, U+2019 …
  kModifier,   // passes for an apostrophe, and nobody types it: U+02BC, U+02B9, U+2032 …
  kMark,       // other punctuation: dashes, dots, slashes
  kSpace,      // no-break, narrow and other spaces
  kInvisible,  // zero width, bidirectional controls, variation selectors, tags
};

struct Confusable {
  Disguise disguise;
  char ascii;  // what it looks like; 0: nothing
};

// Nothing for ASCII itself and all that passes for nothing in ASCII.
[[nodiscard]] std::optional<Confusable> confusable(uint32_t code_point) noexcept;

// "U+2019 RIGHT SINGLE QUOTATION MARK"
[[nodiscard]] std::string name_of_character(uint32_t code_point);

struct CodePoint {
  uint32_t value = 0;
  size_t size = 1;  // bytes; a byte that is no UTF-8 stands for itself, as U+FFFD
};
[[nodiscard]] CodePoint read_code_point(std::string_view text) noexcept;

}  // namespace weir::signatures
