#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined operands of its own vector functions for uninitialised.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "signatures/fingerprint/fingerprint.h"

#include <immintrin.h>

#include <algorithm>

namespace weir::signatures {
namespace {

constexpr uint64_t kHashLabel = 0x77656972'68617368ULL;

// Byte j of lane k: place k + j.
constexpr std::array<uint8_t, 64> make_spread() {
  std::array<uint8_t, 64> out{};
  for (size_t i = 0; i < 64; ++i) out[i] = static_cast<uint8_t>(i / 8 + i % 8);
  return out;
}
alignas(64) constexpr std::array<uint8_t, 64> kSpread = make_spread();
alignas(64) constexpr std::array<uint32_t, 16> kAscending{0, 1, 2,  3,  4,  5,  6,  7,
                                                          8, 9, 10, 11, 12, 13, 14, 15};

bool has_wide() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

}  // namespace

Fingerprinter::Fingerprinter(const SiteKey& key) noexcept {
  for (size_t i = 0; i < 5; ++i) {
    const HashKey part = key.derive(kHashLabel + i);
    secrets_[2 * i] = part.words[0];
    secrets_[2 * i + 1] = part.words[1];
  }
  anchor_multiplier_ = key.derive(kHashLabel + 5).words[0] | 1;
}

void Fingerprinter::anchors(ByteSpan bytes, size_t from, std::vector<uint32_t>& out,
                            uint32_t bits) const {
  static const bool wide = has_wide();
  if (wide) {
    anchors_wide(bytes, from, out, bits);
  } else {
    anchors_one_by_one(bytes, from, out, bits);
  }
}

void Fingerprinter::anchors_one_by_one(ByteSpan bytes, size_t from, std::vector<uint32_t>& out,
                                       uint32_t bits) const {
  if (bytes.size() < kWindow || from > bytes.size() - kWindow) return;
  const size_t last = bytes.size() - kWindow;
  size_t count = out.size();
  // In steps, so that the room asked for stays near what is used.
  constexpr size_t kStep = 4096;
  for (size_t begin = from; begin <= last; begin += kStep) {
    const size_t end = std::min(begin + kStep, last + 1);
    out.resize(count + (end - begin));
    uint32_t* to = out.data();
    for (size_t i = begin; i < end; ++i) {
      to[count] = static_cast<uint32_t>(i);
      count += is_anchor(bytes.data() + i, bits) ? 1 : 0;
    }
  }
  out.resize(count);
}

// 64 places a step: the eight bytes at eight places are moved into eight lanes and multiplied.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi,popcnt"))) void
Fingerprinter::anchors_wide(ByteSpan bytes, size_t from, std::vector<uint32_t>& out,
                            uint32_t bits) const {
  if (bytes.size() < kWindow || from > bytes.size() - kWindow) return;
  const size_t places = bytes.size() - kWindow + 1;
  const __m512i spread = _mm512_load_si512(kSpread.data());
  const __m512i multiplier = _mm512_set1_epi64(static_cast<int64_t>(anchor_multiplier_));
  const __m512i top = _mm512_set1_epi64(static_cast<int64_t>(~uint64_t{0} << (64 - bits)));
  const __m512i ascending = _mm512_load_si512(kAscending.data());
  size_t count = out.size();
  size_t at = from;
  // In steps, so that the room asked for stays near what is used.
  constexpr size_t kStep = 4096;
  while (at < places) {
    const size_t stop = std::min(places, at + kStep);
    out.resize(count + (stop - at) + 64);
    uint32_t* const to = out.data();
    for (; at < stop; at += 64) {
      const uint8_t* const here = bytes.data() + at;
      const size_t left = stop - at;
      uint64_t found = 0;
      // Every place has kWindow bytes, so eight places have more than the sixteen read here.
      for (size_t i = 0; i < 64; i += 8) {
        if (i >= left) break;
        const __m128i raw = _mm_loadu_si128(reinterpret_cast<const __m128i*>(here + i));
        const __m512i eight = _mm512_permutexvar_epi8(spread, _mm512_castsi128_si512(raw));
        const __m512i product = _mm512_mullo_epi64(eight, multiplier);
        found |= uint64_t{_mm512_testn_epi64_mask(product, top)} << i;
      }
      if (left < 64) found &= (uint64_t{1} << left) - 1;
      for (size_t i = 0; i < 64; i += 16) {
        const auto sixteen = static_cast<__mmask16>(found >> i);
        const __m512i place =
            _mm512_add_epi32(ascending, _mm512_set1_epi32(static_cast<int32_t>(at + i)));
        _mm512_storeu_si512(to + count, _mm512_maskz_compress_epi32(sixteen, place));
        count += static_cast<size_t>(_mm_popcnt_u32(sixteen));
      }
    }
    at = stop;
  }
  out.resize(count);
}

uint64_t Fingerprinter::line(ByteSpan s) const noexcept {
  uint64_t h = secrets_[7] ^ s.size();
  const uint8_t* at = s.data();
  size_t left = s.size();
  while (left > 16) {
    h = fold(load(at) ^ secrets_[0], load(at + 8) ^ secrets_[1] ^ h);
    at += 16;
    left -= 16;
  }
  uint64_t low = 0;
  uint64_t high = 0;
  if (left > 8) {
    low = load(at);
    high = load(at + left - 8);
  } else if (left > 0) {
    std::memcpy(&low, at, left);
  }
  h = fold(low ^ secrets_[2], high ^ secrets_[3] ^ h);
  return fold(h ^ secrets_[5], secrets_[6]);
}

namespace {

constexpr size_t kFewDifferent = 7;
constexpr size_t kFewLetters = 3;

// Letters, but not those of hexadecimal tables.
constexpr std::array<uint8_t, 256> kTelling = [] {
  std::array<uint8_t, 256> out{};
  for (size_t c = 0; c < 256; ++c) out[c] = (c > 'f' && c <= 'z' && c != 'x') || c >= 0x80 ? 1 : 0;
  return out;
}();

// Most text is cleared by its first bytes: of 16, how many differ in their low six bits, which is
// no more than how many differ.
bool clears(const uint8_t* s) noexcept {
  uint64_t seen = 0;
  size_t letters = 0;
  for (size_t i = 0; i < 16; ++i) {
    seen |= uint64_t{1} << (s[i] & 63);
    letters += kTelling[s[i]];
  }
  return static_cast<size_t>(__builtin_popcountll(seen)) >= kFewDifferent && letters >= kFewLetters;
}

}  // namespace

bool low_in_entropy(ByteSpan s) noexcept {
  if (s.size() >= 16 && clears(s.data())) return false;
  std::array<uint64_t, 4> seen{};
  size_t letters = 0;
  // Both can only rise.
  for (size_t at = 0; at < s.size(); at += 8) {
    for (const uint8_t c : s.subspan(at, std::min<size_t>(8, s.size() - at))) {
      seen[c >> 6] |= uint64_t{1} << (c & 63);
      letters += kTelling[c];
    }
    size_t different = 0;
    for (const uint64_t word : seen) different += static_cast<size_t>(__builtin_popcountll(word));
    if (different >= kFewDifferent && letters >= kFewLetters) return false;
  }
  return true;
}

bool has_different_bytes(ByteSpan s, size_t least) noexcept {
  if (s.size() >= 16) {
    // Those that differ in their low six bits are no more.
    uint64_t few = 0;
    for (size_t i = 0; i < 16; ++i) few |= uint64_t{1} << (s[i] & 63);
    if (static_cast<size_t>(__builtin_popcountll(few)) >= least) return true;
  }
  std::array<uint64_t, 4> seen{};
  size_t different = 0;
  for (const uint8_t c : s) {
    const uint64_t bit = uint64_t{1} << (c & 63);
    different += (seen[c >> 6] & bit) == 0 ? 1 : 0;
    seen[c >> 6] |= bit;
    if (different >= least) return true;
  }
  return false;
}

}  // namespace weir::signatures
