// The words that a shape (shape.h) tells apart, in a table that one look answers: for a word at a
// time and, as vectors look it up, for eight.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "signatures/fingerprint/shape.h"

namespace weir::signatures {

class ShapeKeywords {
 public:
  static constexpr size_t kSlots = 1024;
  static constexpr unsigned kSlotShift = 54;
  static constexpr size_t kLongest = 10;

  // Bits of a key: the word's first eight bytes without bit 5 (case), zero behind a shorter word;
  // how many bytes more it has, one to three or more, in bit 5 of as many of the first bytes.
  static constexpr uint64_t kCase = 0x2020202020202020ULL;
  static constexpr uint64_t kHigh = 0x8080808080808080ULL;
  // The bytes behind the eighth that count.
  static constexpr uint64_t kMore = 0x202020ULL;

  static const ShapeKeywords& table();

  // `head`: the first eight bytes of a word, anything behind a shorter one.
  [[nodiscard]] static uint64_t key(uint64_t head, size_t size) noexcept {
    return (head & ~kCase & kMasks[std::min(size, kMasks.size() - 1)]) |
           kTails[std::min(size, kTails.size() - 1)];
  }
  // 0: no keyword.
  [[nodiscard]] uint8_t code(uint64_t head, size_t size) const noexcept {
    const uint64_t wanted = key(head, size);
    const size_t at = static_cast<size_t>(wanted * multiplier_ >> kSlotShift);
    return is(entries_[at], wanted) ? codes_[at] : uint8_t{0};
  }
  // An entry is a key, with its code in the high bits of its bytes, lowest byte first; 0: none.
  [[nodiscard]] static bool is(uint64_t entry, uint64_t key) noexcept {
    return (((entry ^ key) & ~kHigh) | (key & kHigh)) == 0;
  }
  [[nodiscard]] const uint64_t* entries() const noexcept { return entries_.data(); }
  [[nodiscard]] uint64_t multiplier() const noexcept { return multiplier_; }

 private:
  ShapeKeywords();
  bool fill() noexcept;

  static constexpr std::array<uint64_t, 9> kMasks = [] {
    std::array<uint64_t, 9> out{};
    for (size_t size = 0; size < 8; ++size) out[size] = (uint64_t{1} << (8 * size)) - 1;
    out[8] = ~uint64_t{0};
    return out;
  }();
  static constexpr std::array<uint64_t, 12> kTails{0, 0, 0, 0,    0,      0,
                                                   0, 0, 0, 0x20, 0x2020, 0x202020};

  uint64_t multiplier_ = 0x9e3779b97f4a7c15ULL;
  alignas(64) std::array<uint64_t, kSlots> entries_{};
  std::array<uint8_t, kSlots> codes_{};
};

}  // namespace weir::signatures
