// Input: events of a tag byte and what it asks for. Bits 0 to 2 choose the stream (0, 4, 8, 2, 6,
// 10, 14, or 3 of the server), bits 3 to 4 the event (0, 1: data of the next byte's length; 2: a
// gap of it; 3: end). Properties: no crash, the call order holds for interleaved requests, and byte
// by byte the log is the same.
#include <array>
#include <optional>
#include <set>

#include "inspect/http/http3_decoder.h"
#include "tests/inspect/http/checking_sink.h"

namespace {

std::optional<std::string> run(weir::ByteSpan input, bool byte_by_byte) {
  constexpr std::array<uint64_t, 8> kStreams{0, 4, 8, 2, 6, 10, 14, 3};
  weir::Limits limits;
  limits.header_bytes = 512;
  limits.header_line_bytes = 128;
  limits.headers = 8;
  limits.quic_streams = 6;
  limits.http3_blocked_bytes = 256;
  weir::inspect::Http3Counters counters;
  weir::inspect::WebSocketCounters websocket;
  weir::test::InterleavedSink sink;
  weir::inspect::Http3Decoder decoder(limits, counters, websocket, sink);
  std::array<uint64_t, 8> at{};
  std::array<bool, 8> ended{};
  sink.given = ~uint64_t{0};
  while (input.size() >= 2) {
    const size_t slot = input[0] & 7U;
    const unsigned event = input[0] >> 3 & 3U;
    const size_t size = std::min<size_t>(input[1], input.size() - 2);
    const weir::ByteSpan data = input.subspan(2, size);
    const uint64_t length = input[1];
    input = input.subspan(2);
    if (event < 2) input = input.subspan(size);
    if (ended[slot]) continue;
    const uint64_t stream = kStreams[slot];
    if (event == 3) {
      if (slot == 7) continue;
      ended[slot] = true;
      decoder.on_end(stream, (length & 1U) != 0 ? weir::inspect::EndReason::kReset
                                                : weir::inspect::EndReason::kComplete);
    } else if (event == 2) {
      if (slot == 7) continue;
      decoder.on_gap(stream, length);
      at[slot] += length;
    } else if (slot == 7) {
      decoder.on_server_data(stream, data);
    } else if (byte_by_byte) {
      for (size_t i = 0; i < size; ++i) decoder.on_data(stream, data.subspan(i, 1), at[slot]++);
    } else {
      decoder.on_data(stream, data, at[slot]);
      at[slot] += size;
    }
  }
  decoder.finish(weir::inspect::EndReason::kTimeout);
  // Where bytes stood that were held, when waiting is given up, and what was read before an error
  // depends on the cut; so does whether an entry is still there that a client should not have
  // evicted.
  const bool held = websocket.compressed_messages.get() + websocket.sync_lost.get() > 0 ||
                    counters.blocked_given_up.get() + counters.qpack_errors.get() > 0;
  std::string log = sink.finish();
  if (held) return std::nullopt;
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto whole = run({data, size}, false);
  const auto cut = run({data, size}, true);
  WEIR_CHECK(!whole || !cut || *whole == *cut);
  return 0;
}
