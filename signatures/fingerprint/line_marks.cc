#include "signatures/fingerprint/line_marks.h"

#include <emmintrin.h>

#include <cstring>

namespace weir::signatures {
namespace {

bool is_quote(uint8_t c) noexcept { return c == '"' || c == '\'' || c == '`'; }

uint32_t quotes(__m128i bytes) noexcept {
  const __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\''))),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('`')));
  return static_cast<uint32_t>(_mm_movemask_epi8(found));
}

}  // namespace

// Most lines have no quote: 16 bytes at once, the last of them again where they are fewer.
size_t first_quote(ByteSpan s) noexcept {
  const auto load = [&](size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + at));
  };
  size_t at = 0;
  for (; at + 16 <= s.size(); at += 16) {
    if (const uint32_t found = quotes(load(at)); found != 0) {
      return at + static_cast<size_t>(__builtin_ctz(found));
    }
  }
  if (at == s.size()) return at;
  if (s.size() >= 16) {
    const uint32_t found = quotes(load(s.size() - 16));
    return found == 0 ? s.size() : s.size() - 16 + static_cast<size_t>(__builtin_ctz(found));
  }
  while (at < s.size() && !is_quote(s[at])) ++at;
  return at;
}

LineShape line_shape(size_t tokens, uint64_t hash) noexcept {
  LineShape out;
  if (tokens == 0) return out;
  out.tokens = static_cast<uint32_t>(tokens);
  if (tokens <= kLineMax) out.hash = hash;
  out.tag = Fingerprinter::tag(tokens, out.hash);
  return out;
}

LineShape line_shape(const Fingerprinter& fingerprinter, ByteSpan shape) noexcept {
  if (!shape.empty() && shape[0] == kShapeWord) shape = shape.subspan(1);
  const bool hashed = !shape.empty() && shape.size() <= kLineMax;
  return line_shape(shape.size(), hashed ? fingerprinter.line(shape) : 0);
}

namespace {

// Where quotes and backslashes stand in a line.
class Specials {
 public:
  explicit Specials(ByteSpan line) noexcept : size_(line.size()) {
    size_t at = 0;
    for (; at + 16 <= size_; at += 16) {
      put(at, _mm_loadu_si128(reinterpret_cast<const __m128i*>(line.data() + at)));
    }
    if (at == size_) return;
    alignas(16) std::array<uint8_t, 16> tail{};
    std::memcpy(tail.data(), line.data() + at, size_ - at);
    put(at, _mm_load_si128(reinterpret_cast<const __m128i*>(tail.data())));
  }
  // The first one from `at` on; the size when there is none.
  [[nodiscard]] size_t from(size_t at) const noexcept {
    if (at >= size_) return size_;
    size_t word = at / 64;
    uint64_t bits = words_[word] >> (at % 64) << (at % 64);
    while (bits == 0) {
      if (++word * 64 >= size_) return size_;
      bits = words_[word];
    }
    return word * 64 + static_cast<size_t>(__builtin_ctzll(bits));
  }

 private:
  void put(size_t at, __m128i bytes) noexcept {
    const auto slashes =
        static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    if (at % 64 == 0) words_[at / 64] = 0;
    words_[at / 64] |= uint64_t{quotes(bytes) | slashes} << (at % 64);
  }

  size_t size_;
  std::array<uint64_t, kLineMax / 64> words_;
};

}  // namespace

size_t mask_literals(ByteSpan line, MaskedLine& out, LineMarks marks, uint32_t* sum) noexcept {
  if (line.size() > out.size()) return 0;
  const Specials specials(line);
  size_t size = 0;
  size_t copied = 0;  // of the line
  const auto copy_to = [&](size_t end) {
    std::memcpy(out.data() + size, line.data() + copied, end - copied);
    size += end - copied;
    if (marks.bits == nullptr) return;
    for (size_t bit = marks.first + copied; bit < marks.first + end; ++bit) {
      *sum += static_cast<uint32_t>(marks.bits[bit / 64] >> (bit % 64) & 1);
    }
  };
  // A kind of quote that was not closed once is not closed later: so each byte is read once or
  // twice for each kind.
  std::array<bool, 3> dead{};
  bool any = false;
  for (size_t at = specials.from(0); at < line.size();) {
    const uint8_t c = line[at];
    if (c == '\\') {
      at = specials.from(at + 2);
      continue;
    }
    bool& is_dead = dead[c == '"' ? 0 : c == '\'' ? 1 : 2];
    size_t end = line.size();
    if (!is_dead) {
      end = specials.from(at + 1);
      while (end < line.size() && line[end] != c) {
        end = specials.from(end + (line[end] == '\\' ? 2 : 1));
      }
      is_dead = end >= line.size();
    }
    if (end < line.size()) {
      any = any || end > at + 1;
      copy_to(at + 1);
      copied = at = end;
    }
    at = specials.from(at + 1);
  }
  if (!any) return 0;
  copy_to(line.size());
  return size;
}

}  // namespace weir::signatures
