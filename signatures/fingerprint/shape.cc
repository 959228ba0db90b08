#include "signatures/fingerprint/shape.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "signatures/fingerprint/fingerprint.h"

namespace weir::signatures {
namespace {

// Words of the languages themselves, and their basic types; not those of libraries.
constexpr std::array<std::string_view, 118> kKeywords{
    "abstract",   "always",     "and",       "any",      "as",       "assert",    "assign",
    "async",      "auto",       "await",     "begin",    "bool",     "boolean",   "break",
    "byte",       "case",       "catch",     "char",     "class",    "const",     "constexpr",
    "continue",   "crate",      "def",       "default",  "defer",    "define",    "del",
    "delete",     "do",         "double",    "elif",     "else",     "elsif",     "end",
    "endif",      "enum",       "except",    "export",   "extends",  "extern",    "false",
    "final",      "finally",    "float",     "fn",       "for",      "foreach",   "from",
    "func",       "function",   "global",    "go",       "goto",     "if",        "ifdef",
    "impl",       "implements", "import",    "in",       "include",  "inline",    "input",
    "instanceof", "int",        "interface", "internal", "is",       "lambda",    "let",
    "long",       "match",      "mod",       "module",   "mut",      "namespace", "new",
    "nil",        "none",       "not",       "null",     "nullptr",  "operator",  "or",
    "out",        "output",     "override",  "package",  "pass",     "private",   "protected",
    "pub",        "public",     "raise",     "readonly", "reg",      "return",    "self",
    "short",      "signed",     "sizeof",    "static",   "string",   "struct",    "super",
    "switch",     "template",   "this",      "throw",    "throws",   "true",      "try",
    "typedef",    "typename",   "typeof",    "union",    "unsigned", "use"};
constexpr std::array<std::string_view, 8> kMoreKeywords{"using", "var",   "virtual", "void",
                                                        "while", "where", "with",    "yield"};
static_assert(kKeywords.size() + kMoreKeywords.size() <= 0x7f);

constexpr uint64_t kFold = 0x2020202020202020ULL;

// Keywords by their first eight bytes, folded, and their length.
class Keywords {
 public:
  Keywords() {
    uint8_t code = kShapeKeywords;
    for (const std::string_view word : kKeywords) add(word, code++);
    for (const std::string_view word : kMoreKeywords) add(word, code++);
  }
  [[nodiscard]] uint8_t code(uint64_t head, size_t size) const noexcept {
    size_t at = slot(head, size);
    while (slots_[at].size != 0) {
      if (slots_[at].head == head && slots_[at].size == size) return slots_[at].code;
      at = (at + 1) % kSlots;
    }
    return kShapeWord;
  }

 private:
  static constexpr size_t kSlots = 1024;
  struct Slot {
    uint64_t head = 0;
    uint8_t size = 0;
    uint8_t code = 0;
  };
  static size_t slot(uint64_t head, size_t size) noexcept {
    return static_cast<size_t>((head ^ size) * 0x9e3779b97f4a7c15ULL >> 54);
  }
  void add(std::string_view word, uint8_t code) {
    uint64_t head = 0;
    std::memcpy(&head, word.data(), std::min<size_t>(8, word.size()));
    if (word.size() < 8) head &= (uint64_t{1} << (8 * word.size())) - 1;
    size_t at = slot(head, word.size());
    while (slots_[at].size != 0) at = (at + 1) % kSlots;
    slots_[at] = {head, static_cast<uint8_t>(word.size()), code};
  }
  std::array<Slot, kSlots> slots_{};
};
const Keywords kTable;

constexpr size_t kLongestKeyword = 10;

__m128i in_range(__m128i bytes, char first, char count) noexcept {
  const __m128i moved = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(moved, _mm_set1_epi8(static_cast<char>(count - 1))), moved);
}

// Which of 16 bytes belong to words, and which are white space or control characters.
void classify16(const uint8_t* at, uint32_t& words, uint32_t& blanks) noexcept {
  const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i letters = in_range(_mm_or_si128(raw, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i digits = in_range(raw, '0', 10);
  const __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(raw, _mm_set1_epi8('_')),
                                     _mm_cmpeq_epi8(raw, _mm_set1_epi8('$')));
  const __m128i high = _mm_cmplt_epi8(raw, _mm_setzero_si128());
  words = static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letters, digits), _mm_or_si128(marks, high))));
  blanks = static_cast<uint32_t>(_mm_movemask_epi8(in_range(raw, 0, 0x21)));
}

