#include "inspect/decrypt/locked_slots.h"

#include <sys/mman.h>

#include <new>
#include <type_traits>

namespace weir::inspect {

static_assert(std::is_trivially_destructible_v<SecretSlot>);

LockedSlots::~LockedSlots() {
  for (SecretSlot* chunk : chunks_) {
    const size_t bytes = kPerChunk * sizeof(SecretSlot);
    wipe_memory(chunk, bytes);
    munlock(chunk, bytes);
    munmap(chunk, bytes);
  }
}

uint32_t LockedSlots::take() {
  if (free_.empty()) {
    const size_t bytes = kPerChunk * sizeof(SecretSlot);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return kNoSlot;
    const bool locked = mlock(memory, bytes) == 0;
    const bool hidden = madvise(memory, bytes, MADV_DONTDUMP) == 0;
    if (!locked || !hidden) ++unlocked_;
    const auto first = static_cast<uint32_t>(chunks_.size()) * kPerChunk;
    chunks_.push_back(new (memory) SecretSlot[kPerChunk]);
    for (uint32_t i = kPerChunk; i-- > 0;) {
      wipe_memory(&chunks_.back()[i], sizeof(SecretSlot));
      free_.push_back(first + i);
    }
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void LockedSlots::give(uint32_t slot) noexcept {
  wipe_memory(&(*this)[slot], sizeof(SecretSlot));
  free_.push_back(slot);
}

}  // namespace weir::inspect
