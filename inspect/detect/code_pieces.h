// Which piece of a request a line of its text belongs to. Text lines are counted over the whole
// request; of the pieces only those are kept in which something was found.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "inspect/detect/text_block.h"

namespace weir::inspect {

class CodePieces {
 public:
  // The piece that was open when its block ended.
  static constexpr int32_t kCarried = -1;
  struct Piece {
    uint32_t first_line = 0;  // of the text
    uint64_t offset = 0;
    std::string path;
  };

  // The block's marks must stay until end_block().
  void begin_block(std::span<const PieceMark> marks);
  // Piece `number` of the block is read from now on; its first line is `first_line`.
  void enter(size_t number, uint32_t first_line);
  // `open`: the last piece goes on behind the block.
  void end_block(bool open);
  // The piece that is read now, for remember().
  [[nodiscard]] int32_t current() const noexcept { return current_; }
  // Something was found in a piece of this block, or in the one carried over.
  void remember(int32_t piece);
  // The piece that a line stands in, of those that were remembered; null: none of them.
  [[nodiscard]] const Piece* at(uint32_t text_line) const noexcept;
  void reset() noexcept;

 private:
  std::span<const PieceMark> marks_;   // during a block
  std::vector<uint32_t> first_lines_;  // of each of them
  int32_t current_ = kCarried;
  uint32_t first_line_ = 0;  // of the current piece
  Piece carried_;
  std::vector<Piece> found_;  // by first line
};

}  // namespace weir::inspect
