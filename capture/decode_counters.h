// What a PacketDecoder counts, with its defragmenter.
#pragma once

#include "core/counters.h"

namespace weir::capture {

// packets = decoded + not_ip + fragments + truncated + bad_link + bad_network + bad_transport +
// unsupported_link + unsupported_tunnel; the others count decoded packets once more.
struct DecodeCounters {
  Counter packets;
  Counter decoded;
  Counter not_ip;
  Counter fragments;  // held for the rest of their datagram, or dropped
  Counter truncated;  // the snaplen cut into headers
  Counter bad_link;
  Counter bad_network;
  Counter bad_transport;
  Counter unsupported_link;
  Counter unsupported_tunnel;
  Counter other_transport;  // decoded, neither TCP nor UDP
  Counter tunnels;          // decoded, and a tunnel whose inside was not read
  Counter tunnels_entered;  // tunnel headers taken off
  Counter tunnel_depth;     // decoded, and a tunnel deeper than limits.encapsulation_depth
  Counter cut_payload;      // decoded, with missing > 0
  Counter reassembled;      // datagrams whose fragments were put together
  Counter bad_fragments;    // fragments of impossible length or place, dropped
  Counter fragment_overlaps;
  Counter fragment_conflicts;
  Counter fragment_timeouts;
  Counter fragment_evictions;
  Counter fragment_limit;
};

inline constexpr CounterTable<DecodeCounters, 22> kDecodeCounterTable{{
    {"packets", &DecodeCounters::packets, "frames given to the decoder"},
    {"decoded", &DecodeCounters::decoded, "IP packets with a transport that was read"},
    {"not_ip", &DecodeCounters::not_ip, "frames that carry something other than IP"},
    {"fragments", &DecodeCounters::fragments,
     "IP fragments that wait for the rest of their datagram, or are dropped"},
    {"truncated", &DecodeCounters::truncated, "frames whose headers the capture cut off"},
    {"bad_link", &DecodeCounters::bad_link, "malformed link-layer headers"},
    {"bad_network", &DecodeCounters::bad_network, "malformed IP headers"},
    {"bad_transport", &DecodeCounters::bad_transport, "malformed TCP or UDP headers"},
    {"unsupported_link", &DecodeCounters::unsupported_link, "frames of an unknown link type"},
    {"unsupported_tunnel", &DecodeCounters::unsupported_tunnel,
     "frames of a link-layer tunnel that is not entered (MACsec, unknown MPLS pseudowires)"},
    {"other_transport", &DecodeCounters::other_transport, "decoded, neither TCP nor UDP"},
    {"tunnels", &DecodeCounters::tunnels,
     "decoded, and carries a tunnel whose inside was not read (ESP, L2TPv3, no IP inside)"},
    {"tunnels_entered", &DecodeCounters::tunnels_entered, "tunnel headers taken off"},
    {"tunnel_depth", &DecodeCounters::tunnel_depth,
     "decoded, and carries a tunnel that is deeper than limits.encapsulation_depth"},
    {"cut_payload", &DecodeCounters::cut_payload, "decoded, with part of the payload not captured"},
    {"reassembled", &DecodeCounters::reassembled, "datagrams put together from fragments"},
    {"bad_fragments", &DecodeCounters::bad_fragments,
     "fragments of impossible length or place, dropped"},
    {"fragment_overlaps", &DecodeCounters::fragment_overlaps,
     "fragments that repeat bytes of others"},
    {"fragment_conflicts", &DecodeCounters::fragment_conflicts,
     "fragments that contradict earlier ones, which stand"},
    {"fragment_timeouts", &DecodeCounters::fragment_timeouts,
     "datagrams given up after limits.fragment_timeout"},
    {"fragment_evictions", &DecodeCounters::fragment_evictions,
     "datagrams given up at limits.fragment_bytes or limits.fragmented_datagrams"},
    {"fragment_limit", &DecodeCounters::fragment_limit,
     "datagrams given up at limits.fragments_per_datagram"},
}};
static_assert(describes_all(kDecodeCounterTable));

}  // namespace weir::capture
