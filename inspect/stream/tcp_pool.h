// What all TCP streams of one worker share: counters, and the memory for bytes that came before
// their turn. What the pool has taken from the system, buffers and bookkeeping, in use or kept for
// reuse, never exceeds Limits::reassembly_bytes_total. Must outlive its streams.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/counters.h"
#include "core/limits.h"

namespace weir::inspect {

struct TcpCounters {
  Counter segments;
  Counter delivered_bytes;
  Counter skipped_bytes;
  Counter out_of_order_segments;
  Counter retransmitted_bytes;
  Counter overlap_conflicts;
  Counter before_base_bytes;
  Counter keep_alives;
  Counter gaps;
  Counter gap_bytes;
  Counter gaps_acked;
  Counter gaps_timed_out;
  Counter gaps_at_limit;
  Counter gaps_at_end;
  Counter cut_bytes;
  Counter acked_unseen_bytes;
  Counter ahead_dropped_bytes;
  Counter after_end_bytes;
  Counter no_ack;
  Counter ignored_syn;
  Counter ignored_ack;
  Counter ignored_fin;
  Counter ignored_rst;
  Counter distant_rst;
  Counter resyncs;
  Counter pool_exhausted;
};

inline constexpr CounterTable<TcpCounters, 26> kTcpCounterTable{{
    {"segments", &TcpCounters::segments, "TCP segments seen"},
    {"delivered_bytes", &TcpCounters::delivered_bytes, "stream bytes given on, in order"},
    {"skipped_bytes", &TcpCounters::skipped_bytes, "payload bytes nobody wanted any more"},
    {"out_of_order_segments", &TcpCounters::out_of_order_segments, "segments before their turn"},
    {"retransmitted_bytes", &TcpCounters::retransmitted_bytes, "bytes seen before, dropped"},
    {"overlap_conflicts", &TcpCounters::overlap_conflicts,
     "overlaps with other content than the data that came first"},
    {"before_base_bytes", &TcpCounters::before_base_bytes,
     "bytes older than the point where the capture met the stream"},
    {"keep_alives", &TcpCounters::keep_alives, "keep-alive probes"},
    {"gaps", &TcpCounters::gaps, "gaps announced"},
    {"gap_bytes", &TcpCounters::gap_bytes, "bytes in announced gaps"},
    {"gaps_acked", &TcpCounters::gaps_acked, "gaps whose bytes the receiver had acknowledged"},
    {"gaps_timed_out", &TcpCounters::gaps_timed_out,
     "gaps given up after a while, with no sight of the other side"},
    {"gaps_at_limit", &TcpCounters::gaps_at_limit, "gaps given up for want of buffer space"},
    {"gaps_at_end", &TcpCounters::gaps_at_end, "gaps still open when the flow ended"},
    {"cut_bytes", &TcpCounters::cut_bytes, "gap bytes that the snaplen of the capture cut off"},
    {"acked_unseen_bytes", &TcpCounters::acked_unseen_bytes,
     "bytes that the receiver acknowledged and the capture missed"},
    {"ahead_dropped_bytes", &TcpCounters::ahead_dropped_bytes,
     "bytes dropped for want of buffer space, as the receiver still waited for what is before "
     "them"},
    {"after_end_bytes", &TcpCounters::after_end_bytes, "bytes after FIN or RST, dropped"},
    {"no_ack", &TcpCounters::no_ack, "segments without ACK, which hosts drop"},
    {"ignored_syn", &TcpCounters::ignored_syn, "SYNs in the middle of a stream"},
    {"ignored_ack", &TcpCounters::ignored_ack,
     "streams whose ACKs ran ahead of data that then came in order"},
    {"ignored_fin", &TcpCounters::ignored_fin, "FINs at impossible places"},
    {"ignored_rst", &TcpCounters::ignored_rst, "resets far outside the window"},
    {"distant_rst", &TcpCounters::distant_rst,
     "resets near the window, believed unless data goes "
     "on"},
    {"resyncs", &TcpCounters::resyncs, "streams taken up again at other sequence numbers"},
    {"pool_exhausted", &TcpCounters::pool_exhausted,
     "times that the memory of all streams ran "
     "out"},
}};
static_assert(describes_all(kTcpCounterTable));

// Bytes [offset, offset + length) of a stream.
struct StreamPiece {
  int64_t offset = 0;
  int64_t length = 0;
  uint8_t* data = nullptr;  // null: bytes that are known to be missing from the capture
  [[nodiscard]] int64_t end() const noexcept { return offset + length; }
};

class PieceList;

class TcpPool {
 public:
  explicit TcpPool(const Limits& limits);
  ~TcpPool();
  TcpPool(const TcpPool&) = delete;
  TcpPool& operator=(const TcpPool&) = delete;

  [[nodiscard]] const TcpCounters& counters() const noexcept { return counters_; }
  // Taken by streams now, and taken from the system in all.
  [[nodiscard]] size_t bytes_in_use() const noexcept { return allocated_ - idle_; }
  [[nodiscard]] size_t bytes_allocated() const noexcept { return allocated_; }

 private:
  friend class TcpStream;
  friend class PieceList;

  static constexpr size_t kSmallest = 256;
  static constexpr size_t kLargest = 65'536;
  static constexpr size_t kClasses = 9;  // powers of two
  [[nodiscard]] static size_t capacity_for(size_t bytes) noexcept;

  // Null when the budget is used up. `capacity` is one of capacity_for().
  uint8_t* take(size_t capacity) noexcept;
  void give(uint8_t* buffer, size_t capacity) noexcept;
  // Budget for bookkeeping; false when it is used up.
  [[nodiscard]] bool charge(size_t bytes) noexcept;
  void trim() noexcept;
  PieceList* take_list() noexcept;
  void give_list(PieceList* list) noexcept;

  TcpCounters counters_;
  size_t total_;
  size_t piece_bytes_;  // per direction
  size_t pieces_;
  size_t allocated_ = 0;
  size_t idle_ = 0;  // of these, free and kept
  std::array<std::vector<uint8_t*>, kClasses> free_;
  std::vector<std::unique_ptr<PieceList>> idle_lists_;
  std::vector<StreamPiece> fresh_;  // scratch of PieceList::insert()
};

}  // namespace weir::inspect
