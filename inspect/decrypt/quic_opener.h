// Protection of QUIC packets (RFC 9001 section 5, RFC 9369 section 3.3): from traffic secrets to
// keys, removing header protection, opening the payload. One QuicMask serves all generations of
// 1-RTT keys of a direction, one QuicAead a generation. Keys are set once; a packet allocates
// nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "inspect/decrypt/tls_keys.h"
#include "inspect/identify/quic_keys.h"

namespace weir::inspect {

inline constexpr size_t kQuicTagBytes = 16;
inline constexpr size_t kQuicSampleBytes = 16;
// No UDP datagram holds more.
inline constexpr size_t kMaxQuicPacket = 65'535;

struct QuicKeys {
  std::array<uint8_t, 32> key{};
  std::array<uint8_t, 12> iv{};
  std::array<uint8_t, 32> hp{};
  QuicKeys() noexcept = default;
  QuicKeys(const QuicKeys&) noexcept = default;
  QuicKeys& operator=(const QuicKeys&) noexcept = default;
  ~QuicKeys() { wipe_memory(this, sizeof(*this)); }
};

// `suite`: one of 0x1301 to 0x1303. `v2`: labels of version 2.
[[nodiscard]] bool derive_quic_keys(const TlsSuite& suite, bool v2, ByteSpan secret,
                                    QuicKeys& out) noexcept;
[[nodiscard]] QuicKeys to_quic_keys(const QuicInitialKeys& keys) noexcept;
// The secret of the next key phase, in place.
[[nodiscard]] bool update_quic_secret(const TlsSuite& suite, bool v2, Secret& secret) noexcept;

// A packet's first byte and packet number in clear.
struct QuicUnmasked {
  uint8_t first = 0;
  uint8_t pn_bytes = 1;
  uint32_t truncated_pn = 0;
};

// RFC 9000 appendix A.3: `next` is the number expected next.
[[nodiscard]] constexpr uint64_t expand_packet_number(uint64_t next, uint32_t truncated,
                                                      unsigned pn_bytes) noexcept {
  const uint64_t window = uint64_t{1} << (8 * pn_bytes);
  const uint64_t candidate = (next & ~(window - 1)) | truncated;
  if (candidate + window / 2 <= next && candidate < (uint64_t{1} << 62) - window) {
    return candidate + window;
  }
  if (candidate > next + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}

class QuicMask {
 public:
  QuicMask() noexcept = default;
  ~QuicMask();
  QuicMask(const QuicMask&) = delete;
  QuicMask& operator=(const QuicMask&) = delete;

  [[nodiscard]] bool begin(const TlsSuite& suite, const QuicKeys& keys) noexcept;
  // Nothing when the packet is too short to be one.
  [[nodiscard]] std::optional<QuicUnmasked> unmask(ByteSpan packet, size_t pn_offset) noexcept;

 private:
  void* context_ = nullptr;  // EVP_CIPHER_CTX
  bool chacha_ = false;
  bool ready_ = false;
};

class QuicAead {
 public:
  QuicAead() noexcept = default;
  ~QuicAead();
  QuicAead(const QuicAead&) = delete;
  QuicAead& operator=(const QuicAead&) = delete;

  [[nodiscard]] bool begin(const TlsSuite& suite, const QuicKeys& keys) noexcept;
  [[nodiscard]] bool ready() const noexcept { return ready_; }
  void reset() noexcept { ready_ = false; }
  // The frames of packet number `pn`, written to `out`, which has room for packet.size() bytes and
  // does not overlap it. Nothing when the packet is not authentic.
  [[nodiscard]] std::optional<ByteSpan> open(ByteSpan packet, size_t pn_offset,
                                             const QuicUnmasked& unmasked, uint64_t pn,
                                             uint8_t* out) noexcept;

 private:
  void* context_ = nullptr;  // EVP_CIPHER_CTX
  std::array<uint8_t, 12> iv_{};
  bool ready_ = false;
};

}  // namespace weir::inspect
