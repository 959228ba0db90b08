// The channel that finds digests of whole protected files: runs of 32, 40 or 64 hexadecimal digits,
// and of 22, 27 or 43 base64 or base64url digits, are decoded and looked up in an index. Looks at
// all text, labels of pieces included (a digest may be a key). Does not know digests that stand in
// the text as raw bytes.
#pragma once

#include <memory>

#include "core/limits.h"
#include "inspect/detect/detect_counters.h"
#include "inspect/detect/text_block.h"
#include "signatures/fingerprint/code_index.h"

namespace weir::inspect {

// Null when the index knows no digests. `counters` must outlive the channel.
std::unique_ptr<DetectionChannel> make_digest_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    DetectCounters& counters);

}  // namespace weir::inspect
