// See request_pool.h.
#include "inspect/engine/request_pool.h"

namespace weir::inspect {

RequestPool::RequestPool(std::shared_ptr<const DetectorSet> detectors, const Limits& limits,
                         PoolCounters* counters)
    : detectors_(std::move(detectors)),
      limits_(limits),
      counters_(counters != nullptr ? *counters : own_counters_) {
  free_.reserve(limits_.open_requests);
}

RequestSlot* RequestPool::acquire() noexcept {
  if (!free_.empty()) {
    RequestSlot* slot = free_.back();
    free_.pop_back();
    return slot;
  }
  if (slots_.size() >= limits_.open_requests) return nullptr;
  auto detector =
      RequestDetector::make(detectors_, limits_, scratch_, &counters_.detect, &counters_.code);
  if (!detector) return nullptr;
  auto slot = std::make_unique<RequestSlot>();
  slot->detector = std::move(*detector);
  slot->unwrapper = std::make_unique<Unwrapper>(limits_, counters_.unwrap);
  slots_.push_back(std::move(slot));
  return slots_.back().get();
}

void RequestPool::release(RequestSlot* slot) noexcept { free_.push_back(slot); }

}  // namespace weir::inspect
