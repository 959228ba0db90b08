// What a whole line is known by besides its own hash, so that a line that was edited a little is
// still known where its neighbours are:
// - its shape (shape.h), without the word that it may begin with: whether that one is kept hangs on
//   the line before. An 8-bit tag of it stands in the index for each line.
// - two lines that follow one another, by both shapes: where no name of the code was kept.
// - two lines that follow one another, as they are: each alone may be anyone's.
// - the line without the content of its string literals.
// All of it is per line, not per byte of a window, and rides on the settling of lines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/shape.h"

namespace weir::signatures {

// Of the shape bytes of one line.
struct LineShape {
  uint64_t hash = 0;
  uint32_t tokens = 0;  // 0: a blank line, or one of words alone
  uint8_t tag = 0;      // 0 without tokens, kTagUnknown for a very long line
};
[[nodiscard]] LineShape line_shape(const Fingerprinter& fingerprinter, ByteSpan shape) noexcept;
// From the hash of the shape without that first word, of `tokens` bytes.
[[nodiscard]] LineShape line_shape(size_t tokens, uint64_t hash) noexcept;

// Both lines together have at least this many tokens.
inline constexpr uint32_t kPairTokens = 14;
[[nodiscard]] inline bool makes_pair(const LineShape& first, const LineShape& second) noexcept {
  return first.tokens > 0 && second.tokens > 0 && first.tokens + second.tokens >= kPairTokens &&
         first.tag != kTagUnknown && second.tag != kTagUnknown;
}
// Differs from every other kind of hash.
[[nodiscard]] inline uint64_t pair_hash(const Fingerprinter& fingerprinter, const LineShape& first,
                                        const LineShape& second) noexcept {
  return fingerprinter.combine(first.hash, second.hash);
}

// Two lines that follow one another, blank ones apart, as they are: each may be anyone's.
inline constexpr size_t kCoupleMin = 16;
inline constexpr uint64_t kCoupleFlip = ~uint64_t{0};  // tells couples from pairs
struct LineHash {
  uint64_t hash = 0;
  size_t size = 0;  // normalised bytes; 0: no line
};
[[nodiscard]] inline bool makes_couple(const LineHash& first, const LineHash& second) noexcept {
  return first.size > 0 && second.size > 0 && first.size + second.size >= kCoupleMin;
}
[[nodiscard]] inline uint64_t couple_hash(const Fingerprinter& fingerprinter, const LineHash& first,
                                          const LineHash& second) noexcept {
  return fingerprinter.combine(first.hash, second.hash ^ kCoupleFlip);
}

// Place of the first byte that may begin a literal; the size when there is none.
[[nodiscard]] size_t first_quote(ByteSpan text) noexcept;
using MaskedLine = std::array<uint8_t, kLineMax>;
// A normalised line of at most kLineMax bytes without what stands between quotes; a quote that is
// not closed is a character like others. Returns the bytes written; 0 when there is no literal.
// With `marks`, how many of the bytes that stay are marked is added to `sum`.
struct LineMarks {
  const uint64_t* bits = nullptr;  // null: none
  size_t first = 0;                // that of the line's first byte
};
size_t mask_literals(ByteSpan line, MaskedLine& out, LineMarks marks = {},
                     uint32_t* sum = nullptr) noexcept;
[[nodiscard]] inline uint64_t masked_hash(const Fingerprinter& fingerprinter,
                                          ByteSpan masked) noexcept {
  return fingerprinter.combine(fingerprinter.line(masked), masked.size());
}

}  // namespace weir::signatures
