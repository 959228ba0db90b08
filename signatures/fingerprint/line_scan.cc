// A table look-up sorts 64 bytes into classes, each a mask of 64 bits; the rest is arithmetic on
// masks and two compressions. Only lines that may have a prefix (line_prefix) are looked at alone:
// those that begin with a digit, a mark or an L after their indentation, or with a path.
// Shape: words begin where a word byte follows another byte. The heads of eight words at a time are
// moved together by one permutation, cut off at their ends by arithmetic, and looked up together.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined operands of its own vector functions for uninitialised.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "signatures/fingerprint/line_scan.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "signatures/fingerprint/normaliser.h"
#include "signatures/fingerprint/shape.h"
#include "signatures/fingerprint/shape_keywords.h"

// A function's target cannot be told otherwise.
#define WEIR_WIDE \
  __attribute__(( \
      target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,bmi,bmi2,lzcnt,popcnt")))
#define WEIR_INLINE WEIR_WIDE __attribute__((always_inline)) inline

namespace weir::signatures {
namespace {

enum Class : uint8_t {
  kBlank = 1,  // dropped: white space
  kNewline = 2,
  kWord = 4,
  kMark = 8,  // of the shape: neither white space nor in a word
  kDigit = 16,
  kUpper = 32,
  kSpecial = 64,  // may begin a prefix after indentation
  kJoin = 128,    // of a path, but not in a word
};

constexpr std::array<uint8_t, 128> make_classes() {
  std::array<uint8_t, 128> out{};
  for (size_t c = 0; c < 128; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool upper = c >= 'A' && c <= 'Z';
    const bool word = digit || upper || (c >= 'a' && c <= 'z') || c == '_' || c == '$';
    unsigned of = 0;
    if (c == ' ' || (c >= 9 && c <= 13)) of |= kBlank;
    if (c == '\n') of |= kNewline;
    if (word) of |= kWord;
    if (!word && c > ' ') of |= kMark;
    if (digit) of |= kDigit;
    if (upper) of |= kUpper;
    if (std::string_view("0123456789+->L").find(static_cast<char>(c)) != std::string_view::npos) {
      of |= kSpecial;
    }
    if (std::string_view("./-+@\\").find(static_cast<char>(c)) != std::string_view::npos) {
      of |= kJoin;
    }
    out[c] = static_cast<uint8_t>(of);
  }
  return out;
}
alignas(64) constexpr std::array<uint8_t, 128> kClasses = make_classes();

constexpr std::array<uint8_t, 64> make_ascending() {
  std::array<uint8_t, 64> out{};
  for (size_t i = 0; i < 64; ++i) out[i] = static_cast<uint8_t>(i);
  return out;
}
alignas(64) constexpr std::array<uint8_t, 64> kAscending = make_ascending();
// Byte i: i / 8, and i % 8.
constexpr std::array<uint8_t, 64> make_eighths(bool rest) {
  std::array<uint8_t, 64> out{};
  for (size_t i = 0; i < 64; ++i) out[i] = static_cast<uint8_t>(rest ? i % 8 : i / 8);
  return out;
}
alignas(64) constexpr std::array<uint8_t, 64> kLane = make_eighths(false);
alignas(64) constexpr std::array<uint8_t, 64> kInLane = make_eighths(true);

struct Block {
  __m512i raw;
  uint64_t words;
  uint64_t marks;
  uint64_t newlines;
  uint64_t digits;
};

// What is left of the first `from` bits.
constexpr uint64_t from_bit(size_t from) noexcept { return from >= 64 ? 0 : ~uint64_t{0} << from; }

// Line ends, by newlines in the text: what is kept of the text before each.
class Ends {
 public:
  WEIR_INLINE void take(uint64_t newlines, uint64_t kept, uint32_t base,
                        std::vector<uint32_t>& out) noexcept {
    // A few are written always: how many there are in a block cannot be foreseen.
    constexpr size_t kAlways = 4;
    uint32_t* const to = ends_.data() + count_;
    uint64_t left = newlines;
    for (size_t i = 0; i < kAlways; ++i) {
      to[i] = base + static_cast<uint32_t>(_mm_popcnt_u64(kept & (_blsmsk_u64(left) >> 1)));
      left = _blsr_u64(left);
    }
    for (size_t i = kAlways; left != 0; ++i) {
      to[i] = base + static_cast<uint32_t>(_mm_popcnt_u64(kept & (_blsmsk_u64(left) >> 1)));
      left = _blsr_u64(left);
    }
    count_ += static_cast<size_t>(_mm_popcnt_u64(newlines));
    if (count_ >= kKept) flush(out);
  }
  [[gnu::noinline]] void flush(std::vector<uint32_t>& out) {
    out.insert(out.end(), ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(count_));
    count_ = 0;
  }

 private:
  static constexpr size_t kKept = 512;
  size_t count_ = 0;
  std::array<uint32_t, kKept + 64> ends_;
};

// Masks of blocks one after the other, prefixes taken out; normalises them on the way.
class Scan {
 public:
  explicit Scan(ByteSpan text) noexcept : text_(text) {}

  WEIR_INLINE void take(size_t base, const LineScanOutput& normal, Block& block) noexcept {
    const size_t size = std::min<size_t>(64, text_.size() - base);
    const uint64_t valid = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
    const __m512i raw = _mm512_maskz_loadu_epi8(valid, text_.data() + base);
    const uint64_t high = _mm512_movepi8_mask(raw);
    const __m512i low_classes = _mm512_load_si512(kClasses.data());
    const __m512i high_classes = _mm512_load_si512(kClasses.data() + 64);
    const __m512i classes =
        _mm512_mask_mov_epi8(_mm512_permutex2var_epi8(low_classes, raw, high_classes), high,
                             _mm512_set1_epi8(static_cast<char>(kWord)));
    const uint64_t blank = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kBlank));
    const uint64_t newlines = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kNewline));
    const uint64_t words = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kWord));
    const uint64_t special = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kSpecial));
    const uint64_t joins = _mm512_movepi8_mask(classes);

    // First bytes of lines that are not indentation: a carry runs through the blanks.
    const uint64_t starts = newlines << 1 | (line_start_ == base ? 1 : 0);
    const uint64_t indent = blank & ~newlines;
    unsigned long long moved;
    const bool goes_on = __builtin_uaddll_overflow(
        indent, (starts & indent) | (in_indent_ ? indent & 1 : 0), &moved);
    uint64_t firsts = (moved & ~indent) | (starts & ~indent);
    if (in_indent_) firsts |= ~indent & 1;
    in_indent_ = goes_on;
    uint64_t kept = valid & ~blank;
    uint64_t here = ~uint64_t{0};
    if (drop_until_ > base) here = from_bit(drop_until_ - base);
    // Paths begin a prefix where a dot or slash ends their first word: "name(" and the like do not.
    const uint64_t paths = starts & words & ~special;
    unsigned long long path_ends;
    const bool path_goes_on = __builtin_uaddll_overflow(words, paths, &path_ends);
    uint64_t looks = (firsts & special) | (starts & joins);
    if ((path_ends & ~words & joins) != 0 || path_goes_on) looks |= paths;
    while (looks != 0) {
      const auto at = static_cast<size_t>(_tzcnt_u64(looks));
      looks = _blsr_u64(looks);
      const uint64_t before = newlines & ((uint64_t{1} << at) - 1);
      const size_t line = before == 0 ? line_start_ : base + 64 - _lzcnt_u64(before);
      const size_t end = line + look_at(line);
      if (end <= base + at) continue;
      drop_until_ = end;
      here &= ~from_bit(line > base ? line - base : 0) | from_bit(end - base);
    }
    if (newlines != 0) line_start_ = base + 64 - _lzcnt_u64(newlines);
    kept &= here;

    const uint64_t upper = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kUpper));
    const __m512i folded = _mm512_mask_add_epi8(raw, upper, raw, _mm512_set1_epi8(32));
    _mm512_storeu_si512(normal.to + size_, _mm512_maskz_compress_epi8(kept, folded));
    ends_.take(newlines, kept, normal.base + static_cast<uint32_t>(size_), normal.ends);
    size_ += static_cast<size_t>(_mm_popcnt_u64(kept));
    block.raw = raw;
    block.words = words & here;
    block.marks = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kMark)) & here;
    block.newlines = newlines;
    block.digits = _mm512_test_epi8_mask(classes, _mm512_set1_epi8(kDigit));
  }
  void finish(std::vector<uint32_t>& ends) { ends_.flush(ends); }
  [[nodiscard]] size_t size() const noexcept { return size_; }

 private:
  // The line's prefix. Not often called, and large: never inlined.
  [[gnu::noinline]] size_t look_at(size_t line) const noexcept {
    const ByteSpan head = text_.subspan(line, std::min<size_t>(kPrefixWindow, text_.size() - line));
    const void* const newline = std::memchr(head.data(), '\n', head.size());
    return line_prefix(
        newline == nullptr
            ? head
            : head.first(static_cast<size_t>(static_cast<const uint8_t*>(newline) - head.data())));
  }

  ByteSpan text_;
  Ends ends_;
  size_t size_ = 0;        // normalised bytes
  size_t line_start_ = 0;  // of the line that is open at the block's begin
  size_t drop_until_ = 0;
  bool in_indent_ = false;  // it has had blanks only, one at the least
};

