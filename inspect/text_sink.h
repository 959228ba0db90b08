// What unwrapping emits: text, in pieces, each with the path that led to it.
// (on_piece on_text* on_piece_end)*; pieces do not nest or interleave.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// Views are valid during on_piece only.
struct PieceStart {
  std::string_view path;   // e.g. "http/body>gzip>json:messages[3].content"
  std::string_view label;  // nearest name: JSON key, form field, header; may be empty
  uint64_t offset = 0;     // in the client-to-server stream, of the bytes that begin the piece
};

class TextSink {
 public:
  virtual ~TextSink() = default;
  virtual void on_piece(const PieceStart& start) noexcept = 0;
  // Decoded text, in any cut; valid during the call only.
  virtual void on_text(ByteSpan text) noexcept = 0;
  virtual void on_piece_end(EndReason) noexcept = 0;
};

}  // namespace weir::inspect
