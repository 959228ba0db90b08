// Reassembles the two byte streams of one TCP connection, whatever the mirror port shows of it.
// Each byte is given once and in order; what never came is announced as a gap. Duplicate bytes are
// dropped: the first data wins. Works without handshake, with one side only, with segments of
// 64 KB, over sequence wrap-around.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/counters.h"
#include "core/direction.h"
#include "core/limits.h"
#include "core/packet.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// Per direction: on_tcp_data* (on_tcp_gap on_tcp_data*)* on_tcp_end.
class TcpSink {
 public:
  virtual ~TcpSink() = default;
  virtual void on_tcp_data(Direction, ByteSpan data) noexcept = 0;
  virtual void on_tcp_gap(Direction, uint64_t bytes) noexcept = 0;
  virtual void on_tcp_end(Direction, EndReason) noexcept = 0;  // once a direction
};

// Shared by all streams of one worker: memory budget and counters. (The implementation adds what it
// needs.)
struct TcpCounters;
class TcpPool;

// class TcpStream:
//   TcpStream(TcpPool& pool)
//   void on_segment(Direction, const DecodedPacket&, TcpSink&) noexcept
//   void flip() noexcept                      // exchange the directions
//   void skip(Direction) noexcept             // no more data wanted: count only, free buffers
//   void finish(EndReason, TcpSink&) noexcept // flow ends: flush what is buffered, end both ways
//   bool closed() const noexcept              // FIN both ways or RST
//   uint64_t gap_bytes(Direction), delivered(Direction)

}  // namespace weir::inspect