class Shape {
 public:
  Shape(const LineScanOutput& out, uint8_t last) noexcept
      : out_(out), table_(ShapeKeywords::table()), word_last_(last == kShapeWord), last_(last) {}

  // Of `block`; words may go on in `next`.
  WEIR_INLINE void take(const Block& block, const Block& next) noexcept {
    const uint64_t starts = block.words & ~(block.words << 1 | (in_word_ ? 1 : 0));
    in_word_ = block.words >> 63 != 0;
    __m512i codes = _mm512_mask_mov_epi8(block.raw, starts, _mm512_set1_epi8(kShapeWord));
    codes = _mm512_mask_mov_epi8(codes, starts & block.digits, _mm512_set1_epi8(kShapeNumber));
    // Keywords have two bytes or more, and the first is no digit.
    const uint64_t goes_on = block.words >> 1 | next.words << 63;
    const uint64_t asked = starts & goes_on & ~block.digits;
    if (asked != 0) {
      const auto count = static_cast<size_t>(_mm_popcnt_u64(asked));
      const __m512i places =
          _mm512_maskz_compress_epi8(asked, _mm512_load_si512(kAscending.data()));
      const __m512i in_word = _mm512_movm_epi8(block.words);
      const __m512i next_in_word = _mm512_movm_epi8(next.words);
      const Words words{places, block.raw, next.raw, in_word, next_in_word};
      // At most 22 words of two bytes begin in a block. No array: it would be read while it is
      // still being written.
      const uint64_t first = keyword_codes(words, 0);
      const uint64_t second = count > 8 ? keyword_codes(words, 8) : 0;
      const uint64_t third = count > 16 ? keyword_codes(words, 16) : 0;
      const __m256i packed =
          _mm256_set_epi64x(0, static_cast<int64_t>(third), static_cast<int64_t>(second),
                            static_cast<int64_t>(first));
      const uint64_t have = (uint64_t{2} << (count - 1)) - 1;
      const __m512i keywords = _mm512_maskz_expand_epi8(
          asked, _mm512_maskz_mov_epi8(have, _mm512_zextsi256_si512(packed)));
      codes = _mm512_mask_mov_epi8(codes, _mm512_test_epi8_mask(keywords, keywords), keywords);
    }
    // A word behind a word is dropped: neighbours are seen once all are moved together.
    const uint64_t tokens = starts | block.marks;
    const auto count = static_cast<size_t>(_mm_popcnt_u64(tokens));
    const __m512i together = _mm512_maskz_compress_epi8(tokens, codes);
    const uint64_t words = _mm512_cmpeq_epi8_mask(together, _mm512_set1_epi8(kShapeWord));
    const uint64_t repeats = words & (words << 1 | (word_last_ ? 1 : 0));
    const uint64_t kept = tokens & ~_pdep_u64(repeats, tokens);
    _mm512_storeu_si512(out_.to + size_, _mm512_maskz_compress_epi8(kept, codes));
    ends_.take(block.newlines, kept, out_.base + static_cast<uint32_t>(size_), out_.ends);
    size_ += static_cast<size_t>(_mm_popcnt_u64(kept));
    if (count > 0) word_last_ = (words >> (count - 1) & 1) != 0;
  }
  void finish() { ends_.flush(out_.ends); }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  // What matters of the last token is whether it is a word.
  [[nodiscard]] uint8_t last() const noexcept { return size_ > 0 ? out_.to[size_ - 1] : last_; }

