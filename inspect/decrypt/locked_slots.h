// Memory for secrets: fixed slots in pages that are kept from swap (mlock) and out of core dumps,
// allocated in chunks as they are needed. Where the system refuses to lock (RLIMIT_MEMLOCK), the
// slots are still given, and the pages counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "inspect/decrypt/secret.h"

namespace weir::inspect {

struct SecretSlot {
  TlsRandom client_random;
  std::array<uint8_t, kSecretKinds> size;
  std::array<std::array<uint8_t, kMaxSecretBytes>, kSecretKinds> secret;
  int64_t time_ns;  // when the session was first heard of
  uint32_t older;   // order of arrival; kNoSlot at the ends
  uint32_t newer;
};
inline constexpr uint32_t kNoSlot = UINT32_MAX;

class LockedSlots {
 public:
  LockedSlots() noexcept = default;
  LockedSlots(const LockedSlots&) = delete;
  LockedSlots& operator=(const LockedSlots&) = delete;
  ~LockedSlots();

  // A zeroed slot, or kNoSlot when the system has no memory.
  [[nodiscard]] uint32_t take();
  // Wipes it.
  void give(uint32_t slot) noexcept;
  SecretSlot& operator[](uint32_t slot) noexcept {
    return chunks_[slot / kPerChunk][slot % kPerChunk];
  }
  const SecretSlot& operator[](uint32_t slot) const noexcept {
    return chunks_[slot / kPerChunk][slot % kPerChunk];
  }
  // Chunks that the system would not lock.
  [[nodiscard]] size_t unlocked_chunks() const noexcept { return unlocked_; }

 private:
  static constexpr uint32_t kPerChunk = 64;

  std::vector<SecretSlot*> chunks_;
  std::vector<uint32_t> free_;
  size_t unlocked_ = 0;
};

}  // namespace weir::inspect
