// From secrets to the keys of records: HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7), the PRF
// and key block of TLS 1.0 to 1.2 (RFC 2246, 4346, 5246). Pure functions; all are false only when
// OpenSSL lacks an algorithm or sizes make no sense.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/direction.h"
#include "inspect/decrypt/secret.h"
#include "inspect/decrypt/tls_suites.h"

namespace weir::inspect {

inline constexpr uint16_t kSsl30 = 0x0300;
inline constexpr uint16_t kTls10 = 0x0301;
inline constexpr uint16_t kTls11 = 0x0302;
inline constexpr uint16_t kTls12 = 0x0303;
inline constexpr uint16_t kTls13 = 0x0304;

// Keys of the records of one direction; sizes are those of the suite.
struct RecordKeys {
  std::array<uint8_t, 32> key{};
  std::array<uint8_t, 16> iv{};
  std::array<uint8_t, kMaxHashBytes> mac{};
  RecordKeys() noexcept = default;
  RecordKeys(const RecordKeys&) noexcept = default;
  RecordKeys& operator=(const RecordKeys&) noexcept = default;
  ~RecordKeys() { wipe_memory(this, sizeof(*this)); }
};

// `out` of at most one hash length.
[[nodiscard]] bool hkdf_expand_label(HashKind hash, ByteSpan secret, std::string_view label,
                                     ByteSpan context, std::span<uint8_t> out) noexcept;
[[nodiscard]] bool derive_traffic_keys(const TlsSuite& suite, ByteSpan traffic_secret,
                                       RecordKeys& out) noexcept;
// The next generation after a KeyUpdate, in place.
[[nodiscard]] bool update_traffic_secret(const TlsSuite& suite, Secret& secret) noexcept;

// P_hash of TLS 1.2, or MD5 and SHA-1 together before it. SSL 3.0 (RFC 6101 section 6.2.2) knows no
// labels.
[[nodiscard]] bool tls_prf(uint16_t version, HashKind hash, ByteSpan secret, std::string_view label,
                           ByteSpan seed_a, ByteSpan seed_b, std::span<uint8_t> out) noexcept;
// kToServer: what the client writes.
[[nodiscard]] bool derive_key_block(uint16_t version, const TlsSuite& suite, ByteSpan master,
                                    const TlsRandom& client_random, const TlsRandom& server_random,
                                    PerDirection<RecordKeys>& out) noexcept;

}  // namespace weir::inspect
