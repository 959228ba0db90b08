// Hits in the order in which spans are made of them.
#pragma once

#include <cstddef>
#include <vector>

#include "inspect/detect/code_spans.h"
#include "signatures/fingerprint/index_probe.h"

namespace weir::inspect {

// The hits of one file: those from `begin` on, before `end`.
struct HitsOfFile {
  uint32_t file = 0;
  size_t begin = 0;
  size_t end = 0;
};

// Orders `hits` by file and, within a file, by text line, and leaves out those whose file is not in
// the index or hidden by a newer layer. The order is a total one: the same hits in any order come
// out the same. Takes time in proportion to the hits, as a leak of megabytes has very many.
[[nodiscard]] std::vector<HitsOfFile> order_hits(const signatures::IndexProbe& index,
                                                 std::vector<CodeHit>& hits);

}  // namespace weir::inspect
