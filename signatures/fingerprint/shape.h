// The shape of code: one byte a token, so that code whose names were changed still looks the same.
// Punctuation stands for itself, a keyword or basic type of the usual languages for its number, a
// number for 'n', any other word for 'w'; words that follow one another are one 'w', so prose and
// the words of strings hardly count. White space, line ends and case do not matter. No language is
// told from another: strings and comments are tokens as all else. Tokens never span lines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace weir::signatures {

inline constexpr size_t kShapeWindow = 32;  // kWindow, for those who do not hash
inline constexpr uint8_t kShapeWord = 'w';
inline constexpr uint8_t kShapeNumber = 'n';
inline constexpr uint8_t kShapeKeywords = 0x80;  // the first one

// Of a whole word, of `size` bytes, from its first eight bytes (zero bytes behind a shorter one).
[[nodiscard]] uint8_t shape_of_word(uint64_t first_eight, size_t size) noexcept;

// feed* finish, then again: lines in any cut, what tools put before them taken off. `out` needs
// room for text.size() + 1 bytes; returns the bytes written. For each newline the number of bytes
// written before it, plus `base`, is appended to `ends`.
class ShapeReader {
 public:
  size_t feed(ByteSpan text, uint8_t* out, uint32_t base, std::vector<uint32_t>& ends);
  // The word that is still open ends here.
  size_t finish(uint8_t* out) noexcept;
  void reset() noexcept { *this = {}; }
  // The token before what comes next; meaningful between lines.
  [[nodiscard]] uint8_t& last_token() noexcept { return last_; }

 private:
  size_t put(uint8_t code, uint8_t* out) noexcept {
    const bool repeats = code == kShapeWord && last_ == kShapeWord;
    last_ = code;
    *out = code;
    return repeats ? 0 : 1;
  }

  uint64_t head_ = 0;     // first eight bytes of a word that was cut
  size_t word_size_ = 0;  // of it; 0: none
  uint8_t last_ = 0;      // token written last
};

// Different symbols of a stretch of shape bytes, and different triples of neighbours, as far as
// 256 values of a hash tell them apart.
struct Variety {
  uint32_t symbols = 0;
  uint32_t triples = 0;
};
inline constexpr std::array<uint32_t, 3> kTripleFactors{0x10dcd, 0x2545f, 0x9e377};
inline constexpr uint32_t kTripleMix = 0x9e3779b1U;
inline constexpr unsigned kTripleShift = 24;
[[nodiscard]] bool says_little_of_window(Variety of, uint32_t& variety) noexcept;
[[nodiscard]] bool says_little_of_pair(Variety of, uint32_t& variety) noexcept;

// True when a window of kWindow shape bytes tells too little to be indexed. `variety` becomes
// 0..kMostRarity.
[[nodiscard]] bool shape_says_little(const uint8_t* window, uint32_t& variety) noexcept;
// The same of the shapes of two lines.
[[nodiscard]] bool pair_says_little(ByteSpan shape, uint32_t& variety) noexcept;

}  // namespace weir::signatures
