// What the HTTP/1 decoder counts: every exit of it, and every leniency that a peer made use of.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct Http1Counters {
  Counter requests;
  Counter nameless_requests;
  Counter bodies_with_length;
  Counter bodies_chunked;
  Counter body_bytes;
  Counter leading_blank_lines;
  Counter odd_header_lines;
  Counter folded_lines;
  Counter heads_malformed;
  Counter heads_too_long;
  Counter heads_no_room;
  Counter header_lines_cut;
  Counter headers_dropped;
  Counter chunks_malformed;
  Counter chunk_extension_bytes;
  Counter trailer_bytes;
  Counter length_conflict;
  Counter host_conflict;
  Counter transfer_codings;
  Counter gaps_in_head;
  Counter gaps_in_body;
  Counter gaps_in_chunks;
  Counter gaps_between;
  Counter heads_found_again;
  Counter not_mine;
  Counter tunnels_connect;
  Counter tunnels_upgrade;
  Counter tunnels_by_content;
  Counter tunnels_refused;
  Counter expect_without_body;
  Counter ended_in_head;
  Counter ended_in_body;
  Counter answers;
  Counter answers_unmatched;
  Counter answers_abandoned;
  Counter outstanding_limit;
};

inline constexpr CounterTable<Http1Counters, 36> kHttp1Counters = {{
    {"requests", &Http1Counters::requests, "request heads that were understood"},
    {"nameless_requests", &Http1Counters::nameless_requests,
     "stretches of bytes without an understood head, handed on as they were"},
    {"bodies_with_length", &Http1Counters::bodies_with_length, "bodies framed by Content-Length"},
    {"bodies_chunked", &Http1Counters::bodies_chunked, "bodies in chunks"},
    {"body_bytes", &Http1Counters::body_bytes, "body bytes of requests, gaps apart"},
    {"leading_blank_lines", &Http1Counters::leading_blank_lines,
     "line ends skipped before a request line"},
    {"odd_header_lines", &Http1Counters::odd_header_lines,
     "header lines without a colon or name, or with white space before the colon"},
    {"folded_lines", &Http1Counters::folded_lines, "header lines continued (obs-fold)"},
    {"heads_malformed", &Http1Counters::heads_malformed, "request heads not understood"},
    {"heads_too_long", &Http1Counters::heads_too_long, "request heads over header_bytes"},
    {"heads_no_room", &Http1Counters::heads_no_room,
     "parts of heads, of all versions of HTTP, beyond the limit header_bytes_total"},
    {"header_lines_cut", &Http1Counters::header_lines_cut,
     "header values or targets cut at header_line_bytes"},
    {"headers_dropped", &Http1Counters::headers_dropped, "fields over the limit of headers"},
    {"chunks_malformed", &Http1Counters::chunks_malformed, "bodies whose chunks broke off"},
    {"chunk_extension_bytes", &Http1Counters::chunk_extension_bytes,
     "bytes of chunk extensions, not inspected"},
    {"trailer_bytes", &Http1Counters::trailer_bytes, "bytes of trailers, not inspected"},
    {"length_conflict", &Http1Counters::length_conflict, "Content-Length beside Transfer-Encoding"},
    {"host_conflict", &Http1Counters::host_conflict,
     "another Host than the absolute target, or than one before"},
    {"transfer_codings", &Http1Counters::transfer_codings, "bodies coded before chunking"},
    {"gaps_in_head", &Http1Counters::gaps_in_head, "request heads lost to a gap"},
    {"gaps_in_body", &Http1Counters::gaps_in_body, "gaps placed exactly in a body"},
    {"gaps_in_chunks", &Http1Counters::gaps_in_chunks, "gaps that lost the chunk framing"},
    {"gaps_between", &Http1Counters::gaps_between, "gaps where a request may have been lost"},
    {"heads_found_again", &Http1Counters::heads_found_again,
     "request heads found after the framing was lost"},
    {"not_mine", &Http1Counters::not_mine, "streams that did not begin as HTTP/1"},
    {"tunnels_connect", &Http1Counters::tunnels_connect, "tunnels after CONNECT"},
    {"tunnels_upgrade", &Http1Counters::tunnels_upgrade, "tunnels after Upgrade"},
    {"tunnels_by_content", &Http1Counters::tunnels_by_content,
     "tunnels told by the client's bytes, the answer being unseen"},
    {"tunnels_refused", &Http1Counters::tunnels_refused, "CONNECT or Upgrade not granted"},
    {"expect_without_body", &Http1Counters::expect_without_body,
     "bodies held back after Expect and a final answer"},
    {"ended_in_head", &Http1Counters::ended_in_head, "streams that ended inside a head"},
    {"ended_in_body", &Http1Counters::ended_in_body, "streams that ended inside a body"},
    {"answers", &Http1Counters::answers, "final answers and 101"},
    {"answers_unmatched", &Http1Counters::answers_unmatched, "answers without a known request"},
    {"answers_abandoned", &Http1Counters::answers_abandoned,
     "connections whose answers were no longer followed (gap or not understood)"},
    {"outstanding_limit", &Http1Counters::outstanding_limit,
     "requests beyond those that are matched with answers"},
}};
static_assert(describes_all(kHttp1Counters));

}  // namespace weir::inspect
