// Chunks tagged with a direction: each is a control byte (low bit: direction; next two: data or a
// gap) and a length byte. Properties: no crash, every request that began ends, the call order
// holds, body bytes stand at offsets that were really given, and chunks given byte by byte give the
// same transcript.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "inspect/http/http1_decoder.h"

namespace {

using weir::ByteSpan;
using weir::Direction;
using weir::inspect::BodyChoice;
using weir::inspect::DecodeStatus;
using weir::inspect::EndReason;
using weir::inspect::MessageHead;
using weir::inspect::TunnelInfo;

class CheckingSink final : public weir::inspect::MessageSink {
 public:
  BodyChoice on_request(const MessageHead& head) noexcept override {
    WEIR_CHECK(!open_ && !tunnel_);
    WEIR_CHECK(head.stream_id == next_id_++);
    open_ = true;
    log_ += 'r' + std::to_string(head.offset);
    run_ = kNoRun;
    size_t seen = head.target.size() + head.authority.size();
    for (const auto& field : head.fields) {
      for (const char c : field.name) WEIR_CHECK(c < 'A' || c > 'Z');
      seen += field.name.size() + field.value.size();
    }
    sum_ += seen;
    return head.stream_id % 5 == 4 ? BodyChoice::kSkip : BodyChoice::kInspect;
  }
  void on_body(uint64_t id, ByteSpan data, uint64_t offset) noexcept override {
    WEIR_CHECK(open_ && id + 1 == next_id_);
    WEIR_CHECK(!data.empty() && offset >= least_offset_);
    if (run_ != kBody || offset != least_offset_) log_ += 'b' + std::to_string(offset);
    run_ = kBody;
    log_ += weir::as_chars(data);
    least_offset_ = offset + data.size();
    WEIR_CHECK(least_offset_ <= given);
  }
  void on_body_gap(uint64_t id, uint64_t bytes) noexcept override {
    WEIR_CHECK(open_ && id + 1 == next_id_);
    log_ += 'g' + std::to_string(bytes);
    run_ = kNoRun;
  }
  void on_request_end(uint64_t id, EndReason reason) noexcept override {
    WEIR_CHECK(open_ && id + 1 == next_id_);
    open_ = false;
    log_ += 'e' + std::to_string(static_cast<int>(reason));
    run_ = kNoRun;
  }
  void on_tunnel(const TunnelInfo& info) noexcept override {
    WEIR_CHECK(!open_ && !tunnel_);
    tunnel_ = true;
    log_ += 't';
    log_ += info.protocol;
    log_ += info.websocket_extensions;
    sum_ += info.target.size() + info.authority.size() + info.user_agent.size();
    run_ = kNoRun;
  }
  void on_tunnel_data(uint64_t, Direction direction, ByteSpan data) noexcept override {
    WEIR_CHECK(tunnel_ && !data.empty());
    const int run = direction == Direction::kToServer ? kUp : kDown;
    if (run_ != run) log_ += run == kUp ? 'u' : 'd';
    run_ = run;
    log_ += weir::as_chars(data);
  }
  void on_tunnel_gap(uint64_t, Direction direction, uint64_t bytes) noexcept override {
    WEIR_CHECK(tunnel_);
    log_ += (direction == Direction::kToServer ? 'U' : 'D') + std::to_string(bytes);
    run_ = kNoRun;
  }

  void on_tunnel_end(uint64_t, EndReason) noexcept override { WEIR_CHECK(false); }

  [[nodiscard]] const std::string& finish() const {
    WEIR_CHECK(!open_);
    return log_;
  }
  uint64_t given = 0;

 private:
  enum Run : int { kNoRun, kBody, kUp, kDown };
  int run_ = kNoRun;
  std::string log_;
  bool open_ = false;
  bool tunnel_ = false;
  uint64_t next_id_ = 0;
  uint64_t least_offset_ = 0;
  size_t sum_ = 0;
};

std::string run(const uint8_t* data, size_t size, bool byte_by_byte) {
  weir::Limits limits;
  limits.header_bytes = 512;
  limits.header_line_bytes = 128;
  limits.headers = 8;
  weir::inspect::Http1Counters counters;
  CheckingSink sink;
  weir::inspect::Http1Decoder decoder(limits, counters, sink);
  ByteSpan rest(data, size);
  if (!rest.empty() && rest.front() == 'M') decoder.set_mid_stream();
  DecodeStatus status = DecodeStatus::kContinue;
  while (rest.size() >= 2 && status == DecodeStatus::kContinue) {
    const uint8_t control = rest[0];
    const size_t length = rest[1];
    rest = rest.subspan(2);
    const Direction direction = (control & 1U) != 0 ? Direction::kToClient : Direction::kToServer;
    if ((control & 0x0eU) == 0x0eU) {
      if (direction == Direction::kToServer) sink.given += length;
      status = decoder.on_gap(direction, length);
      continue;
    }
    ByteSpan chunk = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(chunk.size());
    while (!chunk.empty() && status == DecodeStatus::kContinue) {
      const ByteSpan part = byte_by_byte ? chunk.first(1) : chunk;
      chunk = chunk.subspan(part.size());
      if (direction == Direction::kToServer) sink.given += part.size();
      status = decoder.on_data(direction, part);
      WEIR_CHECK(decoder.held().size() <= 17U << 10);
    }
  }
  if (status == DecodeStatus::kContinue) {
    decoder.on_end(Direction::kToServer, EndReason::kComplete);
    decoder.on_end(Direction::kToClient, EndReason::kComplete);
  }
  return sink.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  WEIR_CHECK(run(data, size, false) == run(data, size, true));
  return 0;
}
