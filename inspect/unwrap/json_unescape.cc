#include "inspect/unwrap/json_unescape.h"

#include <immintrin.h>

#include <array>

namespace weir::inspect {
namespace {

constexpr std::array<uint8_t, 256> make_simple() {
  std::array<uint8_t, 256> table{};
  table['"'] = '"';
  table['\\'] = '\\';
  table['/'] = '/';
  table['b'] = '\b';
  table['f'] = '\f';
  table['n'] = '\n';
  table['r'] = '\r';
  table['t'] = '\t';
  return table;
}

constexpr std::array<uint8_t, 256> make_hex() {
  std::array<uint8_t, 256> table{};
  for (auto& entry : table) entry = 255;
  for (uint8_t i = 0; i < 10; ++i) table['0' + i] = i;
  for (uint8_t i = 0; i < 6; ++i) {
    table['a' + i] = static_cast<uint8_t>(10 + i);
    table['A' + i] = static_cast<uint8_t>(10 + i);
  }
  return table;
}

constexpr auto kSimple = make_simple();
constexpr auto kHex = make_hex();

// The escape at c.in (a backslash). False: not one that can be resolved here.
inline bool take_escape(UnescapeCursor& c) noexcept {
  const auto left = c.in_end - c.in;
  if (left < 2) return false;
  const uint8_t simple = kSimple[c.in[1]];
  if (simple != 0) {
    *c.out++ = simple;
    c.in += 2;
    return true;
  }
  if (c.in[1] != 'u' || left < 6) return false;
  uint32_t code = 0;
  for (int i = 2; i < 6; ++i) {
    const uint8_t digit = kHex[c.in[i]];
    if (digit > 15) return false;
    code = code << 4 | digit;
  }
  if (code >= 0xD800 && code <= 0xDFFF) return false;
  c.out += put_utf8(code, c.out);
  c.in += 6;
  return true;
}

// The end of the input, shorter than a vector.
inline UnescapeStop finish(UnescapeCursor& c, bool through_quotes) noexcept {
  while (c.in < c.in_end) {
    if (c.out >= c.out_end) return UnescapeStop::kOutput;
    const uint8_t byte = *c.in;
    if (byte == '\\') {
      if (!take_escape(c)) return UnescapeStop::kEscape;
    } else if (byte == '"' && !through_quotes) {
      return UnescapeStop::kQuote;
    } else {
      *c.out++ = byte;
      ++c.in;
    }
  }
  return UnescapeStop::kInput;
}

__attribute__((target("avx2"))) UnescapeStop unescape_avx2(UnescapeCursor& cursor,
                                                           bool through_quotes) noexcept {
  UnescapeCursor c = cursor;
  const __m256i quote = _mm256_set1_epi8(through_quotes ? '\\' : '"');
  const __m256i backslash = _mm256_set1_epi8('\\');
  UnescapeStop stop = UnescapeStop::kInput;
  for (;;) {
    if (c.in_end - c.in < 32) {
      stop = finish(c, through_quotes);
      break;
    }
    if (c.out >= c.out_end) {
      stop = UnescapeStop::kOutput;
      break;
    }
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(c.in));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c.out), block);
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(
        _mm256_or_si256(_mm256_cmpeq_epi8(block, quote), _mm256_cmpeq_epi8(block, backslash))));
    if (mask == 0) {
      c.in += 32;
      c.out += 32;
      continue;
    }
    const auto run = __builtin_ctz(mask);
    c.in += run;
    c.out += run;
    if (*c.in == '"') {
      stop = UnescapeStop::kQuote;
      break;
    }
    if (!take_escape(c)) {
      stop = UnescapeStop::kEscape;
      break;
    }
  }
  cursor = c;
  return stop;
}

}  // namespace

UnescapeStop unescape_sse2(UnescapeCursor& cursor, bool through_quotes) noexcept {
  UnescapeCursor c = cursor;
  const __m128i quote = _mm_set1_epi8(through_quotes ? '\\' : '"');
  const __m128i backslash = _mm_set1_epi8('\\');
  UnescapeStop stop = UnescapeStop::kInput;
  for (;;) {
    if (c.in_end - c.in < 16) {
      stop = finish(c, through_quotes);
      break;
    }
    if (c.out >= c.out_end) {
      stop = UnescapeStop::kOutput;
      break;
    }
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(c.in));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(c.out), block);
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash))));
    if (mask == 0) {
      c.in += 16;
      c.out += 16;
      continue;
    }
    const auto run = __builtin_ctz(mask);
    c.in += run;
    c.out += run;
    if (*c.in == '"') {
      stop = UnescapeStop::kQuote;
      break;
    }
    if (!take_escape(c)) {
      stop = UnescapeStop::kEscape;
      break;
    }
  }
  cursor = c;
  return stop;
}

UnescapeLoop pick_unescape_loop() noexcept {
  return __builtin_cpu_supports("avx2") ? unescape_avx2 : unescape_sse2;
}

uint8_t simple_escape(uint8_t c) noexcept { return kSimple[c]; }
uint8_t hex_value(uint8_t c) noexcept { return kHex[c]; }

size_t put_utf8(uint32_t code, uint8_t* out) noexcept {
  if (code < 0x80) {
    out[0] = static_cast<uint8_t>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<uint8_t>(0xC0 | code >> 6);
    out[1] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<uint8_t>(0xE0 | code >> 12);
    out[1] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
    out[2] = static_cast<uint8_t>(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = static_cast<uint8_t>(0xF0 | code >> 18);
  out[1] = static_cast<uint8_t>(0x80 | (code >> 12 & 0x3F));
  out[2] = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
  out[3] = static_cast<uint8_t>(0x80 | (code & 0x3F));
  return 4;
}

}  // namespace weir::inspect
