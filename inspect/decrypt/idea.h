// IDEA in CBC mode, decryption only (X. Lai, "On the Design and Security of Block Ciphers", 1992;
// RFC 5469 names its TLS suite). Debian's OpenSSL is built without it, and old servers still agree
// on it. Not for sealing anything: table-free, but nothing here is hidden from a timing attack.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace weir::inspect {

class IdeaDecryptor {
 public:
  static constexpr size_t kKeyBytes = 16;
  static constexpr size_t kBlockBytes = 8;

  ~IdeaDecryptor();
  // `key` of kKeyBytes.
  void set_key(ByteSpan key) noexcept;
  // `sealed` is whole blocks; `out` has room for them and is either its own memory or does not
  // overlap it. `iv` of kBlockBytes.
  void decrypt_cbc(ByteSpan iv, ByteSpan sealed, uint8_t* out) const noexcept;

 private:
  static constexpr size_t kRounds = 8;
  std::array<uint16_t, 6 * kRounds + 4> keys_{};  // of decryption
};

}  // namespace weir::inspect
