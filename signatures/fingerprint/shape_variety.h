// How much the shapes of one file say, window by window and line by line: how many different
// symbols there are, and different triples of neighbours. Each place of the whole text knows how
// far behind it the same symbol, and the same triple, stood last: a place is the first of its kind
// in a window when that is further than the window's begin. So a window is sixteen bytes a step of
// comparing. shape_says_little and pair_says_little (shape.h) say the same of bytes alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "signatures/fingerprint/shape.h"

namespace weir::signatures {

// Keeps its memory from text to text.
class ShapeVariety {
 public:
  // `shape` must stay as it is.
  void read(ByteSpan shape);
  [[nodiscard]] bool window_says_little(size_t at, uint32_t& variety) const noexcept;
  [[nodiscard]] bool pair_says_little(size_t at, size_t size, uint32_t& variety) const noexcept;

 private:
  // How many of [at, at + size) are first of their kind there.
  static uint32_t count(const uint8_t* behind, size_t size) noexcept;

  ByteSpan shape_;
  // Of each place: how far behind it the same stood last, at most 255; zeros behind the last.
  std::vector<uint8_t> symbols_;
  std::vector<uint8_t> triples_;  // that begin here
};

}  // namespace weir::signatures
