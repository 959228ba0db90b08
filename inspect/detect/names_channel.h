// The channel that finds distinctive names of protected repositories (names_picker.h), where no
// line of code was copied: questions about the code, stack traces, paraphrases. Names are searched
// for as whole words in all text, labels of pieces included. One name is weak evidence; a request
// that holds several of one repository is about it.
#pragma once

#include <memory>

#include "core/limits.h"
#include "inspect/detect/detect_counters.h"
#include "inspect/detect/text_block.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

// Null when the index knows no names. `scratch` is prepared here and used by every on_block; it and
// `counters` must outlive the channel.
std::unique_ptr<DetectionChannel> make_names_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    signatures::PatternScratch& scratch, DetectCounters& counters);

}  // namespace weir::inspect