struct Classes {
  uint64_t words = 0;
  uint64_t tokens = 0;  // not blank
};
// Of up to 64 bytes; those behind are blank.
Classes classify(const uint8_t* at, size_t size) noexcept {
  alignas(16) std::array<uint8_t, 64> padded;
  if (size < 64) {
    padded.fill(' ');
    std::memcpy(padded.data(), at, size);
    at = padded.data();
  }
  Classes out;
  for (unsigned i = 0; i < 64; i += 16) {
    uint32_t words;
    uint32_t blanks;
    classify16(at + i, words, blanks);
    out.words |= uint64_t{words} << i;
    out.tokens |= uint64_t{~blanks & 0xffffU} << i;
  }
  return out;
}

bool is_word_byte(uint8_t c) noexcept {
  return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
         c == '_' || c == '$';
}

}  // namespace

uint8_t shape_of_word(uint64_t head, size_t size) noexcept {
  const auto first = static_cast<uint8_t>(head);
  if (first >= '0' && first <= '9') return kShapeNumber;
  if (size < 2 || size > kLongestKeyword) return kShapeWord;
  const uint64_t mask = size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
  return kTable.code((head | kFold) & mask, size);
}

size_t ShapeReader::end_word(uint8_t* out) noexcept {
  if (word_size_ == 0) return 0;
  const size_t size = word_size_;
  const uint64_t head = head_;
  word_size_ = 0;
  head_ = 0;
  return put(shape_of_word(head, size), out);
}

size_t ShapeReader::end_line(uint8_t* out) noexcept { return end_word(out); }

size_t ShapeReader::feed(ByteSpan text, uint8_t* out) noexcept {
  size_t n = 0;
  size_t at = 0;
  if (word_size_ > 0) {
    while (at < text.size() && is_word_byte(text[at])) {
      if (word_size_ < 8) head_ |= uint64_t{text[at]} << (8 * word_size_);
      ++word_size_;
      ++at;
    }
    if (at == text.size()) return 0;
    n += end_word(out);
  }
  while (at < text.size()) {
    const size_t size = std::min<size_t>(64, text.size() - at);
    const Classes classes = classify(text.data() + at, size);
    const uint64_t starts = classes.words & ~(classes.words << 1);
    uint64_t left = (classes.tokens & ~classes.words) | starts;
    size_t next = at + size;
    while (left != 0) {
      const auto i = static_cast<unsigned>(__builtin_ctzll(left));
      left &= left - 1;
      const uint8_t c = text[at + i];
      if ((classes.words >> i & 1) == 0) {
        n += put(c, out + n);
        continue;
      }
      const uint64_t behind = ~(classes.words >> i);  // not 0 unless the word fills the block
      const size_t length = behind == 0 ? 64 : static_cast<size_t>(__builtin_ctzll(behind));
      if (i + length >= size) {
        // It may go on. Look at it again from its start, or read it to its end byte by byte.
        if (i > 0 && at + size < text.size()) {
          next = at + i;
        } else {
          size_t end = at + i;
          while (end < text.size() && is_word_byte(text[end])) {
            if (word_size_ < 8) head_ |= uint64_t{text[end]} << (8 * word_size_);
            ++word_size_;
            ++end;
          }
          next = end;
          if (end < text.size()) n += end_word(out + n);
        }
        break;
      }
      uint64_t head = 0;
      if (at + i + 8 <= text.size()) {
        std::memcpy(&head, text.data() + at + i, 8);
      } else {
        std::memcpy(&head, text.data() + at + i, std::min<size_t>(8, length));
      }
      n += put(shape_of_word(head, length), out + n);
    }
    at = next;
  }
  return n;
}

bool shape_says_little(const uint8_t* window, uint32_t& variety) noexcept {
  std::array<uint64_t, 4> seen{};
  std::array<uint64_t, 4> triples{};
  for (size_t i = 0; i < kWindow; ++i) {
    seen[window[i] >> 6] |= uint64_t{1} << (window[i] & 63);
    if (i + 3 > kWindow) continue;
    const uint32_t triple =
        window[i] * 0x10dcdU + window[i + 1] * 0x2545fU + window[i + 2] * 0x9e377U;
    const uint32_t bit = (triple * 0x9e3779b1U) >> 24;
    triples[bit >> 6] |= uint64_t{1} << (bit & 63);
  }
  unsigned symbols = 0;
  unsigned different = 0;
  for (size_t i = 0; i < 4; ++i) {
    symbols += static_cast<unsigned>(__builtin_popcountll(seen[i]));
    different += static_cast<unsigned>(__builtin_popcountll(triples[i]));
  }
  if (symbols < 6 || different < 12) return true;
  variety = std::min(3U, (different - 12) / 4);
  return false;
}

}  // namespace weir::signatures