 private:
  struct Words {
    __m512i places;  // where they begin, a byte each
    __m512i raw, next_raw;
    __m512i in_word, next_in_word;  // bytes of ones
  };
  // Of eight words from number `from` on, a byte each; 0 where it is none.
  WEIR_INLINE uint64_t keyword_codes(const Words& words, int from_word) const noexcept {
    // Byte j of lane k: j bytes behind the start of word from_word + k.
    const __m512i lanes = _mm512_add_epi8(_mm512_load_si512(kLane.data()),
                                          _mm512_set1_epi8(static_cast<char>(from_word)));
    const __m512i from = _mm512_add_epi8(_mm512_permutexvar_epi8(lanes, words.places),
                                         _mm512_load_si512(kInLane.data()));
    const __m512i heads = _mm512_permutex2var_epi8(words.raw, from, words.next_raw);
    const __m512i whole =
        up_to_first_zero(_mm512_permutex2var_epi8(words.in_word, from, words.next_in_word));
    const __m512i behind = _mm512_add_epi8(from, _mm512_set1_epi8(8));
    const __m512i more =
        up_to_first_zero(_mm512_permutex2var_epi8(words.in_word, behind, words.next_in_word));
    const __mmask8 full = _mm512_cmpeq_epi64_mask(whole, _mm512_set1_epi64(-1));
    const __m512i head_bits =
        _mm512_and_si512(whole, _mm512_set1_epi64(static_cast<int64_t>(~ShapeKeywords::kCase)));
    const __m512i tails = _mm512_maskz_and_epi64(
        full, more, _mm512_set1_epi64(static_cast<int64_t>(ShapeKeywords::kMore)));
    const __m512i keys = _mm512_or_si512(_mm512_and_si512(heads, head_bits), tails);
    const __m512i slots = _mm512_srli_epi64(
        _mm512_mullo_epi64(keys, _mm512_set1_epi64(static_cast<int64_t>(table_.multiplier()))),
        ShapeKeywords::kSlotShift);
    const __m512i entries = _mm512_i64gather_epi64(slots, table_.entries(), 8);
    const __m512i high = _mm512_set1_epi64(static_cast<int64_t>(ShapeKeywords::kHigh));
    // As ShapeKeywords::is.
    const __m512i differ = _mm512_or_si512(
        _mm512_andnot_si512(high, _mm512_xor_si512(entries, keys)), _mm512_and_si512(keys, high));
    const __mmask8 same = _mm512_testn_epi64_mask(differ, differ);
    return _mm512_movepi8_mask(_mm512_maskz_mov_epi64(same, entries));
  }
  // Of bytes that are all ones or zero: ones up to the first zero of each lane.
  WEIR_INLINE static __m512i up_to_first_zero(__m512i bytes) noexcept {
    // ~(~b) & (~b - 1)
    const __m512i inverted = _mm512_xor_si512(bytes, _mm512_set1_epi64(-1));
    return _mm512_andnot_si512(inverted, _mm512_add_epi64(inverted, _mm512_set1_epi64(-1)));
  }

