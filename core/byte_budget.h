// A bound on what many buffers take together, and a buffer that keeps to it. One worker's; not for
// several threads. Charged is the memory that a buffer takes, not what stands in it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/counters.h"

namespace weir {

class ByteBudget {
 public:
  // `refused`: counts what found no room.
  ByteBudget(uint64_t most, Counter& refused) noexcept : most_(most), refused_(refused) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  [[nodiscard]] bool take(uint64_t bytes) noexcept {
    if (bytes > most_ - used_) {
      refused_.add();
      return false;
    }
    used_ += bytes;
    return true;
  }
  void give(uint64_t bytes) noexcept { used_ -= bytes; }
  [[nodiscard]] uint64_t used() const noexcept { return used_; }

 private:
  uint64_t most_;
  uint64_t used_ = 0;
  Counter& refused_;
};

class BudgetedBytes {
 public:
  // Without a budget it grows freely.
  BudgetedBytes() noexcept : BudgetedBytes(nullptr) {}
  // `kept`: so much is neither charged nor let go of by clear(), for buffers that are used again
  // and again. The budget must outlive the buffer.
  explicit BudgetedBytes(ByteBudget* budget, size_t kept = 0) noexcept
      : budget_(budget), kept_(kept) {}
  BudgetedBytes(BudgetedBytes&& other) noexcept
      : budget_(other.budget_),
        kept_(other.kept_),
        charged_(std::exchange(other.charged_, 0)),
        bytes_(std::move(other.bytes_)) {
    other.bytes_.clear();
  }
  BudgetedBytes& operator=(BudgetedBytes&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(kept_, other.kept_);
    std::swap(charged_, other.charged_);
    bytes_.swap(other.bytes_);
    return *this;
  }
  BudgetedBytes(const BudgetedBytes&) = delete;
  BudgetedBytes& operator=(const BudgetedBytes&) = delete;
  ~BudgetedBytes() { free(); }

  // Only while it is empty.
  void set_budget(ByteBudget* budget) noexcept {
    free();
    budget_ = budget;
  }

  // All of it or, when there is no room, nothing: false.
  [[nodiscard]] bool append(ByteSpan more) noexcept {
    if (!make_room(bytes_.size() + more.size())) return false;
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return true;
  }
  // What is new is zero. False when there is no room.
  [[nodiscard]] bool resize(size_t size) noexcept {
    if (!make_room(size)) return false;
    bytes_.resize(size);
    return true;
  }
  void erase_front(size_t count) noexcept {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(count));
  }
  void clear() noexcept {
    if (charged_ > 0 || bytes_.capacity() > kept_) {
      free();
    } else {
      bytes_.clear();
    }
  }
  void free() noexcept {
    std::vector<uint8_t>().swap(bytes_);
    if (budget_ != nullptr) budget_->give(charged_);
    charged_ = 0;
  }

  [[nodiscard]] uint8_t* data() noexcept { return bytes_.data(); }
  [[nodiscard]] size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] uint8_t operator[](size_t i) const noexcept { return bytes_[i]; }
  [[nodiscard]] ByteSpan bytes() const noexcept { return bytes_; }
  // NOLINTNEXTLINE(google-explicit-constructor): a buffer is read as its bytes
  operator ByteSpan() const noexcept { return bytes_; }

 private:
  [[nodiscard]] bool make_room(size_t size) noexcept {
    if (size <= bytes_.capacity()) return true;
    const size_t wanted = std::max({size, 2 * bytes_.capacity(), size_t{256}});
    const uint64_t charge = wanted > kept_ ? wanted - kept_ : 0;
    if (budget_ != nullptr && !budget_->take(charge - charged_)) return false;
    charged_ = budget_ != nullptr ? charge : 0;
    bytes_.reserve(wanted);
    return true;
  }

  ByteBudget* budget_;
  size_t kept_;
  uint64_t charged_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace weir
