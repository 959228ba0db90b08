// From a hash to slab numbers: open addressing with linear probing and deletion by shifting back,
// so that no tombstones pile up. Half of the slots stay empty. Fixed size, no allocation after
// construction. The caller compares the keys.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "core/check.h"

namespace weir::inspect {

class FlowIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  explicit FlowIndex(size_t most)
      : slots_(std::bit_ceil(std::max<size_t>(most, 8) * 2)), mask_(slots_.size() - 1) {
    WEIR_CHECK(most < kNone);
  }

  // The number under `hash` that `same(number)` accepts, or kNone.
  template <typename Same>
  [[nodiscard]] uint32_t find(uint64_t hash, Same&& same) const noexcept {
    const auto tag = static_cast<uint32_t>(hash);
    for (size_t at = tag & mask_; slots_[at].used != 0; at = (at + 1) & mask_) {
      if (slots_[at].tag == tag && same(slots_[at].used - 1)) return slots_[at].used - 1;
    }
    return kNone;
  }
  // At most `most` numbers at a time; each under one hash.
  void insert(uint64_t hash, uint32_t number) noexcept {
    const auto tag = static_cast<uint32_t>(hash);
    size_t at = tag & mask_;
    while (slots_[at].used != 0) at = (at + 1) & mask_;
    slots_[at] = {tag, number + 1};
  }
  void erase(uint64_t hash, uint32_t number) noexcept {
    size_t hole = static_cast<uint32_t>(hash) & mask_;
    while (slots_[hole].used != number + 1) {
      WEIR_ASSERT(slots_[hole].used != 0);
      hole = (hole + 1) & mask_;
    }
    // Whatever could have stood in the hole moves back into it.
    for (size_t at = (hole + 1) & mask_; slots_[at].used != 0; at = (at + 1) & mask_) {
      const size_t home = slots_[at].tag & mask_;
      if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t used = 0;  // number + 1; 0 is an empty slot
  };
  std::vector<Slot> slots_;
  size_t mask_;
};

}  // namespace weir::inspect
