// application/x-www-form-urlencoded (WHATWG URL section 5.1): every value, decoded, is a stream one
// level deeper. A name is a piece of its own when it is long or when no value follows.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

class FormStage final : public Stage {
 public:
  FormStage(Chain& chain, Level& next);
  void begin(const StreamInfo& info) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  void percent_raw() noexcept;
  void flush() noexcept;
  void open_name() noexcept;
  void begin_value(uint64_t offset) noexcept;
  void end_field(EndReason reason) noexcept;

  static constexpr size_t kOutBytes = 4096;
  static constexpr size_t kOutSlack = 8;
  static constexpr size_t kLongName = 64;

  Chain& chain_;
  Level& next_;
  StreamInfo info_;
  bool in_value_ = false;
  bool value_open_ = false;
  bool name_open_ = false;  // the name is emitted as a piece
  std::string name_;
  uint64_t field_offset_ = 0;
  std::array<uint8_t, 3> percent_;  // an unfinished escape
  size_t percent_size_ = 0;
  size_t base_path_ = 0;
  size_t out_size_ = 0;
  std::array<uint8_t, kOutBytes + kOutSlack> out_;
};

}  // namespace weir::inspect
