// Hashes of many lines at once: eight lines stand in the eight lanes of a register, word by word.
// Products of 64 by 64 bits are made of four of 32 by 32. Lines longer than 64 bytes, the last few,
// and other machines go line by line: the same result.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined operands of its own vector functions for uninitialised.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include <algorithm>

#include "signatures/fingerprint/fingerprint.h"

// A function's target cannot be told otherwise.
#define WEIR_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define WEIR_INLINE WEIR_WIDE __attribute__((always_inline)) inline

namespace weir::signatures {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kWideLine = 64;

bool has_wide() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
const bool kWide = has_wide();

WEIR_INLINE __m512i set(uint64_t word) noexcept {
  return _mm512_set1_epi64(static_cast<int64_t>(word));
}

WEIR_INLINE __m512i fold8(__m512i a, __m512i b) noexcept {
  const __m512i a_high = _mm512_srli_epi64(a, 32);
  const __m512i b_high = _mm512_srli_epi64(b, 32);
  const __m512i low = _mm512_mul_epu32(a, b);
  const __m512i one = _mm512_add_epi64(_mm512_mul_epu32(a_high, b), _mm512_srli_epi64(low, 32));
  const __m512i two = _mm512_add_epi64(_mm512_mul_epu32(a, b_high),
                                       _mm512_and_si512(one, _mm512_set1_epi64(0xffffffff)));
  const __m512i high = _mm512_add_epi64(
      _mm512_add_epi64(_mm512_mul_epu32(a_high, b_high), _mm512_srli_epi64(one, 32)),
      _mm512_srli_epi64(two, 32));
  return _mm512_xor_si512(high, _mm512_mullo_epi64(a, b));
}

WEIR_INLINE __m512i mix(__m512i a, __m512i b) noexcept { return _mm512_xor_si512(a, b); }

WEIR_INLINE __m512i widen8(const uint32_t* from) noexcept {
  return _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

// Word by word: words[i] has word i of each line.
WEIR_INLINE void load_words(const uint8_t* base, const uint32_t* begins, __m512i* words) noexcept {
  __m512i even[4];
  __m512i odd[4];
  for (size_t i = 0; i < 4; ++i) {
    even[i] = _mm512_unpacklo_epi64(_mm512_loadu_si512(base + begins[2 * i]),
                                    _mm512_loadu_si512(base + begins[2 * i + 1]));
    odd[i] = _mm512_unpackhi_epi64(_mm512_loadu_si512(base + begins[2 * i]),
                                   _mm512_loadu_si512(base + begins[2 * i + 1]));
  }
  for (size_t i = 0; i < 2; ++i) {
    const __m512i* const from = i == 0 ? even : odd;
    const __m512i a = _mm512_shuffle_i64x2(from[0], from[1], 0x88);
    const __m512i b = _mm512_shuffle_i64x2(from[2], from[3], 0x88);
    const __m512i c = _mm512_shuffle_i64x2(from[0], from[1], 0xdd);
    const __m512i d = _mm512_shuffle_i64x2(from[2], from[3], 0xdd);
    words[i] = _mm512_shuffle_i64x2(a, b, 0x88);
    words[4 + i] = _mm512_shuffle_i64x2(a, b, 0xdd);
    words[2 + i] = _mm512_shuffle_i64x2(c, d, 0x88);
    words[6 + i] = _mm512_shuffle_i64x2(c, d, 0xdd);
  }
}

WEIR_INLINE __m512i two_windows(const uint8_t* one, const uint8_t* other) noexcept {
  const auto load = [](const uint8_t* at) { return reinterpret_cast<const __m256i*>(at); };
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(load(one))),
                            _mm256_loadu_si256(load(other)), 1);
}

