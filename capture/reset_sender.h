// Sends TCP resets for connections that policy cuts. In the path, and where the sensor has a routed
// interface, as IP packets that the kernel routes; from a mirror port also as frames on an
// interface that is attached to the mirrored segment. Bounded per second and per connection.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "capture/live_source.h"
#include "capture/reset_segments.h"
#include "core/counters.h"
#include "core/packet.h"
#include "core/result.h"

namespace weir::capture {

struct ResetSenderCounters {
  Counter sent;
  Counter failed;
  Counter limited;
  Counter unsupported;
};
inline constexpr CounterTable<ResetSenderCounters, 4> kResetSenderCounters{{
    {"sent", &ResetSenderCounters::sent, "reset segments sent"},
    {"failed", &ResetSenderCounters::failed, "reset segments that the kernel did not take"},
    {"limited", &ResetSenderCounters::limited,
     "cut packets that no reset was sent for: over the rate, or one had just been sent"},
    {"unsupported", &ResetSenderCounters::unsupported,
     "cut packets that no reset can be made for: not TCP, or in a tunnel"},
}};
static_assert(describes_all(kResetSenderCounters));

struct ResetSenderOptions {
  // Frames leave here, with the addresses and VLAN tags of the frame that was seen. Empty: IP
  // packets that the kernel routes.
  std::string interface;
  // The mark that packets are sent with, so that a rule can keep them out of the queue.
  uint32_t mark = 0;
  bool in_path = false;         // packets are dropped before they arrive
  size_t spread = 3;            // not in the path
  uint32_t per_second = 1'000;  // connections
};

class ResetSender {
 public:
  static Result<std::unique_ptr<ResetSender>> open(const ResetSenderOptions& options);
  ~ResetSender();
  ResetSender(const ResetSender&) = delete;
  ResetSender& operator=(const ResetSender&) = delete;

  // For a packet of a connection that is to be cut. The same connection again within 100 ms gets
  // none.
  void cut(const RawPacket& raw, const DecodedPacket& packet) noexcept;
  [[nodiscard]] const ResetSenderCounters& counters() const noexcept { return counters_; }

 private:
  struct Recent {
    uint64_t connection = 0;
    Timestamp time;
  };
  explicit ResetSender(const ResetSenderOptions& options) : options_(options) {}
  Status open_sockets();
  [[nodiscard]] bool may_send(const DecodedPacket& packet) noexcept;
  void send_routed(const ResetSegment& segment, const DecodedPacket& packet) noexcept;
  void send_frame(const ResetSegment& segment, ByteSpan frame) noexcept;

  ResetSenderOptions options_;
  int four_ = -1;  // raw IPv4, raw IPv6, or a packet socket
  int six_ = -1;
  int frames_ = -1;
  int interface_ = 0;
  double tokens_ = 0;
  Timestamp filled_;
  std::array<Recent, 1'024> recent_{};  // by hash: what collides may be sent twice
  ResetSenderCounters counters_;
};

// Whether the packet stood in a tunnel, where a reset for it would go to the tunnel's outside, or
// in something else (PPPoE, a backbone's service) that gives its addresses another meaning.
[[nodiscard]] bool reaches_nobody(const RawPacket& raw, const DecodedPacket& packet) noexcept;

// Copies what `resets`, if any, has counted.
void count_resets(LiveCounters& into, const ResetSender* resets) noexcept;

}  // namespace weir::capture
