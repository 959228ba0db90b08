// Hashes. SipHash-2-4 (Aumasson and Bernstein, 2012) where an attacker chooses the input: flow
// table, incident keys, keyed fingerprints.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/bytes.h"

namespace weir {

struct HashKey {
  std::array<uint64_t, 2> words{};
  // A key from the system's random source. Ends the process when there is none.
  static HashKey random();
};

[[nodiscard]] uint64_t siphash(const HashKey& key, ByteSpan bytes) noexcept;

// A bijective mixer (the finaliser of MurmurHash3): spreads a number that is already keyed.
constexpr uint64_t mix64(uint64_t x) noexcept {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(ByteSpan bytes);
[[nodiscard]] std::string to_hex(uint64_t value);

}  // namespace weir
