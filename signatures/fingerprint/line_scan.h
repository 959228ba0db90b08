// Whole lines, normalised 64 bytes a step where the machine has AVX-512 VBMI2: what Normaliser and
// ShapeReader give line by line, byte for byte. Normaliser uses it for all lines that a chunk of
// text holds whole; their own code does the ends of chunks, long lines, and other machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace weir::signatures {

[[nodiscard]] bool has_line_scan() noexcept;

// Where results go: bytes, which need room for the text and 64 more, and the ends of lines.
struct LineScanOutput {
  uint8_t* to;  // base bytes before it are counted in the ends
  uint32_t base;
  std::vector<uint32_t>& ends;
};

// `text` begins at the start of a line and ends with a newline. Returns the normalised bytes.
size_t scan_lines(ByteSpan text, const LineScanOutput& normal) noexcept;
// The same, and the shape: `last_token` is the one before, and then the last. `shape_size` becomes
// the shape bytes.
size_t scan_lines(ByteSpan text, const LineScanOutput& normal, const LineScanOutput& shape,
                  uint8_t& last_token, size_t& shape_size) noexcept;

}  // namespace weir::signatures
