// The record layer's header (RFC 8446 section 5.1).
#pragma once

#include <cstdint>

#include "inspect/decrypt/record_opener.h"

namespace weir::inspect {

enum RecordType : uint8_t {
  kChangeCipherSpecRecord = 20,
  kAlertRecord = 21,
  kHandshakeRecord = 22,
  kApplicationDataRecord = 23,
  kHeartbeatRecord = 24,
};

inline size_t body_bytes(const RecordHeader& header) noexcept {
  return static_cast<size_t>(header[3]) << 8 | header[4];
}

// A ClientHello as SSL 2 writes it, by which a client that knows it too begins (RFC 5246 appendix
// E.2): the header holds its length, type and version.
inline bool ssl2_hello_header(const RecordHeader& header) noexcept {
  return (header[0] & 0x80) != 0 && header[1] > 3 && header[2] == 1 && header[3] == 3;
}
inline size_t ssl2_body_bytes(const RecordHeader& header) noexcept {
  return (static_cast<size_t>(header[0] & 0x7f) << 8 | header[1]) - 3;
}

inline bool valid_header(const RecordHeader& header) noexcept {
  return header[0] >= kChangeCipherSpecRecord && header[0] <= kHeartbeatRecord && header[1] == 3 &&
         header[2] <= 4 && body_bytes(header) <= kMaxRecordBody;
}

}  // namespace weir::inspect
