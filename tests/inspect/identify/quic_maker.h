// Builds protected QUIC Initial packets for tests, with the project's own sealing, which the RFC
// vectors check.
#pragma once

#include "core/check.h"
#include "inspect/identify/quic_keys.h"
#include "tests/inspect/identify/hello_maker.h"

namespace weir::test {

inline void put_varint(Bytes& out, uint64_t value) {
  if (value < 64) {
    put_uint(out, value, 1);
  } else if (value < 16384) {
    put_uint(out, value | 0x4000, 2);
  } else {
    put_uint(out, value | 0x80000000, 4);
  }
}

inline Bytes crypto_frame(uint64_t offset, const Bytes& data, uint8_t type = 6) {
  Bytes out{type};
  put_varint(out, offset);
  put_varint(out, data.size());
  put(out, ByteSpan(data));
  return out;
}

// A packet to `dcid`, padded to `size`, under the keys of `key_id` (empty: of dcid).
inline Bytes initial(uint32_t version, const Bytes& dcid, uint32_t number, Bytes frames,
                     size_t size = 1200, inspect::QuicSide side = inspect::QuicSide::kClient,
                     const Bytes& key_id = {}) {
  const inspect::QuicVersionTraits* traits = inspect::quic_version_traits(version);
  Bytes header{static_cast<uint8_t>(traits->v2_types ? 0xd3 : 0xc3)};
  put_uint(header, version, 4);
  put_sized(header, dcid, 1);
  put_sized(header, Bytes{9, 9}, 1);
  put_varint(header, 0);  // token
  const size_t overhead = header.size() + 2 + 4 + 16;
  if (frames.size() + overhead < size) frames.resize(size - overhead);
  put_uint(header, (4 + frames.size() + 16) | 0x4000, 2);
  put_uint(header, number, 4);
  const auto keys =
      inspect::derive_quic_initial_keys(*traits, key_id.empty() ? dcid : key_id, side);
  Bytes out;
  WEIR_CHECK(keys && inspect::seal_quic_packet(*keys, header, 4, frames, out));
  return out;
}

}  // namespace weir::test
