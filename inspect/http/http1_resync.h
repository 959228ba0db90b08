// Finds the next request line in bytes whose framing was lost: mid-stream starts, gaps, malformed
// messages. A body need not end with a line end, so a request line may follow any byte:
// METHOD SP target SP "HTTP/1." digit [CR] LF, with one of the known methods.
#pragma once

#include <cstddef>

#include "core/bytes.h"

namespace weir::inspect {

struct Resync {
  size_t plain = 0;    // bytes that certainly belong to no request line
  bool found = false;  // a request line begins behind them; else more bytes may show one
};

// Bytes behind `plain` must be given again, followed by what comes next; at most 8 KiB.
[[nodiscard]] Resync find_request_line(ByteSpan bytes) noexcept;

}  // namespace weir::inspect
