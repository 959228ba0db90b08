// What the HTTP/3 decoder counts: every exit of it, and all that it could not read or had to bound.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct Http3Counters {
  Counter requests;
  Counter nameless_requests;
  Counter data_frames;
  Counter body_bytes;
  Counter header_blocks;
  Counter blocked_blocks;
  Counter blocked_given_up;
  Counter headers_dropped;
  Counter header_values_cut;
  Counter odd_fields;
  Counter host_conflict;
  Counter unknown_fields;
  Counter qpack_errors;
  Counter qpack_table_lost;
  Counter blocks_cut;
  Counter trailers;
  Counter websockets;
  Counter tunnels;
  Counter frames_skipped;
  Counter frames_handed_on;
  Counter framing_lost;
  Counter raw_bytes;
  Counter resets;
  Counter streams_dropped;
  Counter dropped_bytes;
  Counter control_bytes;
  Counter skipped_bytes;
};

inline constexpr CounterTable<Http3Counters, 27> kHttp3Counters = {{
    {"requests", &Http3Counters::requests, "requests whose header block was seen"},
    {"nameless_requests", &Http3Counters::nameless_requests,
     "streams or stretches of bytes without a header block, handed on as they were"},
    {"data_frames", &Http3Counters::data_frames, "DATA frames of clients"},
    {"body_bytes", &Http3Counters::body_bytes, "body bytes of requests, gaps apart"},
    {"header_blocks", &Http3Counters::header_blocks, "header blocks of clients"},
    {"blocked_blocks", &Http3Counters::blocked_blocks,
     "header blocks that had to wait for the encoder's stream"},
    {"blocked_given_up", &Http3Counters::blocked_given_up,
     "of these, read without what they waited for"},
    {"headers_dropped", &Http3Counters::headers_dropped,
     "fields over the limits headers or header_bytes"},
    {"header_values_cut", &Http3Counters::header_values_cut,
     "header values cut at header_line_bytes"},
    {"odd_fields", &Http3Counters::odd_fields,
     "pseudo-header fields that are repeated, unknown or misplaced, and bad lengths"},
    {"host_conflict", &Http3Counters::host_conflict, ":authority with another Host"},
    {"unknown_fields", &Http3Counters::unknown_fields,
     "fields whose name or value stood in a dynamic table entry that was not seen"},
    {"qpack_errors", &Http3Counters::qpack_errors,
     "header blocks and encoder streams that could not be decoded to their end"},
    {"qpack_table_lost", &Http3Counters::qpack_table_lost,
     "times that the dynamic table became unknown: late start, gap, error, limit"},
    {"blocks_cut", &Http3Counters::blocks_cut, "header blocks over header_bytes, or with a gap"},
    {"trailers", &Http3Counters::trailers, "header blocks behind a body, not inspected"},
    {"websockets", &Http3Counters::websockets, "streams opened by CONNECT for a WebSocket"},
    {"tunnels", &Http3Counters::tunnels, "tunnels of CONNECT that carried anything"},
    {"frames_skipped", &Http3Counters::frames_skipped, "short frames of no request"},
    {"frames_handed_on", &Http3Counters::frames_handed_on,
     "long frames of unknown types, handed on as they were"},
    {"framing_lost", &Http3Counters::framing_lost,
     "streams whose frames could not be followed behind a gap"},
    {"raw_bytes", &Http3Counters::raw_bytes, "bytes outside any frame that was understood"},
    {"resets", &Http3Counters::resets, "requests that were cut short"},
    {"streams_dropped", &Http3Counters::streams_dropped,
     "streams that were not read because too many were open"},
    {"dropped_bytes", &Http3Counters::dropped_bytes, "bytes of these, not read"},
    {"control_bytes", &Http3Counters::control_bytes,
     "bytes of the client's control and decoder streams, not inspected"},
    {"skipped_bytes", &Http3Counters::skipped_bytes,
     "bytes of short frames and short streams of no request, not inspected"},
}};
static_assert(describes_all(kHttp3Counters));

}  // namespace weir::inspect
