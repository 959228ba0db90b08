// Input: a byte of options, then chunks tagged with a direction (direction_chunks.h). Properties:
// no crash, the call order holds for interleaved requests, no more of them are open than the limit
// allows, offsets were really given, and byte by byte the log is the same.
#include "inspect/http/http2_decoder.h"
#include "tests/inspect/http/checking_sink.h"
#include "tests/inspect/http/direction_chunks.h"

namespace {

std::string run(weir::ByteSpan input, bool byte_by_byte) {
  weir::Limits limits;
  limits.header_bytes = 512;
  limits.header_line_bytes = 128;
  limits.headers = 8;
  limits.http2_streams = 4;
  limits.inflate_floor = 4096;
  limits.inflate_ratio = 20;
  const uint8_t options = input[0];
  weir::inspect::Http2Counters counters;
  weir::inspect::WebSocketCounters websocket;
  weir::test::InterleavedSink sink;
  weir::inspect::Http2Decoder decoder(limits, counters, websocket, sink);
  if ((options & 1U) != 0) decoder.set_mid_stream();
  weir::test::feed_chunks(decoder, input.subspan(1), byte_by_byte, sink.given);
  // Four streams, bytes in no frame, and a long control frame of each WebSocket.
  WEIR_CHECK(sink.most_open <= 2 * limits.http2_streams + 1);
  // Where inflated bytes stand, what is made of corrupt ones, and where bytes stand that were held
  // over several DATA frames depends on the cut.
  if (websocket.compressed_messages.get() + websocket.sync_lost.get() > 0) return {};
  return sink.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  WEIR_CHECK(run({data, size}, false) == run({data, size}, true));
  return 0;
}
