// A secret of a TLS session, wiped when it goes. Never printed, compared or hashed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace weir::inspect {

// Overwrites memory in a way that the compiler does not leave out.
void wipe_memory(void* memory, size_t size) noexcept;

// What key logs call their secrets (RFC 9850 section 2); the exporter's are of no use here.
enum class SecretKind : uint8_t {
  kMaster,           // CLIENT_RANDOM: the master secret of TLS 1.2 and before
  kClientEarly,      // CLIENT_EARLY_TRAFFIC_SECRET
  kClientHandshake,  // CLIENT_HANDSHAKE_TRAFFIC_SECRET
  kServerHandshake,  // SERVER_HANDSHAKE_TRAFFIC_SECRET
  kClientTraffic,    // CLIENT_TRAFFIC_SECRET_0
  kServerTraffic,    // SERVER_TRAFFIC_SECRET_0
};
inline constexpr size_t kSecretKinds = 6;
inline constexpr size_t kMaxSecretBytes = 48;  // SHA-384; master secrets have the same size
inline constexpr size_t kRandomBytes = 32;

using TlsRandom = std::array<uint8_t, kRandomBytes>;

class Secret {
 public:
  Secret() noexcept = default;
  Secret(const Secret&) noexcept = default;
  Secret& operator=(const Secret&) noexcept = default;
  ~Secret() { wipe(); }

  // Longer ones are cut; parsers refuse them before.
  void assign(ByteSpan bytes) noexcept;
  void wipe() noexcept;
  [[nodiscard]] ByteSpan bytes() const noexcept { return ByteSpan(bytes_).first(size_); }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  std::array<uint8_t, kMaxSecretBytes> bytes_{};
  uint8_t size_ = 0;
};

// All that is known of one session.
struct SessionSecrets {
  std::array<Secret, kSecretKinds> of;
  Secret& operator[](SecretKind kind) noexcept { return of[static_cast<size_t>(kind)]; }
  const Secret& operator[](SecretKind kind) const noexcept { return of[static_cast<size_t>(kind)]; }
};

}  // namespace weir::inspect
