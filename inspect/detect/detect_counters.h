// What detection counts; shared by the detectors of one worker.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct DetectCounters {
  Counter requests;
  Counter text_bytes;
  Counter blocks;
  Counter few_lines;
  Counter evidence_over_limit;
  Counter rule_candidates;
  Counter rule_hits;
  Counter rule_repeats;
  Counter rule_candidates_over_limit;
  Counter rule_hits_over_limit;
  Counter scan_failures;
  Counter digest_lookups;
  Counter digest_hits;
  Counter digest_dropped;
  Counter names_found;
  Counter names_beside_code;
  Counter environment_fields;
  Counter environment_values;
  Counter environment_dropped;
  Counter marks_lines;
  Counter marks_found;
  Counter marks_dropped;
  Counter templates_kept;
  Counter templates_replaced;
  Counter template_writings_replaced;
};
inline constexpr CounterTable<DetectCounters, 25> kDetectCounters{{
    {"detect_requests", &DetectCounters::requests, "requests whose text was read"},
    {"detect_text_bytes", &DetectCounters::text_bytes, "bytes of decoded text read"},
    {"detect_blocks", &DetectCounters::blocks, "blocks of text read"},
    {"detect_few_lines", &DetectCounters::few_lines,
     "code evidence dropped because it has fewer lines than protect.min_lines"},
    {"detect_evidence_over_limit", &DetectCounters::evidence_over_limit,
     "evidence dropped at evidence_per_request, the least sure first"},
    {"rule_candidates", &DetectCounters::rule_candidates,
     "matches of content rules before validation"},
    {"rule_hits", &DetectCounters::rule_hits, "confirmed matches of content rules"},
    {"rule_repeats", &DetectCounters::rule_repeats,
     "confirmed matches that the same request held before"},
    {"rule_candidates_over_limit", &DetectCounters::rule_candidates_over_limit,
     "matches not looked at, at rule_candidates a request or too many at once"},
    {"rule_hits_over_limit", &DetectCounters::rule_hits_over_limit,
     "confirmed matches not kept, at evidence_per_request"},
    {"rule_scan_failures", &DetectCounters::scan_failures,
     "calls that the matcher refused: a fault of the program"},
    {"digest_lookups", &DetectCounters::digest_lookups,
     "runs of hexadecimal or base64 digits looked up as digests of files"},
    {"digest_hits", &DetectCounters::digest_hits,
     "digests of protected files, each once a request"},
    {"digest_dropped", &DetectCounters::digest_dropped,
     "digests of protected files beyond evidence_per_request"},
    {"names_found", &DetectCounters::names_found,
     "distinctive names of protected repositories, each once a request"},
    {"names_beside_code", &DetectCounters::names_beside_code,
     "evidence of names left out because the request holds code of the same repository"},
    {"environment_fields", &DetectCounters::environment_fields,
     "values looked at because of the name they stand under, or because they are long"},
    {"environment_values", &DetectCounters::environment_values,
     "of them environment data, repeats included"},
    {"environment_dropped", &DetectCounters::environment_dropped,
     "environment data beyond evidence_per_request"},
    {"marks_lines", &DetectCounters::marks_lines, "lines of instructions looked at for marks"},
    {"marks_found", &DetectCounters::marks_found, "marks and drifts told"},
    {"marks_dropped", &DetectCounters::marks_dropped, "marks beyond evidence_per_request"},
    {"templates_kept", &DetectCounters::templates_kept,
     "lines of instructions that are remembered with what marks them"},
    {"templates_replaced", &DetectCounters::templates_replaced,
     "remembered lines that made room for others, at template_lines"},
    {"template_writings_replaced", &DetectCounters::template_writings_replaced,
     "writings of a remembered line that made room for others, at eight a line"},
}};
static_assert(describes_all(kDetectCounters));

}  // namespace weir::inspect
