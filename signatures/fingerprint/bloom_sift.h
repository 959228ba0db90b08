// Which of some hashes pass the Bloom filter of an index (index_format.h). Blocks are fetched ahead
// and there is no branch that hangs on the outcome; with AVX2 the eight bits of a hash are tested
// at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::signatures {

struct BloomView {
  const uint8_t* bytes;
  uint64_t blocks;  // at least 1
};

inline constexpr size_t kSiftMost = 256;

// Of at most kSiftMost hashes: writes the numbers of those that pass, ascending; returns how many.
// `passed` has room for kSiftMost.
size_t bloom_sift(const BloomView& bloom, std::span<const uint64_t> hashes,
                  uint32_t* passed) noexcept;

using SiftPath = size_t (*)(const BloomView& bloom, std::span<const uint64_t> hashes,
                            uint32_t* passed) noexcept;
// Those that this machine can run, the plain one first.
[[nodiscard]] std::vector<SiftPath> sift_paths();

}  // namespace weir::signatures
