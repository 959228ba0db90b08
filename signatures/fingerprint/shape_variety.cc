#include "signatures/fingerprint/shape_variety.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>

namespace weir::signatures {
namespace {

constexpr uint32_t kFar = 255;
constexpr size_t kStep = 16;

constexpr std::array<uint8_t, 256> make_ascending() {
  std::array<uint8_t, 256> out{};
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(i);
  return out;
}
alignas(16) constexpr std::array<uint8_t, 256> kAscending = make_ascending();

// triple_bit() is the sum of these, shifted.
constexpr std::array<uint32_t, 256> make_part(uint32_t factor) {
  std::array<uint32_t, 256> out{};
  for (uint32_t i = 0; i < 256; ++i) out[i] = i * factor * kTripleMix;
  return out;
}
constexpr std::array<std::array<uint32_t, 256>, 3> kParts{
    make_part(kTripleFactors[0]), make_part(kTripleFactors[1]), make_part(kTripleFactors[2])};

// Where each of 256 values stood last.
class Last {
 public:
  uint8_t behind(uint32_t value, uint32_t at) noexcept {
    const uint32_t distance = at - at_[value];
    at_[value] = at;
    return static_cast<uint8_t>(std::min(distance, kFar));
  }

 private:
  std::array<uint32_t, 256> at_{};
};

}  // namespace

void ShapeVariety::read(ByteSpan shape) {
  shape_ = shape;
  const size_t size = shape.size();
  symbols_.resize(size + kStep);
  triples_.resize(size + kStep);
  // Places are counted from far enough that nothing stood near the first.
  Last symbols;
  Last triples;
  uint8_t* const to_symbols = symbols_.data();
  uint8_t* const to_triples = triples_.data();
  const uint8_t* const from = shape.data();
  for (size_t i = 0; i < size; ++i) {
    const auto at = static_cast<uint32_t>(i) + kFar;
    to_symbols[i] = symbols.behind(from[i], at);
    if (i + 3 > size) continue;
    const uint32_t mixed = kParts[0][from[i]] + kParts[1][from[i + 1]] + kParts[2][from[i + 2]];
    to_triples[i] = triples.behind(mixed >> kTripleShift, at);
  }
  std::fill(symbols_.begin() + static_cast<std::ptrdiff_t>(size), symbols_.end(), uint8_t{0});
  std::fill(triples_.begin() + static_cast<std::ptrdiff_t>(size), triples_.end(), uint8_t{0});
}

uint32_t ShapeVariety::count(const uint8_t* behind, size_t size) noexcept {
  uint32_t sum = 0;
  for (size_t i = 0; i < size; i += kStep) {
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(behind + i));
    const __m128i place = _mm_load_si128(reinterpret_cast<const __m128i*>(kAscending.data() + i));
    // here <= place: not the first.
    const __m128i again = _mm_cmpeq_epi8(_mm_min_epu8(here, place), here);
    uint32_t first = ~static_cast<uint32_t>(_mm_movemask_epi8(again)) & 0xffffU;
    if (size - i < kStep) first &= (1U << (size - i)) - 1;
    sum += static_cast<uint32_t>(__builtin_popcount(first));
  }
  return sum;
}

bool ShapeVariety::window_says_little(size_t at, uint32_t& variety) const noexcept {
  return says_little_of_window(
      {count(symbols_.data() + at, kShapeWindow), count(triples_.data() + at, kShapeWindow - 2)},
      variety);
}

bool ShapeVariety::pair_says_little(size_t at, size_t size, uint32_t& variety) const noexcept {
  // Distances are not told beyond.
  if (size < 3 || size > kFar) {
    return signatures::pair_says_little(shape_.subspan(at, size), variety);
  }
  return says_little_of_pair(
      {count(symbols_.data() + at, size), count(triples_.data() + at, size - 2)}, variety);
}

}  // namespace weir::signatures
