// A raw deflate stream (RFC 1951) in pieces, as permessage-deflate of WebSocket uses it (RFC 7692):
// the window lives on from message to message, and blocks may go on behind one that was marked as
// the last. Any window size is decoded. Bounds on the output are the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/bytes.h"

namespace weir::inspect {

class RawInflater {
 public:
  RawInflater() noexcept;
  ~RawInflater();
  RawInflater(RawInflater&&) noexcept;
  RawInflater& operator=(RawInflater&&) noexcept;

  // Decodes from the front of `in` into `room` and returns how much was written, leaving in `in`
  // what was not taken: nothing, unless `room` was filled. Then more output may be due even when
  // nothing is left.
  [[nodiscard]] size_t inflate(ByteSpan& in, std::span<uint8_t> room) noexcept;
  // The input is no deflate; nothing more is decoded.
  [[nodiscard]] bool corrupt() const noexcept { return corrupt_; }

  // The next byte begins a stream with an empty window.
  void reset() noexcept;
  // The next byte begins a block, but the window is not known: what refers to it is decoded as
  // spaces.
  void reset_unknown_window() noexcept;

 private:
  struct Library;
  void restart(ByteSpan window) noexcept;

  std::unique_ptr<Library> library_;
  bool corrupt_ = false;
};

}  // namespace weir::inspect
