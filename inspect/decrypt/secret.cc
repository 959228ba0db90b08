#include "inspect/decrypt/secret.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace weir::inspect {

void wipe_memory(void* memory, size_t size) noexcept { OPENSSL_cleanse(memory, size); }

void Secret::assign(ByteSpan bytes) noexcept {
  const size_t count = std::min(bytes.size(), bytes_.size());
  std::copy_n(bytes.begin(), count, bytes_.begin());
  size_ = static_cast<uint8_t>(count);
}

void Secret::wipe() noexcept {
  if (size_ > 0) wipe_memory(bytes_.data(), bytes_.size());
  size_ = 0;
}

}  // namespace weir::inspect
