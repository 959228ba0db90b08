#include "inspect/stream/tcp_stream.h"

#include <algorithm>

#include "inspect/stream/piece_list.h"

namespace weir::inspect {
namespace {

// In-order segments below what was given up as lost that show the ACK to be false.
constexpr uint16_t kFalseAckPackets = 16;
// An ACK, a data segment or an RST further off than this is not believed.
constexpr int64_t kMostAhead = int64_t{1} << 30;
constexpr int64_t kRstBehind = 64 << 10;
constexpr int64_t kRstAhead = 1 << 20;
// Data that is older than anything a sender would repeat, and how many such segments in a row show
// that the sequence numbers have moved.
constexpr int64_t kStrayDistance = 1 << 20;
constexpr int64_t kStrayUnacked = 64 << 20;
constexpr uint8_t kStrays = 4;
// How far the first data may lie below a base that a segment without data has set.
constexpr int64_t kSoftDistance = 1 << 20;
// Packets of one side without any of the other, after which its ACKs are taken to be lost to us.
constexpr uint16_t kSilentPackets = 4096;

}  // namespace

// Payload on its way: bytes, then bytes that the capture cut off.
struct TcpStream::Run {
  int64_t offset;
  ByteSpan data;
  int64_t missing;

  [[nodiscard]] int64_t size() const noexcept {
    return static_cast<int64_t>(data.size()) + missing;
  }
  [[nodiscard]] int64_t end() const noexcept { return offset + size(); }
  void drop_front(int64_t count) noexcept {
    const int64_t bytes = std::min(count, static_cast<int64_t>(data.size()));
    data = data.subspan(static_cast<size_t>(bytes));
    missing -= count - bytes;
    offset += count;
  }
};

TcpStream::~TcpStream() {
  for (Half& h : halves_) drop_held(h);
}

bool TcpStream::closed() const noexcept {
  const Half& a = halves_[0];
  const Half& b = halves_[1];
  if (reset_ || reset_doubtful_ || (a.ended && b.ended)) return true;
  return (a.ended && !b.seen) || (b.ended && !a.seen);
}

void TcpStream::on_segment(Direction d, const DecodedPacket& packet, TcpSink& sink) noexcept {
  pool_->counters_.segments.add();
  Half& h = halves_[index(d)];
  Half& other = halves_[index(d) ^ 1];
  h.seen = true;
  // Hosts drop what has no ACK once a connection is opening (RFC 9293 section 3.10.7.4).
  if (packet.flags.syn || packet.flags.ack) {
    h.must_ack = true;
  } else if (h.must_ack && !packet.flags.rst) {
    pool_->counters_.no_ack.add();
    return;
  }
  other.silent = 0;
  if (h.silent < kSilentPackets) ++h.silent;
  if (packet.flags.syn && !on_syn(h, packet)) {
    pool_->counters_.ignored_syn.add();
    return;
  }
  if (packet.flags.rst) {
    on_rst(h, packet, sink);
    return;
  }
  if (packet.flags.ack) on_ack(other, packet);

  const uint32_t seq = packet.seq + (packet.flags.syn ? 1 : 0);
  const auto length = static_cast<uint32_t>(packet.payload.size()) + packet.missing;
  if (length != 0) {
    on_payload(h, seq, packet, sink);
  } else if (h.base == Base::kNone) {
    rebase(h, seq, packet.flags.fin ? Base::kFirm : Base::kSoft);
  } else if (!packet.flags.fin && seq == next_seq(h) - 1) {
    pool_->counters_.keep_alives.add();
  }
  if (packet.flags.fin) on_fin(h, seq + length, sink);
  settle(h, true, packet.time, sink);
  settle(other, false, packet.time, sink);
}

// False when the SYN has no place in this stream.
bool TcpStream::on_syn(Half& h, const DecodedPacket& packet) noexcept {
  const uint32_t seq = packet.seq + 1;
  if (h.base == Base::kNone || untouched(h)) {
    rebase(h, seq, Base::kFirm);
    h.acked = h.lost = kNever;
    h.marking = false;
    return true;
  }
  return seq == h.base_seq;
}

// `h` is the direction that the packet acknowledges.
void TcpStream::on_ack(Half& h, const DecodedPacket& packet) noexcept {
  if (h.base == Base::kNone) {
    // Only a SYN-ACK tells where the stream begins; other ACKs may be older than what comes next.
    if (packet.flags.syn) rebase(h, packet.ack, Base::kFirm);
    return;
  }
  const int64_t offset = offset_of(h, packet.ack);
  if (offset <= h.acked || offset - h.next > kMostAhead) return;
  h.acked = offset;
  if (!h.ended && h.fin != kNever && offset > h.fin + 1) {
    h.fin = kNever;  // the receiver took bytes behind it, so it never was one
    pool_->counters_.ignored_fin.add();
  }
}

void TcpStream::on_rst(Half& h, const DecodedPacket& packet, TcpSink& sink) noexcept {
  if (halves_[0].ended && halves_[1].ended) return;
  if (h.base != Base::kNone) {
    const int64_t offset = offset_of(h, packet.seq);
    const int64_t highest = h.held == nullptr ? h.next : h.held->back_end();
    if (offset < h.next - kRstBehind || offset > highest + kRstAhead) {
      pool_->counters_.ignored_rst.add();
      return;
    }
    // Hosts obey a reset at exactly the next byte (RFC 5961 section 3.2). Ours may be wrong when
    // something was lost, so one that is near closes the flow, but its data may go on.
    // With a hole before it, it is exact only when the receiver has what we have not.
    const bool behind_hole = offset == highest || (h.fin != kNever && offset == h.fin + 1);
    if (offset != h.next && !(behind_hole && (h.held == nullptr || h.acked >= highest))) {
      pool_->counters_.distant_rst.add();
      reset_doubtful_ = true;
      return;
    }
  }
  reset_ = true;
  flush(h, EndReason::kReset, sink);
}

void TcpStream::on_payload(Half& h, uint32_t seq, const DecodedPacket& packet,
                           TcpSink& sink) noexcept {
  TcpCounters& counters = pool_->counters_;
  if (h.base == Base::kNone) rebase(h, seq, Base::kFirm);
  Run run{offset_of(h, seq), packet.payload, packet.missing};
  if (h.base == Base::kSoft) {
    const bool moved = run.offset == 1 || (run.offset < 0 && run.offset >= -kSoftDistance);
    if (moved && untouched(h)) {
      rebase(h, seq, Base::kFirm);
      if (h.acked != kNever) h.acked -= run.offset;
      h.marking = false;
      h.lost = kNever;
      run.offset = 0;
    }
    h.base = Base::kFirm;
  }
  if (h.ended) {
    const int64_t old = std::clamp<int64_t>(h.next - run.offset, 0, run.size());
    counters.retransmitted_bytes.add(static_cast<uint64_t>(old));
    counters.after_end_bytes.add(static_cast<uint64_t>(run.size() - old));
    return;
  }
  if (h.fin != kNever && run.end() > h.fin) {
    // Nobody sends data behind a FIN of his own. It may have stood where the receiver looks at
    // nothing, to have the rest of the stream passed over.
    h.fin = kNever;
    counters.ignored_fin.add();
  }
  if (run.end() <= h.next) {
    on_old(h, run, seq, sink);
    return;
  }
  if (run.offset < h.next) {
    counters.retransmitted_bytes.add(static_cast<uint64_t>(h.next - run.offset));
    run.drop_front(h.next - run.offset);
  }
  h.strays = 0;
  reset_doubtful_ = false;
  if (h.skipped) {
    counters.skipped_bytes.add(run.data.size());
    h.next = run.end();
    return;
  }
  if (run.offset == h.next) {
    if (run.end() <= h.lost && ++h.below_lost >= kFalseAckPackets) {
      // It was acknowledged long ago, and comes in order all the same: that ACK was false.
      counters.ignored_ack.add();
      h.acked = h.lost = kNever;
      h.marking = false;
    }
    if (h.held == nullptr && h.fin == kNever && run.missing == 0) {
      emit(h, run.data, sink);
      return;
    }
    deliver(h, run, sink);
  } else {
    counters.out_of_order_segments.add();
    hold(h, run, sink);
  }
}

// A segment with nothing new in it.
void TcpStream::on_old(Half& h, const Run& run, uint32_t seq, TcpSink& sink) noexcept {
  TcpCounters& counters = pool_->counters_;
  if (run.size() == 1 && run.end() == h.next) {
    counters.keep_alives.add();
    return;
  }
  const int64_t oldest = h.acked != kNever ? h.acked : h.next - kStrayUnacked;
  if (run.end() < std::min(oldest, h.next) - kStrayDistance) {
    h.strays = seq == h.stray_seq ? static_cast<uint8_t>(h.strays + 1) : uint8_t{1};
    h.stray_seq = seq + static_cast<uint32_t>(run.size());
    if (h.strays >= kStrays) {
      counters.resyncs.add();
      drop_held(h);
      rebase(h, h.stray_seq, Base::kFirm);
      h.strays = 0;
      h.marking = false;
      h.acked = h.fin = h.lost = h.mark = kNever;
      if (!h.skipped) sink.on_tcp_gap(direction_of(h), 0);
    }
  }
  const int64_t before = std::clamp<int64_t>(-run.offset, 0, run.size());
  counters.before_base_bytes.add(static_cast<uint64_t>(before));
  counters.retransmitted_bytes.add(static_cast<uint64_t>(run.size() - before));
}

void TcpStream::on_fin(Half& h, uint32_t seq, TcpSink& sink) noexcept {
  if (h.ended) return;
  const int64_t offset = offset_of(h, seq);
  const int64_t highest = h.held == nullptr ? h.next : h.held->back_end();
  if (h.fin == offset) return;
  // Not before bytes that were seen, and the first one counts.
  if (offset < highest || offset - h.next > kMostAhead || h.fin != kNever) {
    pool_->counters_.ignored_fin.add();
    return;
  }
  h.fin = offset;
  drain(h, sink);
}

// Gives a run that begins at `next`. Where pieces are held already, those came first and win.
void TcpStream::deliver(Half& h, Run& run, TcpSink& sink) noexcept {
  while (run.size() > 0 && !h.skipped && !h.ended) {
    int64_t room = run.size();
    if (h.held != nullptr) room = std::min(room, h.held->front().offset - run.offset);
    if (room == 0) {
      const int64_t overlap = std::min(run.size(), h.held->front().length);
      const StreamPiece& piece = h.held->front();
      const auto both =
          static_cast<size_t>(std::min<int64_t>(overlap, static_cast<int64_t>(run.data.size())));
      if (piece.data != nullptr && !std::equal(piece.data, piece.data + both, run.data.begin())) {
        pool_->counters_.overlap_conflicts.add();
      }
      pool_->counters_.retransmitted_bytes.add(static_cast<uint64_t>(overlap));
      run.drop_front(overlap);
      give_front(h, sink);
    } else if (!run.data.empty()) {
      const auto count = std::min(run.data.size(), static_cast<size_t>(room));
      const ByteSpan data = run.data.first(count);
      run.drop_front(static_cast<int64_t>(count));
      emit(h, data, sink);
    } else {
      run.drop_front(room);
      gap(h, room, pool_->counters_.cut_bytes, sink);
    }
  }
  if (h.skipped && run.size() > 0) {
    pool_->counters_.skipped_bytes.add(run.data.size());
    h.next = std::max(h.next, run.end());
  }
  drain(h, sink);
}

// Keeps a run that begins above `next`. When there is no room, gives up the first hole, unless the
// receiver is known to wait for it: then it will be filled, and what was sent furthest ahead (which
// the receiver may never take) has to go.
void TcpStream::hold(Half& h, Run& run, TcpSink& sink) noexcept {
  while (!store(h, run)) {
    if (h.acked != kNever && h.acked <= h.next && h.silent < kSilentPackets) {
      Counter& dropped = pool_->counters_.ahead_dropped_bytes;
      if (h.held == nullptr || h.held->back_end() <= run.offset) {
        dropped.add(run.data.size());
        return;
      }
      dropped.add(h.held->drop_back(*pool_));
      if (h.held->empty()) drop_held(h);
      continue;
    }
    const int64_t from =
        h.held == nullptr ? run.offset : std::min(h.held->front().offset, run.offset);
    gap(h, from - h.next, pool_->counters_.gaps_at_limit, sink);
    drain(h, sink);
    if (h.skipped) {
      pool_->counters_.skipped_bytes.add(run.data.size());
      h.next = std::max(h.next, run.end());
      return;
    }
    if (run.offset <= h.next) {
      const int64_t old = std::min(h.next - run.offset, run.size());
      pool_->counters_.retransmitted_bytes.add(static_cast<uint64_t>(old));
      run.drop_front(old);
      deliver(h, run, sink);
      return;
    }
  }
}

bool TcpStream::store(Half& h, Run& run) noexcept {
  if (h.held == nullptr) h.held = pool_->take_list();
  if (h.held == nullptr) return false;
  PieceList::Overlap overlap;
  bool stored = true;
  if (!run.data.empty()) {
    const auto size = static_cast<int64_t>(run.data.size());
    stored = h.held->insert(*pool_, run.offset, size, run.data.data(), overlap);
    if (stored) run.drop_front(size);
  }
  if (stored && run.missing > 0) {
    stored = h.held->insert(*pool_, run.offset, run.missing, nullptr, overlap);
  }
  pool_->counters_.retransmitted_bytes.add(static_cast<uint64_t>(overlap.bytes));
  pool_->counters_.overlap_conflicts.add(overlap.conflicts);
  if (h.held->empty()) drop_held(h);
  return stored;
}

// Gives the first piece, which begins at `next`.
void TcpStream::give_front(Half& h, TcpSink& sink) noexcept {
  const StreamPiece piece = h.held->pop_front();
  // The sink may skip(), which drops the list; the piece is no longer in it.
  if (h.held->empty()) drop_held(h);
  if (piece.data == nullptr) {
    gap(h, piece.length, pool_->counters_.cut_bytes, sink);
    return;
  }
  emit(h, {piece.data, static_cast<size_t>(piece.length)}, sink);
  pool_->give(piece.data, TcpPool::capacity_for(static_cast<size_t>(piece.length)));
}

// Gives the pieces that have become due, and ends the direction when its FIN is reached.
void TcpStream::drain(Half& h, TcpSink& sink) noexcept {
  while (h.held != nullptr && h.held->front().offset <= h.next) give_front(h, sink);
  if (h.fin != kNever && h.next >= h.fin) end(h, EndReason::kComplete, sink);
}

void TcpStream::skip(Direction d) noexcept {
  Half& h = halves_[index(d)];
  if (h.skipped) return;
  h.skipped = true;
  if (h.held != nullptr) h.next = std::max(h.next, h.held->back_end());
  drop_held(h);
}

void TcpStream::finish(EndReason reason, TcpSink& sink) noexcept {
  if (was_reset()) reason = EndReason::kReset;
  for (Half& h : halves_) flush(h, reason, sink);
}

void TcpStream::emit(Half& h, ByteSpan data, TcpSink& sink) noexcept {
  h.next += static_cast<int64_t>(data.size());
  if (h.skipped) {
    pool_->counters_.skipped_bytes.add(data.size());
    return;
  }
  h.delivered += data.size();
  pool_->counters_.delivered_bytes.add(data.size());
  sink.on_tcp_data(direction_of(h), data);
}

void TcpStream::end(Half& h, EndReason reason, TcpSink& sink) noexcept {
  if (h.ended) return;
  h.ended = true;
  drop_held(h);
  sink.on_tcp_end(direction_of(h), reason);
}

void TcpStream::drop_held(Half& h) noexcept {
  if (h.held == nullptr) return;
  PieceList* list = h.held;
  h.held = nullptr;
  list->clear(*pool_);
  pool_->give_list(list);
}

}  // namespace weir::inspect
