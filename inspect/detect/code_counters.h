// What the code channel counts.
#pragma once

#include "core/counters.h"

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

}  // namespace weir::inspect
