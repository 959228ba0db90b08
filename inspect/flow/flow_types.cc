#include "inspect/flow/flow_types.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/sip_state.h"

namespace weir::inspect {

std::string_view to_string(FlowEnd end) noexcept {
  switch (end) {
    case FlowEnd::kFin:
      return "fin";
    case FlowEnd::kRst:
      return "rst";
    case FlowEnd::kTimeout:
      return "timeout";
    case FlowEnd::kEvicted:
      return "evicted";
    case FlowEnd::kEndOfCapture:
      break;
  }
  return "end_of_capture";
}

Counter& ended_counter(FlowCounters& counters, FlowEnd end) noexcept {
  switch (end) {
    case FlowEnd::kFin:
      return counters.ended_fin;
    case FlowEnd::kRst:
      return counters.ended_rst;
    case FlowEnd::kTimeout:
      return counters.ended_timeout;
    case FlowEnd::kEvicted:
      return counters.ended_evicted;
    case FlowEnd::kEndOfCapture:
      break;
  }
  return counters.ended_end_of_capture;
}

uint64_t flow_hash(const HashKey& key, const FlowKey& flow) noexcept {
  std::array<uint64_t, (sizeof(FlowKey) + 7) / 8> words{};
  std::memcpy(words.data(), &flow, sizeof(flow));
  SipState state(key);
  for (const uint64_t word : words) state.absorb(word, 1);
  return state.finish(3);
}

bool sender_is_client(const DecodedPacket& first) noexcept {
  if (first.protocol == static_cast<uint8_t>(IpProtocol::kTcp) && first.flags.syn) {
    return !first.flags.ack;
  }
  return first.source.port >= first.destination.port;
}

bool FlowClock::advance(Timestamp time) noexcept {
  constexpr uint64_t kLate = 60'000'000'000;
  constexpr uint64_t kMostAhead = 86'400'000'000'000;
  if (!started_) {
    started_ = true;
    latest_ = time;
    return false;
  }
  // Differences of hostile timestamps can pass the signed range.
  const auto distance = [](Timestamp from, Timestamp to) noexcept {
    return static_cast<uint64_t>(to.ns) - static_cast<uint64_t>(from.ns);
  };
  if (time > latest_) {
    now_ += std::min(distance(latest_, time), kMostAhead);
    latest_ = time;
  } else if (distance(time, latest_) > kLate) {
    latest_ = time;
    return true;
  }
  return false;
}

}  // namespace weir::inspect
