#include "signatures/fingerprint/shape.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/shape_keywords.h"

namespace weir::signatures {
namespace {

// No branch that hangs on the text: what a word is cannot be foreseen.
inline __attribute__((always_inline)) uint8_t word_code(const ShapeKeywords& table, uint64_t head,
                                                        size_t size) noexcept {
  const auto first = static_cast<uint8_t>(head);
  const uint8_t otherwise = static_cast<uint8_t>(first - '0') <= 9 ? kShapeNumber : kShapeWord;
  const uint8_t code = table.code(head, size);
  return code != 0 ? code : otherwise;
}

__m128i in_range(__m128i bytes, char first, char count) noexcept {
  const __m128i moved = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(moved, _mm_set1_epi8(static_cast<char>(count - 1))), moved);
}

void classify16(const uint8_t* at, uint32_t& words, uint32_t& marks) noexcept {
  const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i letters = in_range(_mm_or_si128(raw, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i digits = in_range(raw, '0', 10);
  const __m128i joins = _mm_or_si128(_mm_cmpeq_epi8(raw, _mm_set1_epi8('_')),
                                     _mm_cmpeq_epi8(raw, _mm_set1_epi8('$')));
  const __m128i high = _mm_cmplt_epi8(raw, _mm_setzero_si128());
  words = static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letters, digits), _mm_or_si128(joins, high))));
  const __m128i blanks =
      _mm_andnot_si128(_mm_cmpeq_epi8(raw, _mm_set1_epi8('\n')), in_range(raw, 0, 0x21));
  marks = ~(words | static_cast<uint32_t>(_mm_movemask_epi8(blanks))) & 0xffffU;
}

struct Classes {
  uint64_t words = 0;
  uint64_t marks = 0;  // neither words nor white space; newlines, too
};
Classes classify(const uint8_t* at) noexcept {
  Classes out;
  for (unsigned i = 0; i < 64; i += 16) {
    uint32_t words;
    uint32_t marks;
    classify16(at + i, words, marks);
    out.words |= uint64_t{words} << i;
    out.marks |= uint64_t{marks} << i;
  }
  return out;
}

bool is_word_byte(uint8_t c) noexcept {
  return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         c == '_' || c == '$';
}

}  // namespace

uint8_t shape_of_word(uint64_t head, size_t size) noexcept {
  return word_code(ShapeKeywords::table(), head, size);
}

size_t ShapeReader::finish(uint8_t* out) noexcept {
  if (word_size_ == 0) return 0;
  const size_t n = put(shape_of_word(head_, word_size_), out);
  word_size_ = 0;
  head_ = 0;
  return n;
}

size_t ShapeReader::feed(ByteSpan text, uint8_t* out, uint32_t base, std::vector<uint32_t>& ends) {
  size_t n = 0;
  size_t at = 0;
  const auto open_word = [&] {
    while (at < text.size() && is_word_byte(text[at])) {
      if (word_size_ < 8) head_ |= uint64_t{text[at]} << (8 * word_size_);
      ++word_size_;
      ++at;
    }
    if (at < text.size()) n += finish(out + n);
  };
  if (word_size_ > 0) open_word();
  const ShapeKeywords& table = ShapeKeywords::table();
  // A block, and the eight bytes from its last one on, are read at once.
  constexpr size_t kReach = 64 + 8;
  alignas(16) std::array<uint8_t, kReach> copy;
  while (at < text.size()) {
    const uint8_t* block = text.data() + at;
    size_t size = 64;
    if (text.size() - at < kReach) {
      size = std::min<size_t>(64, text.size() - at);
      copy.fill(' ');
      std::memcpy(copy.data(), block, std::min(kReach, text.size() - at));
      block = copy.data();
    }
    const Classes classes = classify(block);
    // A word that reaches the end of the block may go on: the next block begins with it, or, when
    // it is very long or the text ends, it is read byte by byte.
    const uint64_t others = ~classes.words << (64 - size);
    const size_t next = others == 0 ? 0 : size - static_cast<size_t>(__builtin_clzll(others));
    const bool by_byte = next == 0 || (next < size && at + size == text.size());
    const uint64_t before = next == 0 ? 0 : ~uint64_t{0} >> (64 - next);
    const uint64_t words = classes.words & before;
    uint64_t left = (classes.marks & before) | (words & ~(words << 1));
    uint8_t last = last_;
    while (left != 0) {
      const auto i = static_cast<unsigned>(__builtin_ctzll(left));
      left &= left - 1;
      const uint64_t behind = words >> i;
      const uint8_t c = block[i];
      if (c == '\n') {
        ends.push_back(base + static_cast<uint32_t>(n));
        continue;
      }
      uint64_t head;
      std::memcpy(&head, block + i, 8);
      // The bits shifted in are zero: never all ones, but for a whole block of words.
      const auto length = static_cast<size_t>(__builtin_ctzll(~behind));
      const uint8_t word = word_code(table, head, length);
      const uint8_t code = (behind & 1) != 0 ? word : c;
      out[n] = code;
      n += code != kShapeWord || last != kShapeWord ? 1 : 0;
      last = code;
    }
    last_ = last;
    at += next;
    if (by_byte) open_word();
  }
  return n;
}

namespace {

Variety variety_of(ByteSpan shape) noexcept {
  std::array<uint64_t, 4> seen{};
  std::array<uint64_t, 4> triples{};
  for (size_t i = 0; i < shape.size(); ++i) {
    seen[shape[i] >> 6] |= uint64_t{1} << (shape[i] & 63);
    if (i + 3 > shape.size()) continue;
    const uint32_t triple = shape[i] * kTripleFactors[0] + shape[i + 1] * kTripleFactors[1] +
                            shape[i + 2] * kTripleFactors[2];
    const uint32_t bit = (triple * kTripleMix) >> kTripleShift;
    triples[bit >> 6] |= uint64_t{1} << (bit & 63);
  }
  Variety out;
  for (size_t i = 0; i < 4; ++i) {
    out.symbols += static_cast<uint32_t>(__builtin_popcountll(seen[i]));
    out.triples += static_cast<uint32_t>(__builtin_popcountll(triples[i]));
  }
  return out;
}

}  // namespace

bool says_little_of_window(Variety of, uint32_t& variety) noexcept {
  if (of.symbols < 6 || of.triples < 12) return true;
  variety = std::min(kMostRarity, (of.triples - 12) / 2);
  return false;
}

bool says_little_of_pair(Variety of, uint32_t& variety) noexcept {
  if (of.symbols < 5 || of.triples < 8) return true;
  variety = std::min(kMostRarity, (of.triples - 8) / 3);
  return false;
}

static_assert(kShapeWindow == kWindow);
bool shape_says_little(const uint8_t* window, uint32_t& variety) noexcept {
  return says_little_of_window(variety_of({window, kWindow}), variety);
}

bool pair_says_little(ByteSpan shape, uint32_t& variety) noexcept {
  return says_little_of_pair(variety_of(shape), variety);
}

}  // namespace weir::signatures
