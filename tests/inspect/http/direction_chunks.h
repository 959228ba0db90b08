// How the fuzz targets of stream decoders read their input: chunks tagged with a direction. Each is
// a control byte (low bit: direction; next three all set: a gap) and a length byte (in units of 16
// when bit 4 of the control byte is set).
#pragma once

#include <algorithm>

#include "core/check.h"
#include "inspect/stream_decoder.h"

namespace weir::test {

// `given`: counts client-to-server bytes before they are handed on.
inline void feed_chunks(inspect::StreamDecoder& decoder, ByteSpan rest, bool byte_by_byte,
                        uint64_t& given) {
  while (rest.size() >= 2) {
    const uint8_t control = rest[0];
    const size_t length = rest[1] * ((control & 0x10U) != 0 ? size_t{16} : size_t{1});
    rest = rest.subspan(2);
    const Direction direction = (control & 1U) != 0 ? Direction::kToClient : Direction::kToServer;
    if ((control & 0x0eU) == 0x0eU) {
      if (direction == Direction::kToServer) given += length;
      WEIR_CHECK(decoder.on_gap(direction, length) == inspect::DecodeStatus::kContinue);
      continue;
    }
    ByteSpan chunk = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(chunk.size());
    while (!chunk.empty()) {
      const ByteSpan part = byte_by_byte ? chunk.first(1) : chunk;
      chunk = chunk.subspan(part.size());
      if (direction == Direction::kToServer) given += part.size();
      WEIR_CHECK(decoder.on_data(direction, part) == inspect::DecodeStatus::kContinue);
    }
  }
  decoder.on_end(Direction::kToServer, inspect::EndReason::kComplete);
  decoder.on_end(Direction::kToClient, inspect::EndReason::kComplete);
}

}  // namespace weir::test
