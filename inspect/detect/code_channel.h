// The channel that finds protected source code: normalises the pieces of text, looks fingerprints
// up in an index, searches for the critical lines, and tells spans of protected files.
#pragma once

#include <memory>

#include "core/counters.h"
#include "core/limits.h"
#include "inspect/detect/text_block.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

struct CodeCounters {
  Counter text_bytes;        // read, glue left out
  Counter normal_bytes;      // after normalisation
  Counter probes;            // hashes looked up
  Counter hits;              // of them found
  Counter critical_hits;     // critical lines found
  Counter hits_dropped;      // beyond Limits::fingerprint_hits
  Counter span_searches;     // over all hits of a request
  Counter lines_unfollowed;  // beyond Limits::fingerprint_lines
  Counter scan_failures;     // the matcher refused a scan
};

inline constexpr CounterTable<CodeCounters, 9> kCodeCounters{{
    {"code_text_bytes", &CodeCounters::text_bytes, "text bytes read for protected code"},
    {"code_normal_bytes", &CodeCounters::normal_bytes, "bytes of it after normalisation"},
    {"code_probes", &CodeCounters::probes, "fingerprints looked up"},
    {"code_hits", &CodeCounters::hits, "fingerprints that the index knows"},
    {"code_critical_hits", &CodeCounters::critical_hits, "critical lines found"},
    {"code_hits_dropped", &CodeCounters::hits_dropped, "hits beyond the limit of a request"},
    {"code_span_searches", &CodeCounters::span_searches,
     "times that all hits of a request were put in order"},
    {"code_lines_unfollowed", &CodeCounters::lines_unfollowed,
     "text lines beyond the limit of a request: matches there are not followed line by line"},
    {"code_scan_failures", &CodeCounters::scan_failures, "scans that the matcher refused"},
}};
static_assert(describes_all(kCodeCounters));

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
