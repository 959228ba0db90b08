// The union of evidence that an incident keeps.
#pragma once

#include <cstddef>
#include <vector>

#include "core/evidence.h"

namespace weir::alert {

struct EvidenceChange {
  bool grown = false;  // something new: a piece, a line, a higher score
  size_t dropped = 0;  // pieces lost to the bound
};

// Adds `piece` to `pieces`. Pieces of one kind, repository and path whose line ranges overlap or
// touch become one; other pieces are the same when kind, rule, repository, path and excerpt are.
EvidenceChange add_evidence(std::vector<Evidence>& pieces, Evidence&& piece, size_t limit);

}  // namespace weir::alert
