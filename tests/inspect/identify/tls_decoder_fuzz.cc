// TLS and STARTTLS decoders over chunks: one byte of direction and kind, two of length, the bytes.
// What the decoder learns must not depend on how the same bytes are cut.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/byte_reader.h"
#include "core/check.h"
#include "inspect/identify/starttls_decoder.h"

namespace {

using weir::ByteSpan;
using weir::Direction;
using namespace weir::inspect;

struct Chunk {
  Direction direction;
  bool gap;
  ByteSpan bytes;
};

template <typename Decoder>
TlsInfo run(const std::vector<Chunk>& chunks, size_t most) {
  weir::Limits limits;
  limits.client_hello_bytes = 2048;
  limits.certificate_bytes = 2048;
  TlsCounters counters;
  Decoder decoder(limits, counters);
  DecodeStatus status = DecodeStatus::kContinue;
  for (const Chunk& chunk : chunks) {
    ByteSpan left = chunk.bytes;
    if (chunk.gap && status == DecodeStatus::kContinue) {
      status = decoder.on_gap(chunk.direction, left.size());
      continue;
    }
    while (!left.empty() && status == DecodeStatus::kContinue) {
      const ByteSpan part = left.first(std::min(left.size(), most));
      left = left.subspan(part.size());
      status = decoder.on_data(chunk.direction, part);
    }
  }
  decoder.on_end(Direction::kToServer, EndReason::kComplete);
  decoder.on_end(Direction::kToClient, EndReason::kComplete);
  return decoder.info();
}

template <typename Decoder>
void check(const std::vector<Chunk>& chunks) {
  const TlsInfo whole = run<Decoder>(chunks, SIZE_MAX);
  const TlsInfo bytes = run<Decoder>(chunks, 1);
  WEIR_CHECK(whole.sni == bytes.sni && whole.ja4 == bytes.ja4 && whole.version == bytes.version);
  WEIR_CHECK(whole.certificate_names == bytes.certificate_names && whole.alpn == bytes.alpn);
  WEIR_CHECK(whole.client_hello_seen == bytes.client_hello_seen);
  WEIR_CHECK(whole.certificate_names.size() <= kMaxCertificateNames);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::ByteReader in(ByteSpan(data, size));
  std::vector<Chunk> chunks;
  while (!in.empty() && chunks.size() < 64) {
    const uint8_t kind = in.u8();
    const size_t count = in.u16();
    const ByteSpan bytes = in.take(std::min(count, in.remaining()));
    chunks.push_back({static_cast<Direction>(kind & 1), (kind & 0x0e) == 0x0e, bytes});
  }
  check<TlsDecoder>(chunks);
  check<StarttlsDecoder>(chunks);
  return 0;
}
