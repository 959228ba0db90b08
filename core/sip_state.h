// The state of SipHash (Aumasson and Bernstein, 2012) and its round, for hashes that differ in how
// many rounds they take and how they read their input.
#pragma once

#include <bit>
#include <cstdint>

#include "core/hash.h"

namespace weir {

struct SipState {
  uint64_t v0, v1, v2, v3;

  explicit SipState(const HashKey& key) noexcept
      : v0(key.words[0] ^ 0x736f6d6570736575ULL),
        v1(key.words[1] ^ 0x646f72616e646f6dULL),
        v2(key.words[0] ^ 0x6c7967656e657261ULL),
        v3(key.words[1] ^ 0x7465646279746573ULL) {}

  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  // Takes in one word with `rounds` rounds.
  void absorb(uint64_t word, int rounds) noexcept {
    v3 ^= word;
    for (int i = 0; i < rounds; ++i) round();
    v0 ^= word;
  }

  [[nodiscard]] uint64_t finish(int rounds) noexcept {
    v2 ^= 0xff;
    for (int i = 0; i < rounds; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace weir
