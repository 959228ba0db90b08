// The chunked transfer coding (RFC 9112 section 7.1) over any cut of the bytes: tells which bytes
// are body. Line ends may be bare LF. Extensions and trailers are skipped and counted by length.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "inspect/http/http1_syntax.h"

namespace weir::inspect {

class ChunkReader {
 public:
  enum class Step : uint8_t { kContinue, kDone, kMalformed, kLimit };

  // Most bytes of one extension and of all trailers.
  void begin(size_t line_limit, size_t trailer_limit) noexcept;

  // Takes bytes from the front of `data` (at least one when there is one and the answer is
  // kContinue). `body` is what of them is body. kMalformed, kLimit: data begins with the bytes
  // that were not taken.
  [[nodiscard]] Step next(ByteSpan& data, ByteSpan& body) noexcept;
  // Whether the next `bytes` bytes are all inside the current chunk; if so they count as read.
  [[nodiscard]] bool skip(uint64_t bytes) noexcept;

  [[nodiscard]] uint64_t extension_bytes() const noexcept { return extensions_; }
  [[nodiscard]] uint64_t trailer_bytes() const noexcept {
    return trailers_ > 2 ? trailers_ - 2 : 0;  // without the empty line
  }

 private:
  enum class State : uint8_t { kSize, kExtension, kData, kDataEnd, kDataEndLf, kTrailers };

  State state_ = State::kSize;
  uint64_t left_ = 0;
  bool digits_ = false;
  bool extension_ = false;
  size_t line_limit_ = 0;
  size_t trailer_limit_ = 0;
  size_t line_ = 0;
  uint64_t extensions_ = 0;
  size_t trailers_ = 0;
  HeadEndFinder trailer_end_;
};

}  // namespace weir::inspect
