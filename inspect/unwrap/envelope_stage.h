// gRPC and Connect messages: a byte of flags, four of length, the message. A compressed message is
// found by its first bytes one level deeper, and so is protobuf.
#pragma once

#include <array>
#include <cstdint>

#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

class EnvelopeStage final : public Stage {
 public:
  EnvelopeStage(Chain& chain, Level& next) : chain_(chain), next_(next) {}
  void begin(const StreamInfo& info) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  void begin_message(uint64_t offset) noexcept;

  Chain& chain_;
  Level& next_;
  StreamInfo info_;
  std::array<uint8_t, 5> head_;
  size_t head_size_ = 0;
  uint64_t left_ = 0;  // of the message
  uint64_t number_ = 0;
  bool open_ = false;
  size_t base_path_ = 0;
};

}  // namespace weir::inspect
