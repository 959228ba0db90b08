// The part of TcpStream that decides when a hole is a loss (inspect/stream/README.md), and says so.
#include <algorithm>

#include "inspect/stream/piece_list.h"
#include "inspect/stream/tcp_stream.h"

namespace weir::inspect {
namespace {

// A hole that the receiver has acknowledged is lost to us once this many more packets of its
// direction, or this much packet time, went by after the ACK: less would take reordering between
// the two directions of a mirror for loss.
constexpr uint16_t kGapPackets = 16;
constexpr Duration kGapLag = Duration::millis(200);
// And the hole has been met, by as many pieces or packets behind it, or for as long as above: a
// sender takes three ACKs out of order for loss, too.
constexpr uint16_t kHolePackets = 3;
// Without any ACK (the other side is not mirrored): longer than a retransmission takes.
constexpr Duration kOneSidedLag = Duration::seconds(2);
}  // namespace

// Decides after each packet whether holes have become losses. `own`: the packet is of direction h.
void TcpStream::settle(Half& h, bool own, Timestamp now, TcpSink& sink) noexcept {
  if (h.skipped && h.fin != kNever && h.next >= h.fin) end(h, EndReason::kComplete, sink);
  if (h.ended || h.skipped) return;
  if (h.held == nullptr && h.acked <= h.next && h.fin == kNever) {
    h.marking = false;
    return;
  }
  if (h.marking && h.mark_one_sided != (h.acked == kNever)) h.marking = false;
  if (h.marking) {
    if (own && h.mark_packets < kGapPackets) ++h.mark_packets;
    const Duration lag = now - h.mark_time;
    if (h.mark_one_sided ? lag >= kOneSidedLag : lag >= kGapLag || h.mark_packets >= kGapPackets) {
      h.lost = std::max(h.lost, h.mark);
      h.below_lost = 0;
      h.marking = false;
    }
  }
  if (h.held == nullptr && h.fin == kNever) {
    h.hole = kNever;  // as far as can be told, nothing came behind it yet
  } else if (h.hole != h.next) {
    h.hole = h.next;
    h.hole_time = now;
    h.hole_packets = 0;
  } else if (own && h.hole_packets < kHolePackets) {
    ++h.hole_packets;
  }
  give_up(h, now, sink);
  if (h.ended || h.skipped || h.marking) return;
  const bool one_sided = h.acked == kNever;
  int64_t mark = h.acked;
  if (one_sided && h.held != nullptr) mark = h.held->back_end();
  if (one_sided && h.fin != kNever) mark = h.fin;
  if (mark <= h.next || mark <= h.lost) return;
  h.marking = true;
  h.mark_one_sided = one_sided;
  h.mark = mark;
  h.mark_time = now;
  h.mark_packets = 0;
}

// Announces the holes that lie wholly below `lost` and are old enough.
void TcpStream::give_up(Half& h, Timestamp now, TcpSink& sink) noexcept {
  TcpCounters& counters = pool_->counters_;
  while (!h.ended && !h.skipped) {
    const int64_t hole_end = h.held != nullptr ? h.held->front().offset : h.fin;
    if (hole_end == kNever || hole_end > h.lost || hole_end <= h.next) return;
    const bool acked = h.acked != kNever;
    const bool old =
        h.hole == h.next && (h.hole_packets >= kHolePackets || now - h.hole_time >= kGapLag);
    if (acked && !old && (h.held == nullptr || h.held->size() < kHolePackets)) return;
    gap(h, hole_end - h.next, acked ? counters.gaps_acked : counters.gaps_timed_out, sink);
    drain(h, sink);
  }
}

void TcpStream::flush(Half& h, EndReason reason, TcpSink& sink) noexcept {
  TcpCounters& counters = pool_->counters_;
  while (!h.ended && !h.skipped) {
    const int64_t hole_end = h.held != nullptr ? h.held->front().offset : h.fin;
    if (hole_end == kNever) break;
    if (hole_end > h.next) gap(h, hole_end - h.next, counters.gaps_at_end, sink);
    drain(h, sink);
  }
  if (h.ended) return;
  // One byte more than was seen is the place of a FIN that was missed.
  if (!h.skipped && h.acked != kNever && h.acked - 1 > h.next) {
    gap(h, h.acked - h.next, counters.gaps_at_end, sink);
  }
  const bool whole = h.fin != kNever && h.next >= h.fin;  // only when skipped
  end(h, whole ? EndReason::kComplete : reason, sink);
}

// `why` counts gaps, or bytes where it is cut_bytes.
void TcpStream::gap(Half& h, int64_t bytes, Counter& why, TcpSink& sink) noexcept {
  TcpCounters& counters = pool_->counters_;
  if (h.skipped) {
    h.next += bytes;
    return;
  }
  const auto size = static_cast<uint64_t>(bytes);
  const bool cut = &why == &counters.cut_bytes;
  why.add(cut ? size : 1);
  if (!cut && h.acked > h.next) {
    counters.acked_unseen_bytes.add(static_cast<uint64_t>(std::min(bytes, h.acked - h.next)));
  }
  h.next += bytes;
  counters.gaps.add();
  counters.gap_bytes.add(size);
  h.gap_bytes += size;
  sink.on_tcp_gap(direction_of(h), size);
}

}  // namespace weir::inspect
