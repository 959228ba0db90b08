// Where decrypted bytes go. Per direction: on_clear_data* (on_clear_gap on_clear_data*)*
// on_clear_end.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/direction.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

class ClearSink {
 public:
  virtual ~ClearSink() = default;
  // In stream order; the view is valid during the call.
  virtual void on_clear_data(Direction, ByteSpan data) noexcept = 0;
  // `bytes` of cleartext are missing; 0 when nobody knows how many.
  virtual void on_clear_gap(Direction, uint64_t bytes) noexcept = 0;
  virtual void on_clear_end(Direction, EndReason) noexcept = 0;  // at most once a direction
};

}  // namespace weir::inspect
