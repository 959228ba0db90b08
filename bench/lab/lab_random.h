// Random choices that depend on the seed alone, not on the standard library's distributions.
// SplitMix64 (Steele, Lea and Flood, 2014).
#pragma once

#include <cstdint>
#include <string>

#include "bench/lab/byte_writer.h"
#include "core/hash.h"

namespace weir::lab {

class LabRandom {
 public:
  explicit LabRandom(uint64_t seed) noexcept : state_(seed) {}

  uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // 0 .. count-1; count is at least 1. The bias of the remainder does not matter here.
  size_t below(size_t count) noexcept { return static_cast<size_t>(next() % count); }
  size_t between(size_t low, size_t high) noexcept { return low + below(high - low + 1); }
  bool chance(double probability) noexcept {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  template <typename List>
  const auto& pick(const List& list) noexcept {
    return list[below(list.size())];
  }
  Bytes bytes(size_t count) {
    Bytes out;
    out.reserve(count + 8);
    while (out.size() < count) {
      uint64_t word = next();
      for (int i = 0; i < 8; ++i, word >>= 8) out.push_back(static_cast<uint8_t>(word));
    }
    out.resize(count);
    return out;
  }
  std::string hex(size_t digits) { return to_hex(bytes((digits + 1) / 2)).substr(0, digits); }
  std::string uuid() {
    return hex(8) + '-' + hex(4) + "-4" + hex(3) + "-a" + hex(3) + '-' + hex(12);
  }

 private:
  uint64_t state_;
};

}  // namespace weir::lab
