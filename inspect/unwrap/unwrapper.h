// From a request body to text: content codings, then containers (JSON, multipart, urlencoded, …),
// nested up to a depth, streaming. Text goes to a TextSink in pieces, each with the path that led
// to it. How it works and what it does not do: README.md beside this file.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/stream_decoder.h"
#include "inspect/text_sink.h"
#include "inspect/unwrap/unwrap_counters.h"

namespace weir::inspect {

struct BodyInfo {
  std::string_view path;              // "http/body"
  std::string_view content_type;      // as sent; empty: found by content
  std::string_view content_encoding;  // as sent, e.g. "gzip, br"; empty: none
};

// One body at a time: begin (on_data | on_gap)* end, again and again. Memory is kept from body to
// body: about 10 KB until the first one, then what the codings and containers that were met need
// (some tens of KB each, zstd and brotli windows apart). So share one between many flows where
// bodies do not interleave.
class Unwrapper {
 public:
  // Both must outlive the unwrapper.
  Unwrapper(const Limits& limits, UnwrapCounters& counters);
  ~Unwrapper();
  Unwrapper(const Unwrapper&) = delete;
  Unwrapper& operator=(const Unwrapper&) = delete;

  // Ends a body that is still open first. The views are copied; `sink` must outlive the body.
  void begin(const BodyInfo& info, TextSink& sink) noexcept;
  // `offset`: of data[0] in the client-to-server stream.
  void on_data(ByteSpan data, uint64_t offset) noexcept;
  void on_gap(uint64_t bytes) noexcept;
  void end(EndReason reason) noexcept;
  // The body had bytes and nothing readable came out of it: unknown coding, encrypted, an image.
  // Of the body in progress, or of the last one.
  [[nodiscard]] bool opaque() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::inspect
