// The channel that finds protected source code: normalises the pieces of text, looks fingerprints
// up in an index, searches for the critical lines, and tells spans of protected files.
#pragma once

#include <memory>

#include "core/limits.h"
#include "inspect/detect/code_counters.h"
#include "inspect/detect/text_block.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

// `scratch` is prepared for the index's critical lines here and used by every on_block; it must
// outlive the channel.
std::unique_ptr<DetectionChannel> make_code_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    signatures::PatternScratch& scratch);
// The same, with counters that the caller keeps. Without `shapes` renamed code is not looked for,
// which costs a fifth of the time.
std::unique_ptr<DetectionChannel> make_code_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    signatures::PatternScratch& scratch, CodeCounters& counters, bool shapes = true);

}  // namespace weir::inspect
