// How sure it is that a request holds code of a file: a logistic model over what all its runs in
// that file say together. Its weights were fitted to labelled cases; docs/detection.md explains
// them and tells how sure a score is.
#pragma once

#include <span>
#include <vector>

#include "inspect/detect/code_runs.h"

namespace weir::inspect {

// What runs say. Each hash counts once, however often it stands in the text: a line that comes
// again and again says no more than one.
struct CodeSigns {
  double lines = 0;    // whole lines
  double masked = 0;   // lines that differ in their string literals alone
  double windows = 0;  // windows in other lines
  double couples = 0;
  double shapes = 0;
  double pairs = 0;
  double same_tags = 0;    // lines beside those that were found, equal by their tag, by tokens
  double same_shapes = 0;  // likewise, by their shape
  double density = 1;      // of the tokens near what was found, the share that belongs to it
  double foreign = 0;      // tokens near it that do not
  uint32_t strong = 0;     // lines that say something by themselves
  uint32_t different = 0;  // lines and tags
};

// A file of which too little was found to be told.
struct WeakFile {
  uint32_t file = 0;
  CodeSigns signs;
  std::vector<CodeHit> hits;  // of text
};

// Text lines for which explained[line] is true are no foreign code: another file holds them.
[[nodiscard]] CodeSigns signs_of(const FileRuns& runs, const signatures::IndexProbe& index,
                                 const std::vector<bool>& explained);
// What was found of the text, not of its shape.
[[nodiscard]] double text_of(const CodeSigns& signs) noexcept;
[[nodiscard]] double score_of(const CodeSigns& signs) noexcept;

}  // namespace weir::inspect
