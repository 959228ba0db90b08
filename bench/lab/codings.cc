#include "bench/lab/codings.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace weir::lab {
namespace {

Bytes zlib_encode(ByteSpan content, int window_bits) {
  z_stream stream{};
  WEIR_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes input(content.begin(), content.end());  // zlib wants it mutable
  Bytes out(deflateBound(&stream, static_cast<uLong>(content.size())));
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  WEIR_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes brotli_encode(ByteSpan content) {
  size_t size = std::max<size_t>(BrotliEncoderMaxCompressedSize(content.size()), 64);
  Bytes out(size);
  WEIR_CHECK(BrotliEncoderCompress(4, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, content.size(),
                                   content.data(), &size, out.data()) == BROTLI_TRUE);
  out.resize(size);
  return out;
}

Bytes zstd_encode(ByteSpan content) {
  Bytes out(ZSTD_compressBound(content.size()));
  const size_t size = ZSTD_compress(out.data(), out.size(), content.data(), content.size(), 3);
  WEIR_CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace

Bytes encode_content(std::string_view coding, ByteSpan content) {
  if (coding == "identity") return {content.begin(), content.end()};
  if (coding == "gzip") return zlib_encode(content, 15 + 16);
  if (coding == "deflate") return zlib_encode(content, 15);
  if (coding == "br") return brotli_encode(content);
  WEIR_CHECK(coding == "zstd");
  return zstd_encode(content);
}

}  // namespace weir::lab
