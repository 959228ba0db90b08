// The channel that finds protected source code: normalises the pieces of text, looks fingerprints
// up in an index, searches for the critical lines, and tells spans of protected files.
#pragma once

#include <memory>

#include "core/limits.h"
#include "inspect/detect/code_counters.h"
#include "inspect/detect/code_spans.h"
#include "inspect/detect/text_block.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

class DripMemory;

struct CodeOptions {
  bool shapes = true;  // look for renamed code too, which costs a fifth of the time
  double least_score = kLeastScore;
  // What too little of was found to be told is added up there over requests; null: it is not.
  std::shared_ptr<DripMemory> drips;
  uint32_t number = 0;  // of the index, among those that share the memory
  // Is shown what the score is made of, at the end of each request; null: nobody asks.
  JudgeWatch* watch = nullptr;
};

// `scratch` is prepared for the index's critical lines here and used by every on_block; it must
// outlive the channel.
std::unique_ptr<DetectionChannel> make_code_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    signatures::PatternScratch& scratch);
// The same, with counters that the caller keeps.
std::unique_ptr<DetectionChannel> make_code_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    signatures::PatternScratch& scratch, CodeCounters& counters, const CodeOptions& options = {});

}  // namespace weir::inspect
