// What the flow table is made of besides its entries: why flows end, how long they live, which side
// is the client, the keyed hash, and a clock that packet time drives but cannot break.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/counters.h"
#include "core/flow_key.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/packet.h"

namespace weir::inspect {

enum class FlowEnd : uint8_t { kFin, kRst, kTimeout, kEvicted, kEndOfCapture };
// "fin", "rst", "timeout", "evicted", "end_of_capture": FlowRecord::end.
std::string_view to_string(FlowEnd) noexcept;

// Idle lists of the table; each has one timeout. kUdp is for everything that is not TCP.
// kTcpHeld: closed, but its ciphertext waits for keys.
enum class Lifetime : uint8_t { kUdp, kTcpOpening, kTcpEstablished, kTcpClosing, kTcpHeld };
inline constexpr size_t kLifetimes = 5;
[[nodiscard]] constexpr bool is_closed(Lifetime lifetime) noexcept {
  return lifetime == Lifetime::kTcpClosing || lifetime == Lifetime::kTcpHeld;
}

struct FlowCounters {
  Counter created;
  Counter ended_fin;
  Counter ended_rst;
  Counter ended_timeout;
  Counter ended_evicted;
  Counter ended_end_of_capture;
  Counter evicted_opening;
  Counter tuple_reused;
  Counter flipped;
  Counter clock_stepped_back;
  Counter active_peak;
};

inline constexpr CounterTable<FlowCounters, 11> kFlowCounterTable{{
    {"created", &FlowCounters::created, "flows begun"},
    {"ended_fin", &FlowCounters::ended_fin, "flows that FINs of both sides ended"},
    {"ended_rst", &FlowCounters::ended_rst, "flows that a reset ended"},
    {"ended_timeout", &FlowCounters::ended_timeout, "flows that were idle for too long"},
    {"ended_evicted", &FlowCounters::ended_evicted, "flows given up because the table was full"},
    {"ended_end_of_capture", &FlowCounters::ended_end_of_capture, "flows open when input ended"},
    {"evicted_opening", &FlowCounters::evicted_opening,
     "of the evicted, half-open connections that filled more than half of the table"},
    {"tuple_reused", &FlowCounters::tuple_reused,
     "flows ended by a new connection between the "
     "same endpoints"},
    {"flipped", &FlowCounters::flipped, "flows whose client and server were exchanged"},
    {"clock_stepped_back", &FlowCounters::clock_stepped_back,
     "times that packet time went back by more than a minute"},
    {"active_peak", &FlowCounters::active_peak, "most flows at once"},
}};
static_assert(describes_all(kFlowCounterTable));

Counter& ended_counter(FlowCounters&, FlowEnd) noexcept;

// SipHash-1-3 of the whole key, as one fixed-size message.
[[nodiscard]] uint64_t flow_hash(const HashKey& key, const FlowKey& flow) noexcept;

// Whether the sender of a flow's first packet looks like its client: the sender of a SYN, the
// receiver of a SYN-ACK; else the lower port is taken for the server's, and between equal ports
// whoever spoke first is the client.
[[nodiscard]] bool sender_is_client(const DecodedPacket& first) noexcept;

// Idle time is measured on a clock that never goes back. It follows the latest packet time; packets
// that are late by up to a minute leave it as it is; when time jumps back further (another capture
// file, a clock that was set), it goes on from there. A jump ahead is taken for at most a day.
class FlowClock {
 public:
  // True when packet time stepped back.
  bool advance(Timestamp time) noexcept;
  [[nodiscard]] uint64_t now() const noexcept { return now_; }
  // Nanoseconds since `then`, an earlier now(). Right over wrap-around.
  [[nodiscard]] uint64_t since(uint64_t then) const noexcept { return now_ - then; }

 private:
  uint64_t now_ = 0;
  Timestamp latest_;
  bool started_ = false;
};

}  // namespace weir::inspect