// The same of windows: words[0] to words[3].
WEIR_INLINE void load_windows(const uint8_t* base, const uint32_t* at, __m512i* words) noexcept {
  const __m512i a = two_windows(base + at[0], base + at[2]);
  const __m512i b = two_windows(base + at[1], base + at[3]);
  const __m512i c = two_windows(base + at[4], base + at[6]);
  const __m512i d = two_windows(base + at[5], base + at[7]);
  const __m512i even_low = _mm512_unpacklo_epi64(a, b);
  const __m512i even_high = _mm512_unpacklo_epi64(c, d);
  const __m512i odd_low = _mm512_unpackhi_epi64(a, b);
  const __m512i odd_high = _mm512_unpackhi_epi64(c, d);
  words[0] = _mm512_shuffle_i64x2(even_low, even_high, 0x88);
  words[1] = _mm512_shuffle_i64x2(odd_low, odd_high, 0x88);
  words[2] = _mm512_shuffle_i64x2(even_low, even_high, 0xdd);
  words[3] = _mm512_shuffle_i64x2(odd_low, odd_high, 0xdd);
}

}  // namespace

WEIR_WIDE void Fingerprinter::lines_wide(const uint8_t* base, const uint32_t* begins,
                                         const uint32_t* ends, size_t eights,
                                         uint64_t* out) const noexcept {
  const __m512i s0 = set(secrets_[0]);
  const __m512i s1 = set(secrets_[1]);
  const __m512i s2 = set(secrets_[2]);
  const __m512i s3 = set(secrets_[3]);
  const __m512i s5 = set(secrets_[5]);
  const __m512i s6 = set(secrets_[6]);
  const __m512i s7 = set(secrets_[7]);
  for (size_t at = 0; at < kLanes * eights; at += kLanes) {
    __m512i w[8];
    load_words(base, begins + at, w);
    const __m512i size = _mm512_sub_epi64(widen8(ends + at), widen8(begins + at));
    const __mmask8 over16 = _mm512_cmpgt_epu64_mask(size, _mm512_set1_epi64(16));
    const __mmask8 over32 = _mm512_cmpgt_epu64_mask(size, _mm512_set1_epi64(32));
    const __mmask8 over48 = _mm512_cmpgt_epu64_mask(size, _mm512_set1_epi64(48));
    // As line(): whole words of 16 bytes, then 1 to 16 bytes, none of an empty line.
    __m512i h = mix(s7, size);
    h = _mm512_mask_mov_epi64(h, over16, fold8(mix(w[0], s0), mix(mix(w[1], s1), h)));
    h = _mm512_mask_mov_epi64(h, over32, fold8(mix(w[2], s0), mix(mix(w[3], s1), h)));
    if (over48 != 0) {
      h = _mm512_mask_mov_epi64(h, over48, fold8(mix(w[4], s0), mix(mix(w[5], s1), h)));
    }
    __m512i x = _mm512_mask_mov_epi64(w[0], over16, w[2]);
    __m512i y = _mm512_mask_mov_epi64(w[1], over16, w[3]);
    x = _mm512_mask_mov_epi64(x, over32, w[4]);
    y = _mm512_mask_mov_epi64(y, over32, w[5]);
    x = _mm512_mask_mov_epi64(x, over48, w[6]);
    y = _mm512_mask_mov_epi64(y, over48, w[7]);
    const __m512i sixteen = _mm512_set1_epi64(16);
    __m512i left = _mm512_mask_sub_epi64(size, over16, size, sixteen);
    left = _mm512_mask_sub_epi64(left, over32, left, sixteen);
    left = _mm512_mask_sub_epi64(left, over48, left, sixteen);
    // Shifts by 64 and more give zero.
    const __m512i bits = _mm512_slli_epi64(left, 3);
    const __m512i low = _mm512_andnot_si512(_mm512_sllv_epi64(set(~uint64_t{0}), bits), x);
    const __mmask8 over8 = _mm512_cmpgt_epu64_mask(left, _mm512_set1_epi64(8));
    const __m512i high = _mm512_maskz_or_epi64(
        over8, _mm512_srlv_epi64(x, _mm512_sub_epi64(bits, _mm512_set1_epi64(64))),
        _mm512_sllv_epi64(y, _mm512_sub_epi64(_mm512_set1_epi64(128), bits)));
    h = fold8(mix(low, s2), mix(mix(high, s3), h));
    _mm512_storeu_si512(out + at, fold8(mix(h, s5), s6));
    for (unsigned wide = _mm512_cmpgt_epu64_mask(size, _mm512_set1_epi64(kWideLine)); wide != 0;
         wide &= wide - 1) {
      const size_t i = at + static_cast<size_t>(__builtin_ctz(wide));
      out[i] = line({base + begins[i], ends[i] - begins[i]});
    }
  }
}

