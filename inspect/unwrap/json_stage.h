// JSON (RFC 8259) in a stream, tolerant: several values, JSON Lines, missing and extra commas.
// Every string value becomes a stream one level deeper; keys are pieces only when long. What stops
// being JSON goes on as text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "inspect/unwrap/json_unescape.h"
#include "inspect/unwrap/stage.h"

namespace weir::inspect {

class JsonStage final : public Stage {
 public:
  JsonStage(Chain& chain, Level& next);
  // `declared`: a header says that it is JSON, so what is broken is still read as JSON strings
  // (escapes resolved) instead of as it is. `document`: the text may be a file and matter as a
  // whole, so it is one piece, keys and brackets included, with the escapes in it resolved.
  void begin(const StreamInfo& info, bool declared, bool document) noexcept;
  void on_data(ByteSpan data, uint64_t offset) noexcept override;
  void on_gap(uint64_t bytes) noexcept override;
  void end(EndReason reason) noexcept override;

 private:
  enum class State : uint8_t {
    kValue,
    kKey,
    kColon,
    kComma,
    kLiteral,
    kString,
    kEscape,  // inside an escape that was cut or is not simple; esc_ holds what came of it
    kPlain,   // no JSON any more: bytes as they are
  };
  enum class Into : uint8_t { kValue, kKey, kLoose };
  struct Frame {
    bool object = false;
    uint32_t index = 0;     // of the value in an array
    size_t path = 0;        // length of the path up to this container
    size_t label_from = 0;  // where in the path the nearest key stands
    size_t label_size = 0;
  };

  const uint8_t* structure(const uint8_t* p, const uint8_t* end) noexcept;
  const uint8_t* string(const uint8_t* p, const uint8_t* end) noexcept;
  const uint8_t* escape(const uint8_t* p) noexcept;
  void literal_end() noexcept;
  [[nodiscard]] std::string_view literal() const noexcept {
    return {literal_.data(), literal_size_};
  }
  void push(bool object) noexcept;
  void pop() noexcept;
  void after_value() noexcept;
  void next_item() noexcept;
  void append_component() noexcept;
  void begin_key() noexcept;
  void begin_value() noexcept;
  void end_string() noexcept;
  void flush() noexcept;
  void put_escape_raw(size_t count) noexcept;
  void fail(std::string_view pending, const uint8_t* p) noexcept;
  void open_key() noexcept;
  void key_bytes(ByteSpan bytes) noexcept;
  [[nodiscard]] uint64_t offset_at(const uint8_t* p) const noexcept;
  [[nodiscard]] std::string_view key() const noexcept;
  [[nodiscard]] std::string_view label() noexcept;

  static constexpr size_t kOutBytes = 8 * 1024;
  static constexpr size_t kLongKey = 64;  // longer keys are pieces of their own

  Chain& chain_;
  Level& next_;
  const UnescapeLoop loop_;
  StreamInfo info_;
  bool declared_ = false;
  State state_ = State::kValue;
  Into into_ = Into::kValue;
  std::vector<Frame> frames_;
  uint64_t overflow_ = 0;  // containers open beyond Limits::json_depth
  size_t base_path_ = 0;
  std::vector<char> key_;
  size_t key_size_ = 0;
  bool value_open_ = false;  // next_ has begun
  bool key_open_ = false;    // the key is emitted as a piece
  bool reopen_ = false;      // the next byte begins a piece (after a gap)
  std::array<char, 32> literal_;
  size_t literal_size_ = 0;
  uint64_t literal_offset_ = 0;
  std::array<uint8_t, 12> esc_;
  size_t esc_size_ = 0;
  // The chunk in hand, for offsets.
  const uint8_t* chunk_ = nullptr;
  uint64_t chunk_offset_ = 0;
  uint64_t string_offset_ = 0;
  size_t out_size_ = 0;
  std::vector<uint8_t> out_;
};

}  // namespace weir::inspect
