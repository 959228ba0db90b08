// Any body under any header: the events are in order, limits hold, and cutting the body into chunks
// changes nothing. Input: a byte that chooses the headers, a byte that seeds the cuts, the body.
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "tests/inspect/unwrap/transcript.h"

namespace {

using weir::ByteSpan;

constexpr std::string_view kTypes[] = {"",
                                       "application/json",
                                       "multipart/form-data; boundary=B",
                                       "application/x-www-form-urlencoded",
                                       "application/connect+json",
                                       "text/plain",
                                       "application/proto"};
constexpr std::string_view kEncodings[] = {"", "gzip", "deflate", "br", "zstd", "br, gzip", "x"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  weir::test::Body body;
  body.type = kTypes[data[0] % std::size(kTypes)];
  body.encoding = kEncodings[data[0] / 8 % std::size(kEncodings)];
  body.limits.unwrap_depth = 4;
  body.limits.json_depth = 6;
  body.limits.json_key_bytes = 16;
  body.limits.content_path_bytes = 60;
  body.limits.part_header_bytes = 80;
  body.limits.qoder_body_bytes = 400;
  body.limits.body_text_bytes = 20'000;
  body.limits.inflate_floor = 10'000;
  const ByteSpan bytes(data + 2, size - 2);
  const weir::test::Unwrapped whole = weir::test::unwrap({bytes}, body);
  WEIR_CHECK(whole.text.size() <= body.limits.body_text_bytes);
  WEIR_CHECK(whole.well_formed);
  WEIR_CHECK(whole.longest_path <= body.limits.content_path_bytes);

  std::mt19937 random(data[1]);
  std::vector<ByteSpan> chunks;
  for (size_t at = 0; at < bytes.size();) {
    const size_t count = std::min<size_t>(bytes.size() - at, random() % 40);
    chunks.push_back(bytes.subspan(at, count));
    at += count;
  }
  const weir::test::Unwrapped cut = weir::test::unwrap(chunks, body);
  // Where a decoder notices that its input is corrupt, and how much it has read when its output
  // passes the ratio, depends on the chunks.
  if (whole.counters.corrupt.get() == 0 && whole.counters.inflate_limit.get() == 0) {
    WEIR_CHECK(cut.transcript == whole.transcript);
    WEIR_CHECK(cut.opaque == whole.opaque);
  }
  WEIR_CHECK(weir::test::unwrap(chunks, body, random() % 7 + 1).well_formed);
  return 0;
}
