// Small open-addressing tables by 32-bit numbers, for what is read of the hits of one file: made to
// be emptied and filled again thousands of times without a call for memory. Entries keep the order
// in which they came, so that sums over them come out the same in every run.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::inspect {

// A map from numbers to T, which should be small. References are valid until the next insertion.
template <typename T>
class FlatTable {
 public:
  struct Entry {
    uint32_t key = 0;
    T value{};
  };

  // The value, made where it was not there; true when it was made.
  std::pair<T&, bool> insert(uint32_t key) {
    if (2 * (entries_.size() + 1) > slots_.size()) grow();
    Slot& slot = slots_[place(key)];
    if (slot.epoch == epoch_) return {entries_[slot.entry].value, false};
    slot = {epoch_, static_cast<uint32_t>(entries_.size())};
    entries_.push_back({key, T{}});
    return {entries_.back().value, true};
  }
  // Asks for the memory that insert(key) will read first.
  void prefetch(uint32_t key) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home(key)], 1);
  }
  // Null where it is not there.
  [[nodiscard]] const T* find(uint32_t key) const noexcept {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[place(key)];
    return slot.epoch == epoch_ ? &entries_[slot.entry].value : nullptr;
  }
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] size_t size() const noexcept { return entries_.size(); }
  // Keeps the memory.
  void clear() noexcept {
    entries_.clear();
    if (++epoch_ == 0) {
      for (Slot& slot : slots_) slot = {};
      epoch_ = 1;
    }
  }

 private:
  struct Slot {
    uint32_t epoch = 0;  // of the filling that it belongs to; another: free
    uint32_t entry = 0;
  };
  static constexpr size_t kFirstSlots = 64;

  // Fibonacci hashing: keys are numbers of lines, or hashes already.
  [[nodiscard]] size_t home(uint32_t key) const noexcept {
    return (key * uint64_t{0x9e3779b97f4a7c15} >> 32) & (slots_.size() - 1);
  }
  // Where the key is, or the free slot where it would be: there always is one.
  [[nodiscard]] size_t place(uint32_t key) const noexcept {
    const size_t mask = slots_.size() - 1;
    size_t at = home(key);
    while (slots_[at].epoch == epoch_ && entries_[slots_[at].entry].key != key)
      at = (at + 1) & mask;
    return at;
  }
  void grow() {
    slots_.assign(slots_.empty() ? kFirstSlots : 2 * slots_.size(), {});
    epoch_ = 1;
    for (uint32_t i = 0; i < entries_.size(); ++i) {
      slots_[place(entries_[i].key)] = {epoch_, i};
    }
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half taken
  std::vector<Entry> entries_;
  uint32_t epoch_ = 1;
};

// A set of line numbers, which mostly stand near one another: 64 of them to an entry.
class LineSet {
 public:
  // True when it is new.
  bool insert(uint32_t line) {
    uint64_t& word = words_.insert(line / 64).first;
    const uint64_t bit = uint64_t{1} << line % 64;
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }
  [[nodiscard]] bool contains(uint32_t line) const noexcept {
    const uint64_t* word = words_.find(line / 64);
    return word != nullptr && (*word >> line % 64 & 1) != 0;
  }
  void clear() noexcept { words_.clear(); }
  // Calls visit(line) in ascending order.
  template <typename Visit>
  void each(Visit visit) const {
    std::vector<std::pair<uint32_t, uint64_t>> sorted;
    sorted.reserve(words_.size());
    for (const auto& [key, word] : words_.entries()) sorted.emplace_back(key, word);
    std::sort(sorted.begin(), sorted.end());
    for (auto [key, word] : sorted) {
      for (; word != 0; word &= word - 1) {
        visit(key * 64 + static_cast<uint32_t>(std::countr_zero(word)));
      }
    }
  }

 private:
  FlatTable<uint64_t> words_;
};

}  // namespace weir::inspect
