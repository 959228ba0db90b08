// From a request body to text: content codings, then containers (JSON, multipart, urlencoded, …),
// nested up to a depth, streaming. Text goes to a TextSink in pieces.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/bytes.h"
#include "core/counters.h"
#include "core/limits.h"
#include "inspect/stream_decoder.h"
#include "inspect/text_sink.h"

namespace weir::inspect {

struct BodyInfo {
  std::string_view path;              // "http/body"
  std::string_view content_type;      // as sent; empty: found by content
  std::string_view content_encoding;  // as sent, e.g. "gzip, br"; empty: none
};

// class Unwrapper
//   Unwrapper(const Limits&, UnwrapCounters&)
//   void begin(const BodyInfo&, TextSink&) noexcept      // reusable: begin() … end() again and
//   again void on_data(ByteSpan, uint64_t offset) noexcept     // offset in the client-to-server
//   stream void on_gap(uint64_t bytes) noexcept void end(EndReason) noexcept bool opaque() const
//   noexcept    // nothing readable was found in it (unknown coding, encrypted)

}  // namespace weir::inspect
