// What one worker's engine counts: where bytes went, and why some were not read.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct EngineCounters {
  Counter packets;
  Counter payload_bytes;
  Counter shunted_bytes;
  Counter tcp_upload_bytes;
  Counter raw_bytes;
  Counter unread_limit_bytes;
  Counter unread_slot_bytes;
  Counter unread_udp_bytes;
  Counter unread_tls_bytes;
  Counter body_bytes;
  Counter text_bytes;
  Counter requests;
  Counter requests_opaque;
  Counter requests_no_slot;
  Counter raw_streams;
  Counter http_malformed;
  Counter tunnels;
  Counter tunnels_too_deep;
  Counter tunnels_too_many;
  Counter tls_left;
  Counter proxy_headers;
  Counter directions_flipped;
  Counter findings;
  Counter evidence;
  Counter other_protocol_packets;
  Counter padded_acks;
  Counter names_dropped;
  Counter conflicts_dropped;
  Counter cut_unjudged;
  Counter endings_not_watched;
};

inline constexpr CounterTable<EngineCounters, 30> kEngineCounters = {{
    {"packets", &EngineCounters::packets, "decoded packets"},
    {"payload_bytes", &EngineCounters::payload_bytes, "bytes above the transport header"},
    {"shunted_bytes", &EngineCounters::shunted_bytes,
     "payload of flows that are known and cannot or need not be read further"},
    {"tcp_upload_bytes", &EngineCounters::tcp_upload_bytes,
     "client-to-server stream bytes that were reassembled"},
    {"raw_bytes", &EngineCounters::raw_bytes,
     "bytes of unknown protocols that were read as they are"},
    {"unread_limit_bytes", &EngineCounters::unread_limit_bytes,
     "upload bytes not read because of a limit"},
    {"unread_slot_bytes", &EngineCounters::unread_slot_bytes,
     "upload bytes not read because too many requests were open"},
    {"unread_udp_bytes", &EngineCounters::unread_udp_bytes,
     "client-to-server bytes of UDP protocols that are not read"},
    {"unread_tls_bytes", &EngineCounters::unread_tls_bytes,
     "client-to-server bytes inside TLS without keys"},
    {"body_bytes", &EngineCounters::body_bytes, "request body bytes, as sent"},
    {"text_bytes", &EngineCounters::text_bytes, "decoded text that the detector read"},
    {"requests", &EngineCounters::requests, "requests seen"},
    {"requests_opaque", &EngineCounters::requests_opaque, "request bodies with nothing readable"},
    {"requests_no_slot", &EngineCounters::requests_no_slot,
     "requests not read because too many were open"},
    {"raw_streams", &EngineCounters::raw_streams, "streams read as they are"},
    {"http_malformed", &EngineCounters::http_malformed, "HTTP streams that stopped being HTTP"},
    {"tunnels", &EngineCounters::tunnels, "CONNECT and Upgrade tunnels entered"},
    {"tunnels_too_deep", &EngineCounters::tunnels_too_deep, "tunnels beyond the depth limit"},
    {"tunnels_too_many", &EngineCounters::tunnels_too_many,
     "tunnels of one HTTP/2 connection beyond 32 at once, or beyond one inside a tunnel"},
    {"tls_left", &EngineCounters::tls_left,
     "streams that began with a TLS hello and went on in clear"},
    {"proxy_headers", &EngineCounters::proxy_headers,
     "streams behind a PROXY protocol header, which was stepped over"},
    {"directions_flipped", &EngineCounters::directions_flipped,
     "flows whose client and server were guessed wrong at first"},
    {"findings", &EngineCounters::findings, "findings handed on"},
    {"evidence", &EngineCounters::evidence, "pieces of evidence in them"},
    {"other_protocol_packets", &EngineCounters::other_protocol_packets,
     "packets that are neither TCP nor UDP"},
    {"padded_acks", &EngineCounters::padded_acks,
     "bare ACKs whose frame padding the IP length counts as payload"},
    {"names_dropped", &EngineCounters::names_dropped,
     "names of a flow that are not told, beyond 16"},
    {"conflicts_dropped", &EngineCounters::conflicts_dropped,
     "names that contradict each other and are not told, beyond 8 a flow"},
    {"cut_unjudged", &EngineCounters::cut_unjudged,
     "connections in the path that were cut because a limit or a hole left bytes unread, failing "
     "closed"},
    {"endings_not_watched", &EngineCounters::endings_not_watched,
     "cut connections of which the incident does not say whether they stopped: too many at once"},
}};
static_assert(describes_all(kEngineCounters));

}  // namespace weir::inspect
