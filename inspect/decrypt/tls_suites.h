// Cipher suites that can be decrypted, as the registry numbers them: how records are protected, not
// how keys were agreed on. RC4, DES, IDEA and SEED come from OpenSSL's legacy provider, where that
// is installed. Missing, as nobody offers them any more: export suites (keys of 40 bits), RC2, CCM
// and GCM of Camellia, GOST, Chinese and Russian suites.
#pragma once

#include <cstdint>

#include "inspect/decrypt/hmac.h"

namespace weir::inspect {

enum class RecordMode : uint8_t {
  kPlain,   // authenticated, not encrypted
  kCbc,     // block cipher and HMAC
  kStream,  // RC4 and HMAC: the key stream goes on from record to record
  kGcm,     // nonce of 4 fixed and 8 explicit bytes in TLS 1.2
  kCcm,     // the same with CCM
  kChaCha,  // nonce derived as in TLS 1.3
};

// A way to encrypt: what OpenSSL calls it, and its sizes.
struct BulkCipher {
  RecordMode mode = RecordMode::kPlain;
  uint8_t slot = 0;            // number of the cipher among those that are fetched from OpenSSL
  const char* name = nullptr;  // null: not of OpenSSL
  bool legacy = false;         // of OpenSSL's legacy provider
  uint8_t key_bytes = 0;
  uint8_t block_bytes = 0;   // kCbc
  uint8_t tag_bytes = 0;     // AEAD
  uint8_t export_bytes = 0;  // secret bytes that the key is made from (RFC 2246 section 6.3.1)
  [[nodiscard]] bool idea() const noexcept { return name == nullptr && key_bytes > 0; }
};
inline constexpr uint8_t kBulkSlots = 16;

struct TlsSuite {
  uint16_t id = 0;
  const BulkCipher* bulk = nullptr;
  HashKind mac = HashKind::kNone;    // of kCbc and kPlain
  HashKind prf = HashKind::kSha256;  // TLS 1.2 PRF, or the HKDF of TLS 1.3
  [[nodiscard]] bool tls13() const noexcept { return id >> 8 == 0x13; }
};

// Null for suites that are not known here.
[[nodiscard]] const TlsSuite* find_tls_suite(uint16_t id) noexcept;

}  // namespace weir::inspect
