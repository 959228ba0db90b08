// The working memory of open requests: an unwrapper and a detector each. Slots are made as they are
// needed, up to a limit, and handed out again and again; a request that finds none is counted by
// its caller and not read.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/limits.h"
#include "inspect/detect/request_detector.h"
#include "inspect/unwrap/unwrapper.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

struct RequestSlot {
  std::unique_ptr<RequestDetector> detector;
  std::unique_ptr<Unwrapper> unwrapper;
};

// What pools count; several may share one.
struct PoolCounters {
  UnwrapCounters unwrap;
  DetectCounters detect;
  CodeCounters code;
};

class RequestPool {
 public:
  // `counters`, where given, must outlive the pool.
  RequestPool(std::shared_ptr<const DetectorSet> detectors, const Limits& limits,
              PoolCounters* counters = nullptr);

  // Null when the limit is reached or a detector cannot be made.
  [[nodiscard]] RequestSlot* acquire() noexcept;
  void release(RequestSlot* slot) noexcept;
  [[nodiscard]] size_t made() const noexcept { return slots_.size(); }
  [[nodiscard]] const PoolCounters& counters() const noexcept { return counters_; }

 private:
  std::shared_ptr<const DetectorSet> detectors_;
  const Limits& limits_;
  PoolCounters own_counters_;
  PoolCounters& counters_;
  signatures::PatternScratch scratch_;
  std::vector<std::unique_ptr<RequestSlot>> slots_;
  std::vector<RequestSlot*> free_;
};

// Gives the slot back when it goes.
class SlotLease {
 public:
  SlotLease() = default;
  explicit SlotLease(RequestPool& pool) noexcept : pool_(&pool), slot_(pool.acquire()) {}
  SlotLease(SlotLease&& other) noexcept : pool_(other.pool_), slot_(other.slot_) {
    other.slot_ = nullptr;
  }
  SlotLease& operator=(SlotLease&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = other.pool_;
      slot_ = other.slot_;
      other.slot_ = nullptr;
    }
    return *this;
  }
  SlotLease(const SlotLease&) = delete;
  SlotLease& operator=(const SlotLease&) = delete;
  ~SlotLease() { reset(); }

  void reset() noexcept {
    if (slot_ != nullptr) pool_->release(slot_);
    slot_ = nullptr;
  }
  explicit operator bool() const noexcept { return slot_ != nullptr; }
  RequestSlot* operator->() const noexcept { return slot_; }

 private:
  RequestPool* pool_ = nullptr;
  RequestSlot* slot_ = nullptr;
};

}  // namespace weir::inspect
