// Content codings of HTTP: gzip, deflate (zlib format), br, zstd.
#pragma once

#include <string_view>

#include "bench/lab/byte_writer.h"

namespace weir::lab {

// `coding` is one of "identity", "gzip", "deflate", "br", "zstd". Ends the process on any other, or
// when a library fails: both are mistakes of the program.
Bytes encode_content(std::string_view coding, ByteSpan content);

}  // namespace weir::lab
