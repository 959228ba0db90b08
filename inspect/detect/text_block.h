// Text as the detection channels read it: cache-sized blocks of one request's decoded text. A block
// holds many small pieces or a part of a large one, so a channel pays per block, not per JSON
// string. Between pieces stands glue: the piece's label and separators ("\npassword: "), which
// gives content rules the context of a value; it belongs to no piece, and code matching leaves it
// out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/evidence.h"
#include "inspect/request_context.h"

namespace weir::inspect {

// The part of a piece that stands in one block.
struct PieceMark {
  uint32_t begin = 0;      // first byte in TextBlock::text
  uint32_t end = 0;        // one past the last
  uint32_t number = 0;     // of the piece in the request, from 0
  bool continues = false;  // it began in an earlier block
  bool gap_before =
      false;            // bytes of the request were lost between this piece and what came before
  uint64_t offset = 0;  // PieceStart::offset
  std::string path;     // PieceStart::path
  std::string label;    // PieceStart::label
};

struct TextBlock {
  uint64_t position = 0;  // of text[0] in all text (glue included) of the request
  ByteSpan text;
  // Up to kLookBehind bytes of text that came before, standing directly before text.data() in
  // memory; so a match that ends in this block can be read back to its start.
  size_t look_behind = 0;
  std::span<const PieceMark> pieces;  // ascending, not overlapping
};

inline constexpr size_t kLookBehind = 1024;
inline constexpr size_t kBlockBytes = 16 * 1024;

// One channel of detection over one request. reset() makes it ready for the next request; a channel
// keeps its memory. on_block* on_end; collect() may be called at any time after.
class DetectionChannel {
 public:
  virtual ~DetectionChannel() = default;
  // Before the first block, where the request is known; not for bare text.
  virtual void on_request(const RequestContext& /*context*/) noexcept {}
  virtual void on_block(const TextBlock& block) noexcept = 0;
  virtual void on_end() noexcept = 0;
  // True when evidence arose since the last collect(); cheap.
  [[nodiscard]] virtual bool has_news() const noexcept = 0;
  // Appends all evidence of the request so far (complete, not only what is new).
  virtual void collect(std::vector<Evidence>& out) = 0;
  virtual void reset() noexcept = 0;
};

}  // namespace weir::inspect
