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
  Counter drip_files;
  Counter drip_files_replaced;
  Counter drip_lines_dropped;
  Counter drips;
};

inline constexpr CounterTable<CodeCounters, 13> kCodeCounters{{
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
    {"code_drip_files", &CodeCounters::drip_files,
     "files of which too little was found to be told, remembered by client and host"},
    {"code_drip_files_replaced", &CodeCounters::drip_files_replaced,
     "remembered files that made room for others before their time, at drip_files"},
    {"code_drip_lines_dropped", &CodeCounters::drip_lines_dropped,
     "lines not remembered, at drip_lines a file"},
    {"code_drips", &CodeCounters::drips, "files told for several requests together"},
}};
static_assert(describes_all(kCodeCounters));

}  // namespace weir::inspect
