// Keys of QUIC Initial packets (RFC 9001 section 5.2, RFC 9369 section 3.3), and how a packet is
// opened with them: header protection by AES-ECB, payload by AES-128-GCM.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"

namespace weir::inspect {

// How long-header packet types are numbered and which salt and labels are used.
struct QuicVersionTraits {
  std::array<uint8_t, 20> salt{};
  bool v2_labels = false;
  bool v2_types = false;
  uint8_t crypto_frame = 0x06;
};

// Nothing for versions without known keys (Google's own, before TLS). Reserved versions
// (0x?a?a?a?a, sent to exercise version negotiation) are protected like one that the client knows:
// `attempt` 0, 1 … goes through the candidates.
[[nodiscard]] const QuicVersionTraits* quic_version_traits(uint32_t version,
                                                           size_t attempt = 0) noexcept;

struct QuicInitialKeys {
  std::array<uint8_t, 16> key{};
  std::array<uint8_t, 12> iv{};
  std::array<uint8_t, 16> hp{};
};

enum class QuicSide : uint8_t { kClient, kServer };

[[nodiscard]] std::optional<QuicInitialKeys> derive_quic_initial_keys(const QuicVersionTraits&,
                                                                      ByteSpan dcid,
                                                                      QuicSide side) noexcept;

// Opens one Initial packet: `packet` from its first byte to its last, `pn_offset` where the packet
// number stands. Replaces `out` by the frames. False when the keys do not open it.
[[nodiscard]] bool open_quic_packet(const QuicInitialKeys& keys, ByteSpan packet, size_t pn_offset,
                                    std::vector<uint8_t>& out);

// The reverse, for tests and lab traffic: `header` up to and with the packet number of `pn_bytes`
// bytes. Appends the protected packet to `out`.
[[nodiscard]] bool seal_quic_packet(const QuicInitialKeys& keys, ByteSpan header, size_t pn_bytes,
                                    ByteSpan frames, std::vector<uint8_t>& out);

}  // namespace weir::inspect
