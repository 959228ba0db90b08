// Reassembles the two byte streams of one TCP connection, whatever the mirror port shows of it.
// Each byte is given once and in order; what never came is announced as a gap. Duplicate bytes are
// dropped: the first data wins. Works without handshake, with one side only, with segments of
// 64 KB, over sequence wrap-around. Bytes in order go from the packet to the sink without a copy.
// When a hole is given up, and other choices: inspect/stream/README.md.
#pragma once

#include <cstdint>
#include <limits>

#include "core/bytes.h"
#include "core/counters.h"
#include "core/direction.h"
#include "core/limits.h"
#include "core/packet.h"
#include "inspect/stream/tcp_pool.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// Per direction: on_tcp_data* (on_tcp_gap on_tcp_data*)* on_tcp_end.
// During a call the sink may call skip() and flip() of the stream, nothing else that changes it.
class TcpSink {
 public:
  virtual ~TcpSink() = default;
  virtual void on_tcp_data(Direction, ByteSpan data) noexcept = 0;
  // `bytes` is 0 when sequence numbers broke off, so that nobody knows how much lies between.
  virtual void on_tcp_gap(Direction, uint64_t bytes) noexcept = 0;
  virtual void on_tcp_end(Direction, EndReason) noexcept = 0;  // once a direction
};

class TcpStream {
 public:
  explicit TcpStream(TcpPool& pool) noexcept : pool_(&pool) {}
  // Gives buffers back; the sink hears nothing. Call finish() first.
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  void on_segment(Direction, const DecodedPacket&, TcpSink&) noexcept;
  // Exchanges the directions: what came as kToServer so far was kToClient.
  void flip() noexcept { flipped_ = !flipped_; }
  // No more data of this direction is wanted: its buffers are freed, and only end and counters are
  // followed from here.
  void skip(Direction) noexcept;
  // The flow ends: gives what is buffered, with its gaps, and ends what has not ended. `reason` is
  // for directions whose FIN was not reached.
  void finish(EndReason reason, TcpSink&) noexcept;
  // FIN both ways (or of the only side ever seen), or RST. The sender of an RST has ended with it;
  // what the other side still sends until it hears of it is given on. Can become false again when
  // a doubtful RST is followed by data.
  [[nodiscard]] bool closed() const noexcept;
  // closed() by RST.
  [[nodiscard]] bool was_reset() const noexcept { return reset_ || reset_doubtful_; }
  [[nodiscard]] uint64_t gap_bytes(Direction d) const noexcept { return half(d).gap_bytes; }
  [[nodiscard]] uint64_t delivered(Direction d) const noexcept { return half(d).delivered; }
  // A packet of this direction was seen.
  [[nodiscard]] bool seen(Direction d) const noexcept { return half(d).seen; }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
  // How the point where the stream begins is known.
  enum class Base : uint8_t {
    kNone,
    kSoft,  // from a segment without data: may be a keep-alive, one byte too low
    kFirm,
  };
  // One direction. Offsets count stream bytes from the base.
  struct Half {
    int64_t next = 0;        // of the next byte for the sink
    int64_t acked = kNever;  // all below was acknowledged by the other side
    int64_t fin = kNever;    // where the FIN stands
    int64_t lost = kNever;   // holes below are given up when they are met
    int64_t mark = kNever;   // `lost` to be, once enough time or packets have passed
    int64_t hole = kNever;   // `next` when the open hole was first met
    Timestamp hole_time;
    Timestamp mark_time;
    uint64_t delivered = 0;
    uint64_t gap_bytes = 0;
    PieceList* held = nullptr;  // never empty
    uint32_t base_seq = 0;
    uint32_t stray_seq = 0;  // where a run of strays goes on
    uint16_t mark_packets = 0;
    uint16_t hole_packets = 0;
    uint16_t below_lost = 0;
    uint16_t silent = 0;  // packets since the last one of the other side
    uint8_t strays = 0;
    Base base = Base::kNone;
    bool seen = false;
    bool must_ack = false;  // has sent a SYN or an ACK
    bool marking = false;
    bool mark_one_sided = false;
    bool ended = false;
    bool skipped = false;
  };
  struct Run;

  [[nodiscard]] size_t index(Direction d) const noexcept {
    return static_cast<size_t>(d) ^ static_cast<size_t>(flipped_);
  }
  [[nodiscard]] const Half& half(Direction d) const noexcept { return halves_[index(d)]; }
  [[nodiscard]] Direction direction_of(const Half& h) const noexcept {
    return static_cast<Direction>(static_cast<size_t>(&h - halves_) ^
                                  static_cast<size_t>(flipped_));
  }
  static uint32_t next_seq(const Half& h) noexcept {
    return h.base_seq + static_cast<uint32_t>(h.next);
  }
  static int64_t offset_of(const Half& h, uint32_t seq) noexcept {
    return h.next + static_cast<int32_t>(seq - next_seq(h));
  }
  // Makes `seq` the sequence number of the next byte.
  static void rebase(Half& h, uint32_t seq, Base base) noexcept {
    h.base_seq = seq - static_cast<uint32_t>(h.next);
    h.base = base;
  }
  static bool untouched(const Half& h) noexcept {
    return h.next == 0 && h.held == nullptr && h.fin == kNever;
  }

  [[nodiscard]] bool on_syn(Half& h, const DecodedPacket& packet) noexcept;
  void on_ack(Half& h, const DecodedPacket& packet) noexcept;
  void on_rst(Half& h, const DecodedPacket& packet, TcpSink& sink) noexcept;
  void on_payload(Half& h, uint32_t seq, const DecodedPacket& packet, TcpSink& sink) noexcept;
  void on_fin(Half& h, uint32_t seq, TcpSink& sink) noexcept;
  void on_old(Half& h, const Run& run, uint32_t seq, TcpSink& sink) noexcept;
  void deliver(Half& h, Run& run, TcpSink& sink) noexcept;
  void hold(Half& h, Run& run, TcpSink& sink) noexcept;
  [[nodiscard]] bool store(Half& h, Run& run) noexcept;
  void give_front(Half& h, TcpSink& sink) noexcept;
  void drain(Half& h, TcpSink& sink) noexcept;
  void settle(Half& h, bool own, Timestamp now, TcpSink& sink) noexcept;
  void give_up(Half& h, Timestamp now, TcpSink& sink) noexcept;
  void flush(Half& h, EndReason reason, TcpSink& sink) noexcept;
  void emit(Half& h, ByteSpan data, TcpSink& sink) noexcept;
  void gap(Half& h, int64_t bytes, Counter& why, TcpSink& sink) noexcept;
  void end(Half& h, EndReason reason, TcpSink& sink) noexcept;
  void drop_held(Half& h) noexcept;

  TcpPool* pool_;
  Half halves_[2];
  bool flipped_ = false;
  bool reset_ = false;
  bool reset_doubtful_ = false;
};

}  // namespace weir::inspect
