// Protobuf messages without their schema: each field of bytes that is text goes out as a stream of
// its own, nested messages are walked without recursion, other bytes of some length are looked at
// one level deeper. Whether bytes are text, a message or neither is told from the first
// kWindow of them. Groups are walked like the fields around them. What stops being protobuf goes
// out as one stream, so nothing stays unscanned but numbers.
#pragma once

#include <array>
#include <cstdint>

#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

class ProtobufStage final : public Stage {
 public:
  static constexpr size_t kWindow = 256;

  ProtobufStage(Chain& chain, Level& next) : chain_(chain), next_(next) {}
  void begin(const StreamInfo& info) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  enum class State : uint8_t { kTag, kSkip, kField, kValue, kRest };
  static constexpr size_t kDepth = 16;    // nested messages; deeper ones are taken as text
  static constexpr size_t kShortest = 4;  // bytes that are no text, worth looking at

  // Both return how much of `data`, whose first byte stands at `offset`, was used.
  size_t parse(ByteSpan data, uint64_t offset, bool final) noexcept;
  size_t tag(ByteSpan data) noexcept;
  size_t field(ByteSpan data, uint64_t offset, bool final) noexcept;
  void close_messages() noexcept;
  void open_value(uint64_t offset, bool text) noexcept;
  void end_value(EndReason reason) noexcept;
  void give_up() noexcept;

  Chain& chain_;
  Level& next_;
  StreamInfo info_;
  State state_ = State::kTag;
  // Of each message that is open: where it ends, counted in bytes of the stream, and its path.
  struct Message {
    uint64_t end = 0;
    size_t path = 0;
  };
  std::array<Message, kDepth> messages_;
  size_t depth_ = 0;
  uint64_t position_ = 0;
  uint64_t left_ = 0;  // of what is skipped, or of the field in hand
  uint32_t number_ = 0;
  bool open_ = false;
  size_t base_path_ = 0;
  size_t value_path_ = 0;
  uint64_t held_offset_ = 0;
  std::array<uint8_t, 2 * kWindow> held_;  // bytes that cannot be told yet
  size_t held_size_ = 0;
};

// What the start of a message tells.
struct ProtobufPrefix {
  size_t strings = 0;  // bytes that stand in fields that are text
  ByteSpan inner;      // of the last field of bytes that are no text
  uint64_t inner_size = 0;
};
// Could `prefix` be the start of a message of `size` bytes? Numbers of fields up to `largest`.
[[nodiscard]] bool begins_protobuf(ByteSpan prefix, uint64_t size, uint32_t largest,
                                   ProtobufPrefix& told) noexcept;

}  // namespace weir::inspect
