// Frames of QUIC packets (RFC 9000 section 19, DATAGRAM of RFC 9221), one after the other. Only
// what inspection needs is given out; all others are stepped over. A frame of an unknown type ends
// the reading, as its length is not known.
#pragma once

#include <cstdint>

#include "core/byte_reader.h"
#include "core/bytes.h"

namespace weir::inspect {

struct QuicFrame {
  enum class Kind : uint8_t {
    kCrypto,
    kStream,
    kReset,  // RESET_STREAM: `offset` is the final size
    kStop,   // STOP_SENDING
    kNewId,  // NEW_CONNECTION_ID: `data` is the id
    kDatagram,
    kClose,  // CONNECTION_CLOSE
  };
  Kind kind = Kind::kCrypto;
  bool fin = false;
  uint64_t stream = 0;
  uint64_t reliable = 0;  // of a reset: what is sent nevertheless
  uint64_t offset = 0;
  ByteSpan data;  // points into the packet
};

class QuicFrameReader {
 public:
  explicit QuicFrameReader(ByteSpan payload) noexcept : in_(payload) {}

  // The next frame of use; false at the end, or where the rest cannot be read.
  [[nodiscard]] bool next(QuicFrame& out) noexcept;
  // After next() was false: all was read.
  [[nodiscard]] bool ok() const noexcept { return in_.ok() && !unknown_; }

 private:
  void skip_ack(bool ecn) noexcept;

  ByteReader in_;
  bool unknown_ = false;
};

}  // namespace weir::inspect
