// The consumer of a reassembled byte stream.
// Call order: on_data* (on_gap on_data*)* on_end, per direction; after kDone, kNotMine or
// kMalformed no further on_data or on_gap for that flow.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/direction.h"

namespace weir::inspect {

enum class DecodeStatus : uint8_t {
  kContinue,
  kDone,       // all that this decoder wanted has been seen; the rest may pass uninspected
  kNotMine,    // another protocol: the caller may probe again from the start of the stream
  kMalformed,  // not decodable any more; the caller scans the rest as raw bytes
};

enum class EndReason : uint8_t { kComplete, kGap, kReset, kTimeout, kLimit, kMalformed, kEvicted };

// Whether bytes from the start of a stream belong to a protocol. kMaybe: more bytes are needed.
enum class ProbeAnswer : uint8_t { kNo, kMaybe, kYes };

class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  // Consumes all of `data`; keeps what it needs for later in its own bounded memory.
  [[nodiscard]] virtual DecodeStatus on_data(Direction, ByteSpan data) noexcept = 0;
  // `bytes` stream bytes were lost (not captured, or dropped at a limit).
  [[nodiscard]] virtual DecodeStatus on_gap(Direction, uint64_t bytes) noexcept = 0;
  virtual void on_end(Direction, EndReason) noexcept = 0;
};

}  // namespace weir::inspect
