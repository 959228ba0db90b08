// Passes text on and breaks lines at marks that models and chats put into it: <|fim_suffix|>,
// <fim_prefix>, <SUF>, [SUFFIX], ``` and their like. What stands next to such a mark is a line of
// code of its own. The mark stays in the text. Marks in quotes are left alone, as they are code.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace weir::inspect {

class Emitter;

class LineBreaker {
 public:
  static constexpr size_t kMarkBytes = 48;

  void reset() noexcept {
    held_size_ = 0;
    last_ = '\n';
    behind_mark_ = false;
  }
  void text(ByteSpan text, Emitter& out) noexcept;
  // Passes on what may have become a mark.
  void flush(Emitter& out) noexcept;

 private:
  void pass(ByteSpan text, Emitter& out) noexcept;
  void mark(ByteSpan mark, Emitter& out) noexcept;

  std::array<uint8_t, kMarkBytes> held_;
  size_t held_size_ = 0;
  uint8_t last_ = '\n';
  bool behind_mark_ = false;
};

// How many bytes of `text`, which is not empty, are a mark; 0 when none. `more`: it may become one.
[[nodiscard]] size_t mark_length(ByteSpan text, bool& more) noexcept;

}  // namespace weir::inspect
