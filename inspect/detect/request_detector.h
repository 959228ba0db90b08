// The detector of one request: gathers decoded text into blocks, runs every channel over each
// block, and collects evidence. Reused from request to request; keeps its memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/counters.h"
#include "core/evidence.h"
#include "core/limits.h"
#include "core/result.h"
#include "inspect/text_sink.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"

namespace weir::inspect {

// What is looked for; immutable, shared by all workers, part of the snapshot.
struct DetectorSet {
  std::shared_ptr<const signatures::RuleSet> rules;                   // may be null
  std::vector<std::shared_ptr<const signatures::CodeIndex>> indexes;  // may be empty
  uint32_t min_lines = 5;  // code evidence of fewer lines is dropped, critical lines apart
};

// class RequestDetector final : public TextSink
//   static Result<std::unique_ptr<RequestDetector>> make(std::shared_ptr<const DetectorSet>,
//                                                        const Limits&, PatternScratch&)
//   void begin() noexcept            // a new request
//   on_piece / on_text / on_piece_end: from the unwrapper
//   bool has_news() const noexcept   // evidence arose since the last collect(); the block in
//                                    // progress is not read yet (flush() reads it)
//   void flush() noexcept            // read what is buffered now (end of a packet, inline mode)
//   void finish() noexcept           // end of request
//   void collect(std::vector<Evidence>&)
//   uint64_t text_bytes() const noexcept

}  // namespace weir::inspect
