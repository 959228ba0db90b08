// Input: a byte of options, then chunks tagged with a direction (direction_chunks.h). Properties:
// no crash, the call order holds, and byte by byte the log is the same, corrupt deflate apart.
#include "inspect/http/websocket_decoder.h"
#include "tests/inspect/http/checking_sink.h"
#include "tests/inspect/http/direction_chunks.h"

namespace {

std::string run(weir::ByteSpan input, bool byte_by_byte) {
  weir::Limits limits;
  limits.inflate_floor = 4096;
  limits.inflate_ratio = 20;
  const uint8_t options = input[0];
  weir::inspect::WebSocketCounters counters;
  weir::test::InterleavedSink sink;
  sink.offsets = false;
  weir::inspect::WebSocketDecoder decoder(
      limits, counters, sink,
      {"/", "h", {}, (options & 2U) != 0 ? "permessage-deflate; client_no_context_takeover" : ""});
  if ((options & 1U) != 0) decoder.set_mid_stream();
  weir::test::feed_chunks(decoder, input.subspan(1), byte_by_byte, sink.given);
  WEIR_CHECK(sink.most_open <= 2);
  const std::string& log = sink.finish();
  const bool cut_matters = counters.inflate_corrupt.get() + counters.inflate_limit.get() > 0;
  return cut_matters ? std::string() : log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  WEIR_CHECK(run({data, size}, false) == run({data, size}, true));
  return 0;
}
