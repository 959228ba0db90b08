// HMAC (RFC 2104) with one key and many messages, and the hashes that TLS uses it with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.h"

namespace weir::inspect {

enum class HashKind : uint8_t { kNone, kMd5, kSha1, kSha256, kSha384 };

inline constexpr size_t kMaxHashBytes = 48;
[[nodiscard]] size_t hash_bytes(HashKind hash) noexcept;

// Of all parts, one behind the other. `out` takes hash_bytes() bytes. False without the hash.
[[nodiscard]] bool hash_of(HashKind hash, std::span<const ByteSpan> parts, uint8_t* out) noexcept;

class Hmac {
 public:
  Hmac() noexcept = default;
  ~Hmac();
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;

  // False when OpenSSL does not offer the hash (a FIPS build without MD5).
  [[nodiscard]] bool set_key(HashKind hash, ByteSpan key) noexcept;
  // begin() add()* end(): `out` takes hash_bytes() bytes.
  void begin() noexcept;
  void add(ByteSpan part) noexcept;
  [[nodiscard]] bool end(uint8_t* out) noexcept;

 private:
  void* context_ = nullptr;  // EVP_MAC_CTX
  bool good_ = false;
};

}  // namespace weir::inspect
