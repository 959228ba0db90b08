// Input: datagrams, each behind a byte of direction (bit 0) and time (bit 1: ten seconds pass) and
// a length of two bytes; the last byte of the input chooses when keys are known. The keys are those
// of a session that is made anew for each input, whose datagrams the input stands for: where a
// length is 0, the next datagram of the session itself is fed, so that what is fed may open.
// Properties: no crash, order within streams, bounds of what is held.
#include "core/check.h"
#include "tests/inspect/decrypt/quic_run.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using weir::Direction;
  if (size == 0) return 0;
  weir::ByteSpan input(data, size);
  const uint8_t options = input.back();
  input = input.first(size - 1);
  weir::lab::LabRandom random(options);
  weir::lab::QuicPlan plan;
  plan.host = "a.example";
  plan.suite = static_cast<uint16_t>(0x1301 + options % 3);
  weir::lab::QuicSession session(random, plan);
  std::vector<weir::lab::QuicDatagram> own = session.handshake();
  weir::test::QuicRun run;
  run.limits.hold_bytes = 8192;
  run.limits.quic_streams = 4;
  run.limits.quic_stream_bytes = 1024;
  run.limits.quic_connection_bytes = 2048;
  run.limits.quic_connection_ids = 4;
  size_t next = 0;
  size_t fed = 0;
  while (input.size() >= 3) {
    const uint8_t tag = input[0];
    const size_t length = std::min<size_t>(size_t{input[1]} << 8 | input[2], input.size() - 3);
    const weir::ByteSpan bytes = input.subspan(3, length);
    input = input.subspan(3 + length);
    const Direction d = (tag & 1U) != 0 ? Direction::kToClient : Direction::kToServer;
    if ((tag & 2U) != 0) run.now = run.now + weir::Duration::seconds(10);
    if (fed++ == options / 16U) run.learn(session.key_log());
    if (length > 0 && (tag & 4U) != 0) {
      // Any frames, in a packet that opens.
      run.feed(d, session.packet(d, bytes));
    } else if (length > 0) {
      run.feed(d, bytes);
    } else if (next < own.size()) {
      run.feed(own[next].direction, own[next].bytes);
      ++next;
    }
    WEIR_CHECK(run.shared.held_bytes <= run.limits.hold_bytes);
    WEIR_CHECK(run.sink.ids.size() <= 2 * run.limits.quic_connection_ids);
  }
  run.connection.finish(weir::inspect::EndReason::kTimeout);
  WEIR_CHECK(run.sink.in_order);
  WEIR_CHECK(run.shared.held_bytes == 0);
  WEIR_CHECK(run.sink.ids.empty());
  return 0;
}
