// multipart/form-data and its kin (RFC 2046 section 5.1, RFC 7578). Each part is a stream one level
// deeper, by its own headers. Preamble and epilogue are parts too: nothing stays unscanned.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class Level;

class MultipartStage final : public Stage {
 public:
  MultipartStage(Chain& chain, Level& next);
  void begin(const StreamInfo& info, std::string_view boundary) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  enum class State : uint8_t {
    kBody,      // of a part, the preamble or the epilogue
    kLine,      // at the start of a line of a body, which may be a boundary
    kBoundary,  // behind what may be a boundary: the rest of its line tells
    kHeaders,
  };

  const uint8_t* body(const uint8_t* p, const uint8_t* end) noexcept;
  const uint8_t* line(const uint8_t* p) noexcept;
  const uint8_t* boundary(const uint8_t* p) noexcept;
  const uint8_t* headers(const uint8_t* p, const uint8_t* end) noexcept;
  void header_line() noexcept;
  void begin_odd_part(uint64_t offset) noexcept;
  void give_back() noexcept;
  void begin_part() noexcept;
  void begin_plain(std::string_view name) noexcept;
  void end_part(EndReason reason) noexcept;
  void pass(const uint8_t* p, const uint8_t* end) noexcept;
  [[nodiscard]] uint64_t offset_at(const uint8_t* p) const noexcept;

  Chain& chain_;
  Level& next_;
  StreamInfo info_;
  State state_ = State::kLine;
  std::string delimiter_;  // "--boundary"
  // A line end and what may become a boundary line.
  std::string held_;
  size_t held_break_ = 0;  // bytes of it that are the line end
  uint64_t held_offset_ = 0;
  bool part_open_ = false;
  std::string header_;  // the line in hand
  bool header_cut_ = false;
  size_t base_path_ = 0;
  // Of the part in hand.
  std::string name_;
  std::string file_;
  std::string type_;
  std::string encoding_;
  Transfer transfer_ = Transfer::kNone;
  const uint8_t* chunk_ = nullptr;
  uint64_t chunk_offset_ = 0;
};

}  // namespace weir::inspect
