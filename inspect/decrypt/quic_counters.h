// What QUIC decryption counts. One writer (the worker); app/ sums.
#pragma once

#include "core/counters.h"

namespace weir::inspect {

struct QuicDecryptCounters {
  Counter connections;
  Counter connections_keyed;
  Counter connections_keyed_late;
  Counter connections_without_key;
  Counter packets;
  Counter packets_opened;
  Counter packets_sealed;
  Counter packets_not_opened;
  Counter packets_malformed;
  Counter unknown_versions;
  Counter retries;
  Counter early_packets;
  Counter key_updates;
  Counter held_bytes;
  Counter hold_limit;
  Counter hold_expired;
  Counter odd_frames;
  Counter clear_bytes;
  Counter stream_holes;
  Counter stream_limit;
  Counter crypto_limit;
  Counter streams_evicted;
  Counter late_stream_bytes;
  Counter connection_ids;
  Counter connection_ids_dropped;
  Counter connection_ids_taken;
  Counter paths_joined;
  Counter connections_evicted;
};

inline constexpr CounterTable<QuicDecryptCounters, 28> kQuicDecryptCounterTable{{
    {"connections", &QuicDecryptCounters::connections, "QUIC connections looked at"},
    {"connections_keyed", &QuicDecryptCounters::connections_keyed, "of these, keys were found for"},
    {"connections_keyed_late", &QuicDecryptCounters::connections_keyed_late,
     "of these, keys came after packets had been held"},
    {"connections_without_key", &QuicDecryptCounters::connections_without_key,
     "connections of which nothing could be read for want of keys"},
    {"packets", &QuicDecryptCounters::packets, "packets of connections that are looked at"},
    {"packets_opened", &QuicDecryptCounters::packets_opened, "packets decrypted and authenticated"},
    {"packets_sealed", &QuicDecryptCounters::packets_sealed, "packets without a key"},
    {"packets_not_opened", &QuicDecryptCounters::packets_not_opened,
     "packets that no known key opens"},
    {"packets_malformed", &QuicDecryptCounters::packets_malformed,
     "packets whose header does not fit"},
    {"unknown_versions", &QuicDecryptCounters::unknown_versions,
     "packets of versions whose protection is not known, and Version Negotiation"},
    {"retries", &QuicDecryptCounters::retries, "Retry packets"},
    {"early_packets", &QuicDecryptCounters::early_packets, "0-RTT packets decrypted"},
    {"key_updates", &QuicDecryptCounters::key_updates, "key updates followed"},
    {"held_bytes", &QuicDecryptCounters::held_bytes, "bytes of packets held until keys came"},
    {"hold_limit", &QuicDecryptCounters::hold_limit, "packets that could not be held"},
    {"hold_expired", &QuicDecryptCounters::hold_expired,
     "connections whose held packets were dropped because no key came in time"},
    {"odd_frames", &QuicDecryptCounters::odd_frames,
     "packets whose frames could not be read to their end"},
    {"clear_bytes", &QuicDecryptCounters::clear_bytes, "bytes of streams in clear, from clients"},
    {"stream_holes", &QuicDecryptCounters::stream_holes, "holes in streams that were given up"},
    {"stream_limit", &QuicDecryptCounters::stream_limit,
     "of these, because what came behind was too much to hold"},
    {"crypto_limit", &QuicDecryptCounters::crypto_limit,
     "times that handshake bytes out of order were dropped at a limit"},
    {"streams_evicted", &QuicDecryptCounters::streams_evicted,
     "idlest streams that made room at the limit quic_streams"},
    {"late_stream_bytes", &QuicDecryptCounters::late_stream_bytes,
     "bytes of streams that were over already, repeats most of them"},
    {"connection_ids", &QuicDecryptCounters::connection_ids, "connection ids learnt"},
    {"connection_ids_dropped", &QuicDecryptCounters::connection_ids_dropped,
     "connection ids forgotten at the limit quic_connection_ids"},
    {"connection_ids_taken", &QuicDecryptCounters::connection_ids_taken,
     "connection ids that another connection has already"},
    {"paths_joined", &QuicDecryptCounters::paths_joined,
     "flows that turned out to be new paths of a known connection"},
    {"connections_evicted", &QuicDecryptCounters::connections_evicted,
     "connections that made room for another one of the same flow"},
}};
static_assert(describes_all(kQuicDecryptCounterTable));

}  // namespace weir::inspect
