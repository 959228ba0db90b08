// Every bound in one place. Reaching one is counted where it is reached and is never silent. Each
// field also has a row in config/limits_table.cc and in docs/configuration.md (tests check both).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace weir {

struct Limits {
  // Packets.
  size_t encapsulation_depth = 8;  // tunnels inside one another that are taken off a packet
  // IP fragments that wait for the rest of their datagram.
  size_t fragment_bytes = 16U << 20;  // in all; the oldest datagram goes first
  size_t fragmented_datagrams = 4096;
  size_t fragments_per_datagram = 1024;
  Duration fragment_timeout = Duration::seconds(30);  // from the first fragment on
  // Flow table.
  size_t flows = 262'144;                        // most flows at once; the idlest goes first
  Duration tcp_opening = Duration::seconds(30);  // handshake not complete
  Duration tcp_idle = Duration::seconds(300);    // established
  Duration tcp_closing = Duration::seconds(10);  // after FIN both ways or RST
  Duration udp_idle = Duration::seconds(60);
  // TCP reassembly, per direction of a flow and in all.
  size_t out_of_order_bytes = 1U << 20;
  size_t out_of_order_segments = 1024;
  size_t reassembly_bytes_total = 256U << 20;
  // TLS and QUIC handshakes.
  size_t client_hello_bytes = 64U << 10;
  size_t quic_crypto_bytes = 64U << 10;
  size_t server_hello_bytes = 16U << 10;
  size_t certificate_bytes = 32U << 10;  // kept of a Certificate message: the leaf comes first
  // Parts of TLS and QUIC handshakes that are not whole yet, in all flows of a worker.
  size_t handshake_bytes_total = 64U << 20;
  size_t rsa_exchanges_per_second = 500;  // of a worker: sessions opened with a server's key
  // TLS ciphertext that waits for keys, both directions of a flow and all flows of a worker.
  size_t hold_bytes = 4U << 20;
  size_t hold_bytes_total = 512U << 20;
  Duration hold_age = Duration::seconds(5);  // in packet time, from the first held byte on
  // QUIC connections that are decrypted.
  size_t quic_connections = 16'384;         // of a worker; the idlest goes first
  size_t quic_streams = 256;                // open at once in a connection; the idlest goes first
  size_t quic_stream_bytes = 1U << 20;      // out of order, of one stream
  size_t quic_connection_bytes = 4U << 20;  // out of order, of a connection's streams together
  size_t quic_bytes_total = 128U << 20;     // the same in all connections of a worker
  size_t quic_connection_ids = 32;          // remembered of either side; the oldest goes first
  size_t quic_connections_per_flow = 4;     // between the same two ports; the oldest goes first
  Duration quic_hole_age = Duration::seconds(3);  // before what is missing in a stream is given up
  // nDPI, for flows that no parser of our own knows.
  size_t ndpi_flows = 4096;      // looked at at once; 0.7 KB each and what nDPI allocates for it
  size_t ndpi_tcp_packets = 12;  // with payload, before a flow counts as unknown
  size_t ndpi_udp_packets = 8;
  // HTTP.
  size_t header_line_bytes = 32U << 10;
  size_t header_bytes = 128U << 10;
  size_t header_bytes_total = 128U << 20;  // of heads that are not whole yet, of a worker
  size_t headers = 256;
  size_t path_bytes = 1024;
  size_t http2_streams = 256;            // open requests of one connection; the idlest goes first
  size_t hpack_table_bytes = 64U << 10;  // largest dynamic table that a client may use
  size_t http3_blocked_bytes = 256U
                               << 10;  // of a connection, behind headers that cannot be read yet
  size_t tunnel_depth = 4;             // CONNECT in CONNECT …
  // Requests that are read at once by one worker, and how much of a stream of unknown protocol is.
  size_t open_requests = 1024;
  uint64_t raw_stream_bytes = 16U << 20;
  // Unwrapping.
  size_t unwrap_depth = 6;        // codings and containers inside one another
  uint64_t inflate_ratio = 1000;  // output per input byte, once inflate_floor is passed
  uint64_t inflate_floor = 16U << 20;
  uint64_t body_text_bytes = 512U << 20;  // decoded text of one body
  int zstd_window_log = 23;  // largest window that is decoded: 8 MiB (RFC 8878, 3.1.1.1.2)
  size_t qoder_body_bytes = 8U << 20;  // held to be reordered
  size_t part_header_bytes = 4096;     // kept of a multipart part's header line
  size_t json_depth = 128;
  size_t json_key_bytes = 128;  // kept of a key, for the content path
  size_t content_path_bytes = 512;
  // Detection.
  size_t excerpt_bytes = 64;
  size_t evidence_per_request = 64;
  size_t template_lines = 32'768;  // lines of clients' prompts that are remembered, by all workers
  size_t fingerprint_lines = 1U << 22;  // text lines a request that matches are followed over
  size_t fingerprint_hits = 65'536;     // kept a request before the weakest files are dropped
  // Incidents.
  size_t open_incidents = 16'384;  // the idlest is closed first
  size_t incident_evidence = 64;   // pieces kept of one incident; the weakest goes first
  size_t incident_subjects = 256;  // protected files and rules by which findings join an incident
  // Files of which too little was found to be told, by client and host, over requests.
  size_t drip_files = 16'384;  // remembered by all workers; what was met the longest ago goes first
  size_t drip_lines = 128;     // of one of them
  Duration drip_age = Duration::seconds(28'800);  // since the last line of it
  size_t rule_candidates = 8192;  // matches of content rules that are looked at, a request
  // Contacts of tools.
  size_t contact_clients = 16'384;  // whose flows wait or had a tool; the one heard of longest ago
                                    // goes first
  size_t contact_flows = 32'768;    // encrypted, that wait to be tied to a tool, in all
  size_t contact_hosts = 65'536;    // of each kind that is remembered
  // DNS.
  size_t dns_names = 131'072;  // (client, address) -> name
  Duration dns_ttl_floor = Duration::seconds(300);
};

}  // namespace weir
