// Runs the HTTP/1 decoder over client bytes (a half flow) and over scripts of both directions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/http/http1_decoder.h"
#include "tests/inspect/http/message_transcript.h"
#include "tests/support/split_check.h"

namespace weir::test {

struct Decoded {
  std::string transcript;
  inspect::Http1Counters counters;
  inspect::DecodeStatus status = inspect::DecodeStatus::kContinue;
};

// One turn of a conversation: bytes, or a gap.
struct Turn {
  Direction direction = Direction::kToServer;
  std::string bytes;
  std::optional<uint64_t> gap;
};
inline Turn up(std::string bytes) { return {Direction::kToServer, std::move(bytes), {}}; }
inline Turn down(std::string bytes) { return {Direction::kToClient, std::move(bytes), {}}; }
inline Turn up_gap(uint64_t bytes) { return {Direction::kToServer, {}, bytes}; }
inline Turn down_gap(uint64_t bytes) { return {Direction::kToClient, {}, bytes}; }

// `piece`: bytes given at once; 0 for whole turns.
inline Decoded play(const std::vector<Turn>& turns, size_t piece = 0, const Limits& limits = {},
                    bool mid_stream = false, bool offsets = true) {
  Decoded out;
  MessageTranscript sink;
  sink.offsets = offsets;
  inspect::Http1Decoder decoder(limits, out.counters, sink);
  if (mid_stream) decoder.set_mid_stream();
  for (const Turn& turn : turns) {
    if (turn.gap) out.status = decoder.on_gap(turn.direction, *turn.gap);
    for (size_t at = 0; at < turn.bytes.size();) {
      const size_t size = std::min(piece == 0 ? turn.bytes.size() : piece, turn.bytes.size() - at);
      // An exact-size copy, so that a sanitizer sees one byte too far.
      const auto copy = std::make_unique<uint8_t[]>(size);
      std::copy_n(as_bytes(turn.bytes).begin() + static_cast<ptrdiff_t>(at), size, copy.get());
      out.status = decoder.on_data(turn.direction, ByteSpan(copy.get(), size));
      at += size;
      if (out.status != inspect::DecodeStatus::kContinue) break;
    }
    if (out.status != inspect::DecodeStatus::kContinue) break;
  }
  if (out.status == inspect::DecodeStatus::kContinue) {
    decoder.on_end(Direction::kToServer, inspect::EndReason::kComplete);
    decoder.on_end(Direction::kToClient, inspect::EndReason::kComplete);
    EXPECT_TRUE(sink.all_ended());
  }
  out.transcript = sink.take();
  return out;
}

// The script in pieces of several sizes must give one transcript.
inline Decoded check_play(const std::vector<Turn>& turns, const Limits& limits = {},
                          bool mid_stream = false) {
  Decoded whole = play(turns, 0, limits, mid_stream);
  for (const size_t piece : {1U, 2U, 3U, 7U, 16U}) {
    EXPECT_EQ(whole.transcript, play(turns, piece, limits, mid_stream).transcript)
        << "in pieces of " << piece;
  }
  return whole;
}

inline Decoded decode(const std::vector<ByteSpan>& chunks, const Limits& limits = {},
                      bool mid_stream = false) {
  std::vector<Turn> turns;
  turns.reserve(chunks.size());
  for (const ByteSpan chunk : chunks) turns.push_back(up(std::string(as_chars(chunk))));
  return play(turns, 0, limits, mid_stream);
}

// The transcript of client bytes, which every cut of them must give.
inline Decoded check(std::string_view text, const Limits& limits = {}, bool mid_stream = false) {
  const ByteSpan bytes = as_bytes(text);
  split_check(bytes, [&](const std::vector<ByteSpan>& chunks) {
    return decode(chunks, limits, mid_stream).transcript;
  });
  return decode({bytes}, limits, mid_stream);
}

}  // namespace weir::test
