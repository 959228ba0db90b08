// A gzip file (RFC 1952) as a stdio stream of what is in it, so that libpcap reads it like any
// other. Members follow one another; what stands behind the last and is no member is left alone.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace weir::capture {

// What made the stream fail; empty as long as it did not. Outlives the stream.
using StreamFault = std::shared_ptr<std::string>;

// Takes `source` over, which is closed with the stream. Null when memory is lacking. Once all that
// can be inflated was read of data that is cut or damaged, the stream fails and sets `fault`.
std::FILE* open_gzip_stream(std::FILE* source, StreamFault fault);

}  // namespace weir::capture
