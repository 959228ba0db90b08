// The channel that finds covert marks in the text that a client's maker wrote: instructions, system
// messages, and the reminders and environment blocks that agents put into messages. Two ways:
// characters that pass for others in a line that is ASCII otherwise; and lines of one client
// version that read the same and are written differently (template_memory.h), which also finds
// dates whose separator tells something. Neither knows any mark beforehand. What people type is not
// looked at.
#pragma once

#include <memory>

#include "core/limits.h"
#include "inspect/detect/detect_counters.h"
#include "inspect/detect/template_memory.h"
#include "inspect/detect/text_block.h"

namespace weir::inspect {

// `memory` may be null: then lines are not compared between requests. `counters` must outlive the
// channel.
std::unique_ptr<DetectionChannel> make_marks_channel(std::shared_ptr<TemplateMemory> memory,
                                                     const Limits& limits,
                                                     DetectCounters& counters);

}  // namespace weir::inspect