  const LineScanOutput& out_;
  Ends ends_;
  const ShapeKeywords& table_;
  size_t size_ = 0;
  bool in_word_ = false;
  bool word_last_;
  uint8_t last_;
};

WEIR_WIDE size_t scan_wide(ByteSpan text, const LineScanOutput& normal) noexcept {
  Scan scan(text);
  Block block;
  for (size_t base = 0; base < text.size(); base += 64) scan.take(base, normal, block);
  scan.finish(normal.ends);
  return scan.size();
}

WEIR_WIDE size_t scan_wide(ByteSpan text, const LineScanOutput& normal, const LineScanOutput& out,
                           uint8_t& last_token, size_t& shape_size) noexcept {
  Scan scan(text);
  Shape shape(out, last_token);
  Block block;
  Block next{};
  scan.take(0, normal, block);
  for (size_t base = 64; base < text.size(); base += 64) {
    scan.take(base, normal, next);
    shape.take(block, next);
    block = next;
  }
  next = Block{};
  shape.take(block, next);
  scan.finish(normal.ends);
  shape.finish();
  last_token = shape.last();
  shape_size = shape.size();
  return scan.size();
}

}  // namespace

bool has_line_scan() noexcept {
  static const bool has = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2");
  }();
  return has;
}

size_t scan_lines(ByteSpan text, const LineScanOutput& normal) noexcept {
  return scan_wide(text, normal);
}

size_t scan_lines(ByteSpan text, const LineScanOutput& normal, const LineScanOutput& shape,
                  uint8_t& last_token, size_t& shape_size) noexcept {
  return scan_wide(text, normal, shape, last_token, shape_size);
}

}  // namespace weir::signatures
