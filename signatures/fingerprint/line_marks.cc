#include "signatures/fingerprint/line_marks.h"

#include <emmintrin.h>

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

LineShape line_shape(const Fingerprinter& fingerprinter, ByteSpan shape) noexcept {
  if (!shape.empty() && shape[0] == kShapeWord) shape = shape.subspan(1);
  LineShape out;
  if (shape.empty()) return out;
  out.tokens = static_cast<uint32_t>(shape.size());
  if (shape.size() <= kLineMax) {
    out.hash = fingerprinter.line(shape);
  }
  out.tag = Fingerprinter::tag(shape.size(), out.hash);
  return out;
}

size_t mask_literals(ByteSpan line, MaskedLine& out, LineMarks marks, uint32_t* sum) noexcept {
  if (line.size() > out.size()) return 0;
  const size_t first = first_quote(line);
  if (first == line.size()) return 0;
  // A kind of quote that was not closed once is not closed later: so each byte is read once or
  // twice for each kind.
  std::array<bool, 256> dead{};
  bool any = false;
  size_t size = 0;
  const auto keep = [&](size_t at) {
    out[size++] = line[at];
    if (marks.bits == nullptr) return;
    const size_t bit = marks.first + at;
    *sum += static_cast<uint32_t>(marks.bits[bit / 64] >> (bit % 64) & 1);
  };
  for (size_t at = 0; at < line.size(); ++at) {
    const uint8_t c = line[at];
    keep(at);
    if (c == '\\' && at + 1 < line.size()) {
      keep(++at);
      continue;
    }
    if (at < first || !is_quote(c) || dead[c]) continue;
    size_t end = at + 1;
    while (end < line.size() && line[end] != c) end += line[end] == '\\' ? 2 : 1;
    if (end >= line.size()) {
      dead[c] = true;
      continue;
    }
    any = any || end > at + 1;
    at = end;
    keep(at);
  }
  return any ? size : 0;
}

}  // namespace weir::signatures
