// What the HTTP/2 decoder counts: every exit of it, and all that it could not read or had to bound.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct Http2Counters {
  Counter requests;
  Counter nameless_requests;
  Counter data_frames;
  Counter body_bytes;
  Counter padding_bytes;
  Counter header_blocks;
  Counter continuations;
  Counter continuation_floods;
  Counter headers_dropped;
  Counter header_values_cut;
  Counter odd_fields;
  Counter host_conflict;
  Counter unknown_fields;
  Counter hpack_errors;
  Counter hpack_state_lost;
  Counter trailers;
  Counter pushes;
  Counter goaways;
  Counter resets_by_client;
  Counter resets_by_server;
  Counter resets_without_body;
  Counter streams_evicted;
  Counter websockets;
  Counter tunnels;
  Counter odd_frames;
  Counter frames_handed_on;
  Counter sync_lost;
  Counter sync_found;
  Counter gaps_in_body;
  Counter gaps_in_headers;
  Counter gaps_between;
  Counter raw_bytes;
  Counter ended_in_body;
  Counter answers_abandoned;
};

inline constexpr CounterTable<Http2Counters, 34> kHttp2Counters = {{
    {"requests", &Http2Counters::requests, "requests whose header block was seen"},
    {"nameless_requests", &Http2Counters::nameless_requests,
     "streams or stretches of bytes without a header block, handed on as they were"},
    {"data_frames", &Http2Counters::data_frames, "DATA frames of clients"},
    {"body_bytes", &Http2Counters::body_bytes, "body bytes of requests, gaps apart"},
    {"padding_bytes", &Http2Counters::padding_bytes, "bytes of padding, not inspected"},
    {"header_blocks", &Http2Counters::header_blocks, "header blocks of clients"},
    {"continuations", &Http2Counters::continuations, "CONTINUATION frames"},
    {"continuation_floods", &Http2Counters::continuation_floods,
     "header blocks of far more frames than any client needs"},
    {"headers_dropped", &Http2Counters::headers_dropped,
     "fields over the limits headers or header_bytes"},
    {"header_values_cut", &Http2Counters::header_values_cut,
     "header values cut at header_line_bytes"},
    {"odd_fields", &Http2Counters::odd_fields,
     "pseudo-header fields that are repeated, unknown or misplaced, and bad lengths"},
    {"host_conflict", &Http2Counters::host_conflict, ":authority with another Host"},
    {"unknown_fields", &Http2Counters::unknown_fields,
     "fields whose name or value stood in a dynamic table entry that was not seen"},
    {"hpack_errors", &Http2Counters::hpack_errors,
     "header blocks that could not be decoded to their end"},
    {"hpack_state_lost", &Http2Counters::hpack_state_lost,
     "times that the dynamic table became unknown: late start, gap, error"},
    {"trailers", &Http2Counters::trailers, "header blocks behind a body, not inspected"},
    {"pushes", &Http2Counters::pushes, "PUSH_PROMISE frames of clients"},
    {"goaways", &Http2Counters::goaways, "GOAWAY frames of clients"},
    {"resets_by_client", &Http2Counters::resets_by_client, "requests that the client reset"},
    {"resets_by_server", &Http2Counters::resets_by_server, "requests that the server reset"},
    {"resets_without_body", &Http2Counters::resets_without_body,
     "requests that were reset before any body (many of them: rapid reset)"},
    {"streams_evicted", &Http2Counters::streams_evicted,
     "idlest streams that made room at the limit http2_streams"},
    {"websockets", &Http2Counters::websockets, "streams opened by CONNECT for a WebSocket"},
    {"tunnels", &Http2Counters::tunnels, "streams opened by CONNECT that carried a tunnel"},
    {"odd_frames", &Http2Counters::odd_frames,
     "frames that break the protocol but could be followed"},
    {"frames_handed_on", &Http2Counters::frames_handed_on,
     "frames of no request that are too long to be what they say, handed on as they were"},
    {"sync_lost", &Http2Counters::sync_lost, "times that frames could not be followed"},
    {"sync_found", &Http2Counters::sync_found, "times that frames were found again"},
    {"gaps_in_body", &Http2Counters::gaps_in_body, "gaps placed exactly in a body"},
    {"gaps_in_headers", &Http2Counters::gaps_in_headers, "gaps in header blocks"},
    {"gaps_between", &Http2Counters::gaps_between, "gaps that lost the frames"},
    {"raw_bytes", &Http2Counters::raw_bytes, "bytes outside any frame that was understood"},
    {"ended_in_body", &Http2Counters::ended_in_body, "requests open when their connection ended"},
    {"answers_abandoned", &Http2Counters::answers_abandoned,
     "connections whose server was no longer followed (gap or not understood)"},
}};
static_assert(describes_all(kHttp2Counters));

}  // namespace weir::inspect
