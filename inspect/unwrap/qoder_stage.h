// Qoder's keyless transform (request parameter Encode=1): base64 in another alphabet, its first and
// last thirds swapped. The end of the text comes first, so the whole body is held, up to
// Limits::qoder_body_bytes; a longer one is emitted as it is.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

class QoderStage final : public Stage {
 public:
  QoderStage(Chain& chain, Level& next);
  void begin(const StreamInfo& info) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  void give_up() noexcept;
  // The decoded body in place of held_, or false when it is none.
  bool decode() noexcept;

  Chain& chain_;
  Level& next_;
  StreamInfo info_;
  std::array<uint8_t, 256> values_;  // 0-63, 64 for padding, 255
  std::vector<uint8_t> held_;
  std::vector<uint8_t> decoded_;
  bool plain_ = false;
  bool paused_ = false;
};

}  // namespace weir::inspect