WEIR_WIDE void Fingerprinter::combine_wide(const uint64_t* first, const uint64_t* second,
                                           uint64_t flip, size_t eights,
                                           uint64_t* out) const noexcept {
  const __m512i s1 = set(secrets_[1]);
  const __m512i s4 = set(secrets_[4]);
  const __m512i s8 = set(secrets_[8]);
  const __m512i s9 = set(secrets_[9] ^ flip);
  for (size_t at = 0; at < kLanes * eights; at += kLanes) {
    const __m512i a = _mm512_loadu_si512(first + at);
    const __m512i b = _mm512_loadu_si512(second + at);
    _mm512_storeu_si512(out + at, fold8(mix(fold8(mix(a, s8), s1), s4), mix(b, s9)));
  }
}

// As window(), and on top of it as shape() does.
WEIR_WIDE void Fingerprinter::windows_wide(const uint8_t* base, const uint32_t* at, size_t eights,
                                           bool of_shape, uint64_t* out) const noexcept {
  const __m512i s0 = set(secrets_[0]);
  const __m512i s1 = set(secrets_[1]);
  const __m512i s2 = set(secrets_[2]);
  const __m512i s3 = set(secrets_[3]);
  const __m512i s4 = set(secrets_[4]);
  const __m512i s8 = set(secrets_[8]);
  const __m512i s9 = set(secrets_[9]);
  for (size_t i = 0; i < kLanes * eights; i += kLanes) {
    __m512i w[4];
    load_windows(base, at + i, w);
    const __m512i a = fold8(mix(w[0], s0), mix(w[1], s1));
    const __m512i b = fold8(mix(w[2], s2), mix(w[3], s3));
    __m512i h = fold8(mix(a, s8), mix(b, s9));
    if (of_shape) h = fold8(mix(h, s4), s9);
    _mm512_storeu_si512(out + i, h);
  }
}

void Fingerprinter::windows(const uint8_t* base, const uint32_t* at, size_t count, bool of_shape,
                            uint64_t* out) const noexcept {
  size_t i = 0;
  if (kWide) {
    windows_wide(base, at, count / kLanes, of_shape, out);
    i = count - count % kLanes;
  }
  for (; i < count; ++i) out[i] = of_shape ? shape(base + at[i]) : window(base + at[i]);
}

void Fingerprinter::lines(const uint8_t* base, const uint32_t* begins, const uint32_t* ends,
                          size_t count, uint64_t* out) const noexcept {
  size_t i = 0;
  if (kWide) {
    lines_wide(base, begins, ends, count / kLanes, out);
    i = count - count % kLanes;
  }
  for (; i < count; ++i) {
    const size_t size = ends[i] - begins[i];
    out[i] = begins[i] >= 8 ? line_within(base + begins[i], size) : line({base + begins[i], size});
  }
}

void Fingerprinter::combine_each(const uint64_t* first, const uint64_t* second, uint64_t flip,
                                 size_t count, uint64_t* out) const noexcept {
  size_t i = 0;
  if (kWide) {
    combine_wide(first, second, flip, count / kLanes, out);
    i = count - count % kLanes;
  }
  for (; i < count; ++i) out[i] = combine(first[i], second[i] ^ flip);
}

}  // namespace weir::signatures
