// Makes one index of several that were made with the same key, as when repositories are indexed
// where they are kept and one sensor guards them all: text is then read once, not once an index.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace weir::signatures {

struct IndexMergeReport {
  uint64_t files = 0;
  uint64_t lines = 0;
  uint64_t fingerprints = 0;
  uint64_t dropped_common = 0;  // fingerprints in more files than one index would keep
  uint64_t critical_lines = 0;
  uint64_t names = 0;
  uint64_t digests = 0;
};

// Verifies each index first. Files are numbered through in the order given; `out` appears when it
// is complete, and may be one of `paths`. What only the sources can tell is not made up for: code
// that is public for one index, and lines dropped from one as common, stay as they are in the
// others.
Result<IndexMergeReport> merge_indexes(const std::vector<std::string>& paths,
                                       const std::string& out);

}  // namespace weir::signatures
