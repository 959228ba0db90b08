// Compresses fixtures with the libraries' own encoders.
#pragma once

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/check.h"

namespace weir::test {

// `window`: 31 gzip, 15 zlib, -15 raw deflate.
inline std::string deflated(std::string_view text, int window, int level = 6) {
  z_stream z{};
  WEIR_CHECK(deflateInit2(&z, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = const_cast<Bytef*>(as_bytes(text).data());
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  WEIR_CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

inline std::string gzipped(std::string_view text, int level = 6) {
  return deflated(text, 31, level);
}

inline std::string zstd_compressed(std::string_view text, int level = 3) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), level);
  WEIR_CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

inline std::string brotli_compressed(std::string_view text, int quality = 5) {
  std::string out(BrotliEncoderMaxCompressedSize(text.size()) + 64, '\0');
  size_t size = out.size();
  WEIR_CHECK(BrotliEncoderCompress(quality, BROTLI_DEFAULT_WINDOW, BROTLI_DEFAULT_MODE, text.size(),
                                   as_bytes(text).data(), &size,
                                   reinterpret_cast<uint8_t*>(out.data())) == BROTLI_TRUE);
  out.resize(size);
  return out;
}

inline std::string base64_encoded(std::string_view text, bool url = false, size_t line = 0) {
  const std::string alphabet =
      std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") +
      (url ? "-_" : "+/");
  std::string out;
  size_t column = 0;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t bits = 0;
    const size_t count = text.size() - i < 3 ? text.size() - i : 3;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < count ? static_cast<uint8_t>(text[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      if (k > count) {
        if (!url) out += '=';
      } else {
        out += alphabet[bits >> (18 - 6 * k) & 63];
      }
      if (line > 0 && ++column % line == 0) out += "\r\n";
    }
  }
  return out;
}

}  // namespace weir::test
