// A bounded queue between exactly two threads, one that pushes and one that pops. Neither waits.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace weir::app {

template <typename T>
class SpscRing {
 public:
  // Rounded up to a power of two.
  explicit SpscRing(size_t capacity)
      : mask_(std::bit_ceil(capacity) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}

  // Leaves `value` as it is when the ring is full.
  bool try_push(T& value) {
    const size_t at = tail_.load(std::memory_order_relaxed);
    if (at - head_.load(std::memory_order_acquire) > mask_) return false;
    slots_[at & mask_] = std::move(value);
    tail_.store(at + 1, std::memory_order_release);
    return true;
  }
  bool try_pop(T& out) {
    const size_t at = head_.load(std::memory_order_relaxed);
    if (at == tail_.load(std::memory_order_acquire)) return false;
    out = std::move(slots_[at & mask_]);
    head_.store(at + 1, std::memory_order_release);
    return true;
  }
  [[nodiscard]] size_t capacity() const noexcept { return mask_ + 1; }
  // Any thread; true at some moment during the call.
  [[nodiscard]] size_t size() const noexcept {
    const size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }

 private:
  size_t mask_;
  std::unique_ptr<T[]> slots_;
  alignas(64) std::atomic<size_t> head_{0};
  alignas(64) std::atomic<size_t> tail_{0};
};

}  // namespace weir::app
