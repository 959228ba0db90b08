#include "signatures/fingerprint/bloom_sift.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "signatures/fingerprint/index_format.h"

namespace weir::signatures {
namespace {

// Blocks come from memory where the index is large: so many are on their way at once.
constexpr size_t kAhead = 32;

class Fetch {
 public:
  Fetch(const BloomView& bloom, std::span<const uint64_t> hashes) noexcept
      : bloom_(bloom), hashes_(hashes) {
    for (size_t i = 0; i < std::min(kAhead, hashes.size()); ++i) begin(i);
  }
  // The block of hash `i`; asked for in order.
  inline __attribute__((always_inline)) const uint8_t* take(size_t i) noexcept {
    const uint8_t* const out = at_[i % kAhead];
    if (i + kAhead < hashes_.size()) begin(i + kAhead);
    return out;
  }

 private:
  inline __attribute__((always_inline)) void begin(size_t i) noexcept {
    const uint8_t* const at = bloom_.bytes + bloom_block(hashes_[i], bloom_.blocks) * kBloomBlock;
    __builtin_prefetch(at);
    at_[i % kAhead] = at;
  }
  const BloomView& bloom_;
  std::span<const uint64_t> hashes_;
  std::array<const uint8_t*, kAhead> at_;
};

size_t sift_plain(const BloomView& bloom, std::span<const uint64_t> hashes,
                  uint32_t* passed) noexcept {
  Fetch blocks(bloom, hashes);
  size_t passes = 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    const std::array<uint64_t, 4> bits = bloom_bits(hashes[i]);
    std::array<uint64_t, 4> have;
    std::memcpy(have.data(), blocks.take(i), sizeof(have));
    passed[passes] = static_cast<uint32_t>(i);
    passes += ((bits[0] & ~have[0]) | (bits[1] & ~have[1]) | (bits[2] & ~have[2]) |
               (bits[3] & ~have[3])) == 0
                  ? 1
                  : 0;
  }
  return passes;
}

// bloom_bits in one register.
__attribute__((target("avx2"))) size_t sift_avx2(const BloomView& bloom,
                                                 std::span<const uint64_t> hashes,
                                                 uint32_t* passed) noexcept {
  Fetch blocks(bloom, hashes);
  const __m256i first = _mm256_setr_epi64x(16, 28, 40, 52);
  const __m256i second = _mm256_setr_epi64x(22, 34, 46, 58);
  const __m256i six = _mm256_set1_epi64x(63);
  const __m256i one = _mm256_set1_epi64x(1);
  size_t passes = 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    const __m256i h = _mm256_set1_epi64x(static_cast<int64_t>(bloom_stir(hashes[i])));
    const __m256i a = _mm256_and_si256(_mm256_srlv_epi64(h, first), six);
    const __m256i b = _mm256_and_si256(_mm256_srlv_epi64(h, second), six);
    const __m256i bits = _mm256_or_si256(_mm256_sllv_epi64(one, a), _mm256_sllv_epi64(one, b));
    const __m256i have = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(blocks.take(i)));
    passed[passes] = static_cast<uint32_t>(i);
    passes += static_cast<size_t>(_mm256_testc_si256(have, bits));
  }
  return passes;
}

bool has_avx2() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2");
}
const SiftPath kSift = has_avx2() ? sift_avx2 : sift_plain;

}  // namespace

size_t bloom_sift(const BloomView& bloom, std::span<const uint64_t> hashes,
                  uint32_t* passed) noexcept {
  return kSift(bloom, hashes, passed);
}

std::vector<SiftPath> sift_paths() {
  std::vector<SiftPath> out{sift_plain};
  if (has_avx2()) out.push_back(sift_avx2);
  return out;
}

}  // namespace weir::signatures
