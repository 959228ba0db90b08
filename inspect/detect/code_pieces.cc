#include "inspect/detect/code_pieces.h"

#include <algorithm>
#include <utility>

namespace weir::inspect {

void CodePieces::begin_block(std::span<const PieceMark> marks) {
  marks_ = marks;
  first_lines_.assign(marks.size(), 0);
}

void CodePieces::enter(size_t number, uint32_t first_line) {
  current_ = static_cast<int32_t>(number);
  first_lines_[number] = first_line_ = first_line;
}

void CodePieces::end_block(bool open) {
  if (!marks_.empty() && open) {
    // The rest of the last piece may be settled when its block is gone.
    const PieceMark& last = marks_.back();
    carried_.first_line = first_line_;
    carried_.offset = last.offset;
    carried_.path = last.path;
  }
  current_ = kCarried;
  marks_ = {};
}

void CodePieces::remember(int32_t piece) {
  const uint32_t first_line =
      piece == kCarried ? carried_.first_line : first_lines_[static_cast<size_t>(piece)];
  if (!found_.empty() && found_.back().first_line == first_line) return;
  Piece found;
  if (piece == kCarried) {
    found = carried_;
  } else {
    const PieceMark& mark = marks_[static_cast<size_t>(piece)];
    found = {first_line, mark.offset, mark.path};
  }
  const auto at =
      std::lower_bound(found_.begin(), found_.end(), first_line,
                       [](const Piece& a, uint32_t line) { return a.first_line < line; });
  if (at == found_.end() || at->first_line != first_line) found_.insert(at, std::move(found));
}

const CodePieces::Piece* CodePieces::at(uint32_t text_line) const noexcept {
  const auto after =
      std::upper_bound(found_.begin(), found_.end(), text_line,
                       [](uint32_t line, const Piece& piece) { return line < piece.first_line; });
  return after == found_.begin() ? nullptr : &*(after - 1);
}

void CodePieces::reset() noexcept {
  found_.clear();
  first_line_ = 0;
  current_ = kCarried;
}

}  // namespace weir::inspect
