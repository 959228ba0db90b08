// A WebSocket as a stream decoder: what follows the 101 answer of an "Upgrade: websocket" (the
// tunnel of Http1Decoder). The client's direction is read by WebSocketReader, the server's not at
// all.
#pragma once

#include <optional>

#include "inspect/http/websocket_reader.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

class WebSocketDecoder final : public StreamDecoder {
 public:
  WebSocketDecoder(const Limits& limits, WebSocketCounters& counters, MessageSink& sink,
                   const WebSocketOrigin& origin) noexcept
      : reader_(limits, counters, sink, origin, std::nullopt) {}

  // The first byte need not begin a frame. Call before any data.
  void set_mid_stream() noexcept { reader_.set_mid_stream(); }

  DecodeStatus on_data(Direction direction, ByteSpan data) noexcept override {
    if (direction == Direction::kToServer) {
      reader_.on_data(data, offset_);
      offset_ += data.size();
    }
    return DecodeStatus::kContinue;
  }
  // 0: bytes were lost, and nobody knows how many.
  DecodeStatus on_gap(Direction direction, uint64_t bytes) noexcept override {
    if (direction == Direction::kToServer) {
      reader_.on_gap(bytes);
      offset_ += bytes;
    }
    return DecodeStatus::kContinue;
  }
  void on_end(Direction direction, EndReason reason) noexcept override {
    if (direction == Direction::kToServer) reader_.end(reason);
  }

 private:
  WebSocketReader reader_;
  uint64_t offset_ = 0;
};

}  // namespace weir::inspect
