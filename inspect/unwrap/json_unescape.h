// The inner loop of the JSON decoder: copies the inside of a string and resolves its escapes
// (RFC 8259 section 7) on the way. SSE2 with an AVX2 variant that is chosen at run time; a plain
// reference in tests/inspect/unwrap/json_reference.h must agree.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::inspect {

// Where the loop stands when it stops.
struct UnescapeCursor {
  const uint8_t* in;
  const uint8_t* in_end;
  uint8_t* out;
  uint8_t* out_end;  // at least kUnescapeSlack writable bytes follow it
};

inline constexpr size_t kUnescapeSlack = 64;

enum class UnescapeStop : uint8_t {
  kInput,   // in == in_end
  kOutput,  // out >= out_end: make room and call again
  kQuote,   // *in is a quote that is not escaped
  kEscape,  // *in is a backslash whose escape is cut off by in_end, is wrong, or is a surrogate
};

// `through_quotes`: quotes are bytes like others. Bytes below 0x20 are passed as they are.
using UnescapeLoop = UnescapeStop (*)(UnescapeCursor&, bool through_quotes) noexcept;

UnescapeStop unescape_sse2(UnescapeCursor& cursor, bool through_quotes) noexcept;
// The best that this processor has.
[[nodiscard]] UnescapeLoop pick_unescape_loop() noexcept;

// The byte that `\c` stands for, or 0 when it is none of the two-character escapes.
[[nodiscard]] uint8_t simple_escape(uint8_t c) noexcept;
// 0-15, or 255.
[[nodiscard]] uint8_t hex_value(uint8_t c) noexcept;
// Writes 1 to 4 bytes and returns how many. `code` is at most 0x10FFFF.
size_t put_utf8(uint32_t code, uint8_t* out) noexcept;

}  // namespace weir::inspect
