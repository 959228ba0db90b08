#include "inspect/stream/tcp_pool.h"

#include <algorithm>
#include <bit>
#include <new>

#include "inspect/stream/piece_list.h"

namespace weir::inspect {
namespace {

size_t class_of(size_t capacity) noexcept {
  return static_cast<size_t>(std::countr_zero(capacity) - std::countr_zero(size_t{256}));
}

}  // namespace

TcpPool::TcpPool(const Limits& limits)
    : total_(limits.reassembly_bytes_total),
      piece_bytes_(limits.out_of_order_bytes),
      pieces_(std::max<size_t>(limits.out_of_order_segments, 1)) {
  static_assert(kSmallest == 256 && kSmallest << (kClasses - 1) == kLargest);
}

TcpPool::~TcpPool() { trim(); }

size_t TcpPool::capacity_for(size_t bytes) noexcept {
  return std::bit_ceil(std::max(bytes, kSmallest));
}

uint8_t* TcpPool::take(size_t capacity) noexcept {
  std::vector<uint8_t*>& free = free_[class_of(capacity)];
  if (!free.empty()) {
    uint8_t* buffer = free.back();
    free.pop_back();
    idle_ -= capacity;
    return buffer;
  }
  if (!charge(capacity)) return nullptr;
  return new uint8_t[capacity];
}

// An eighth of the budget may lie idle; the rest goes back to the system.
void TcpPool::give(uint8_t* buffer, size_t capacity) noexcept {
  if (idle_ + capacity > total_ / 8) {
    delete[] buffer;
    allocated_ -= capacity;
    return;
  }
  free_[class_of(capacity)].push_back(buffer);
  idle_ += capacity;
}

bool TcpPool::charge(size_t bytes) noexcept {
  if (allocated_ + bytes > total_ && idle_ > 0) trim();
  if (allocated_ + bytes > total_) {
    counters_.pool_exhausted.add();
    return false;
  }
  allocated_ += bytes;
  return true;
}

void TcpPool::trim() noexcept {
  for (std::vector<uint8_t*>& free : free_) {
    for (uint8_t* buffer : free) delete[] buffer;
    free.clear();
  }
  for (const auto& list : idle_lists_) {
    idle_ -= PieceList::cost(*list);
    allocated_ -= PieceList::cost(*list);
  }
  idle_lists_.clear();
  allocated_ -= idle_;
  idle_ = 0;
}

PieceList* TcpPool::take_list() noexcept {
  if (!idle_lists_.empty()) {
    PieceList* list = idle_lists_.back().release();
    idle_lists_.pop_back();
    idle_ -= PieceList::cost(*list);
    return list;
  }
  if (!charge(sizeof(PieceList))) return nullptr;
  return new PieceList;
}

void TcpPool::give_list(PieceList* list) noexcept {
  constexpr size_t kKept = 256;
  const size_t cost = PieceList::cost(*list);
  if (idle_lists_.size() >= kKept || cost > 4096 || idle_ + cost > total_ / 8) {
    delete list;
    allocated_ -= cost;
    return;
  }
  idle_lists_.emplace_back(list);
  idle_ += cost;
}

}  // namespace weir::inspect
