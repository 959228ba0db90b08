// The input is a script of segments, ACKs, resets, skips and flips in both directions of one flow,
// under tight limits. Payload bytes are the low bytes of their sequence numbers, so that the sink
// can tell whether order and gap sizes are right.
#include <cstdint>
#include <utility>
#include <vector>

#include "core/byte_reader.h"
#include "core/check.h"
#include "inspect/stream/tcp_stream.h"

namespace {

using namespace weir;
using namespace weir::inspect;

class CheckedSink final : public TcpSink {
 public:
  void on_tcp_data(Direction d, ByteSpan data) noexcept override {
    Side& side = sides[d];
    WEIR_CHECK(!side.ended && !side.skipped && !data.empty());
    if (!side.known) side.next = data.front();
    side.known = true;
    for (const uint8_t byte : data) WEIR_CHECK(byte == side.next++);
    side.bytes += data.size();
  }
  void on_tcp_gap(Direction d, uint64_t bytes) noexcept override {
    Side& side = sides[d];
    WEIR_CHECK(!side.ended && !side.skipped);
    if (bytes == 0) side.known = false;
    side.next = static_cast<uint8_t>(side.next + bytes);
    side.gaps += bytes;
  }
  void on_tcp_end(Direction d, EndReason) noexcept override {
    WEIR_CHECK(!sides[d].ended);
    sides[d].ended = true;
  }

  struct Side {
    bool known = false, ended = false, skipped = false;
    uint8_t next = 0;
    uint64_t bytes = 0, gaps = 0;
  };
  PerDirection<Side> sides;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteSpan(data, size));
  Limits limits;
  limits.out_of_order_segments = 1 + in.u8() % 32;
  limits.out_of_order_bytes = size_t{in.u8()} * 256;
  limits.reassembly_bytes_total = size_t{in.u8()} * 512;
  PerDirection<uint32_t> seq;
  seq[Direction::kToServer] = in.u32();
  seq[Direction::kToClient] = in.u32();
  TcpPool pool(limits);
  {
    TcpStream stream(pool);
    CheckedSink sink;
    Timestamp now{1'000'000'000};
    std::vector<uint8_t> payload;
    while (in.remaining() >= 6) {
      const uint8_t op = in.u8();
      const auto d = static_cast<Direction>(op & 1);
      const uint8_t kind = op >> 5;
      const uint8_t bits = in.u8();
      const auto shift = static_cast<int16_t>(in.u16());
      const uint8_t length = in.u8();
      now.ns += int64_t{in.u8()} * int64_t{in.u8()} * 1'000'000;
      if (kind == 7) {
        if (bits == 0x5a) {
          stream.skip(d);
          sink.sides[d].skipped = true;
        } else if (bits == 0xa5) {
          stream.flip();
          std::swap(sink.sides.slot[0], sink.sides.slot[1]);
          std::swap(seq.slot[0], seq.slot[1]);
        }
        continue;
      }
      DecodedPacket packet;
      packet.time = now;
      uint32_t at = seq[d];
      if (kind >= 2) at += static_cast<uint32_t>(kind == 6 ? shift * 65'536 : shift / 8);
      packet.seq = at;
      packet.ack = seq[reverse(d)] + static_cast<uint32_t>((bits & 0xc0) == 0xc0 ? shift : 0);
      packet.flags.ack = (bits & 0x01) != 0;
      packet.flags.fin = (bits & 0x3e) == 0x02;
      packet.flags.syn = (bits & 0x3e) == 0x04;
      packet.flags.rst = (bits & 0x3e) == 0x08;
      packet.missing = (bits & 0x3e) == 0x10 ? length : 0;
      payload.assign((op & 0x10) != 0 ? size_t{length} * 16 : length, 0);
      const uint32_t first = at + (packet.flags.syn ? 1 : 0);
      for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(first + i);
      packet.payload = payload;
      stream.on_segment(d, packet, sink);
      if (kind < 2) {
        seq[d] = first + static_cast<uint32_t>(payload.size()) + packet.missing +
                 (packet.flags.fin ? 1 : 0);
      }
      WEIR_CHECK(pool.bytes_allocated() <= limits.reassembly_bytes_total);
    }
    stream.finish(EndReason::kTimeout, sink);
    for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
      WEIR_CHECK(sink.sides[d].ended);
      WEIR_CHECK(sink.sides[d].bytes == stream.delivered(d));
      WEIR_CHECK(sink.sides[d].gaps == stream.gap_bytes(d));
    }
  }
  WEIR_CHECK(pool.bytes_in_use() == 0);
  return 0;
}
