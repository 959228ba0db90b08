// Protection of QUIC packets as a sender does it (RFC 9001 section 5, RFC 9369 section 3.3).
#pragma once

#include <cstdint>
#include <string_view>

#include "bench/lab/byte_writer.h"

namespace weir::lab {

// TLS 1.3 cipher suites by number: 0x1301 AES-128-GCM, 0x1302 AES-256-GCM, 0x1303 ChaCha20.
struct QuicKeys {
  uint16_t suite = 0x1301;
  Bytes key;
  Bytes iv;
  Bytes header;
};

inline constexpr uint32_t kQuicV1 = 1;
inline constexpr uint32_t kQuicV2 = 0x6b3343cf;

// 32 or 48, by the suite's hash.
[[nodiscard]] size_t quic_secret_bytes(uint16_t suite);
[[nodiscard]] QuicKeys quic_keys(uint16_t suite, uint32_t version, ByteSpan secret);
// Of the client's or the server's Initial packets.
[[nodiscard]] QuicKeys quic_initial_keys(uint32_t version, ByteSpan client_chosen_id, bool client);
// The secret of the next key phase.
[[nodiscard]] Bytes quic_next_secret(uint16_t suite, uint32_t version, ByteSpan secret);

// `header` ends with a packet number of `number_bytes` bytes; header protection is applied.
[[nodiscard]] Bytes quic_protect(const QuicKeys& keys, ByteSpan header, size_t number_bytes,
                                 uint64_t number, ByteSpan frames);
// A varint of one, two, four or eight bytes.
void put_quic_varint(ByteWriter& out, uint64_t value);

}  // namespace weir::lab
