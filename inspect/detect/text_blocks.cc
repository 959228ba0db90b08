// See text_blocks.h.
#include "inspect/detect/text_blocks.h"

#include <algorithm>
#include <cstring>

namespace weir::inspect {

TextBlocks::TextBlocks(const Limits& limits, BlockSink& sink)
    : sink_(sink), max_path_(limits.content_path_bytes), buffer_(kLookBehind + kBlockBytes) {}

void TextBlocks::begin() noexcept {
  used_ = 0;
  behind_ = 0;
  position_ = 0;
  mark_count_ = 0;
  mark_open_ = false;
  in_piece_ = false;
  begun_ = false;
  gap_ = false;
  pieces_ = 0;
  text_bytes_ = 0;
}

void TextBlocks::on_piece(const PieceStart& start) noexcept {
  in_piece_ = true;
  begun_ = false;
  current_.number = pieces_++;
  current_.offset = start.offset;
  current_.path.assign(start.path.substr(0, max_path_));
  current_.label.assign(start.label.substr(0, kMaxLabel));
}

// Pieces without a byte leave no trace: JSON is full of empty strings.
void TextBlocks::on_text(ByteSpan text) noexcept {
  if (text.empty() || !in_piece_) return;
  if (!begun_) {
    current_.continues = false;
    current_.gap_before = gap_;
    gap_ = false;
    append(as_bytes("\n"));
    if (!current_.label.empty()) {
      append(as_bytes(current_.label));
      append(as_bytes(": "));
    }
    begun_ = true;
  }
  text_bytes_ += text.size();
  append(text);
}

void TextBlocks::on_piece_end(EndReason reason) noexcept {
  close_mark();
  in_piece_ = false;
  if (reason != EndReason::kComplete) gap_ = true;
}

void TextBlocks::append(ByteSpan bytes) noexcept {
  while (!bytes.empty()) {
    if (used_ == kBlockBytes) flush();
    if (begun_ && !mark_open_) open_mark();
    const size_t count = std::min(bytes.size(), kBlockBytes - used_);
    std::memcpy(block() + used_, bytes.data(), count);
    used_ += count;
    bytes = bytes.subspan(count);
  }
}

void TextBlocks::open_mark() noexcept {
  if (mark_count_ == kMaxMarks) flush();
  if (mark_count_ == marks_.size()) marks_.emplace_back();
  PieceMark& mark = marks_[mark_count_++];
  mark = current_;
  mark.begin = static_cast<uint32_t>(used_);
  mark_open_ = true;
}

void TextBlocks::close_mark() noexcept {
  if (!mark_open_) return;
  marks_[mark_count_ - 1].end = static_cast<uint32_t>(used_);
  mark_open_ = false;
}

void TextBlocks::flush() noexcept {
  if (used_ == 0) return;
  if (mark_open_) {
    current_.continues = true;
    current_.gap_before = false;
  }
  close_mark();
  TextBlock out;
  out.position = position_;
  out.text = ByteSpan(block(), used_);
  out.look_behind = behind_;
  out.pieces = std::span<const PieceMark>(marks_.data(), mark_count_);
  sink_.on_block(out);
  const size_t keep = std::min(kLookBehind, behind_ + used_);
  std::memmove(block() - keep, block() + used_ - keep, keep);
  behind_ = keep;
  position_ += used_;
  used_ = 0;
  mark_count_ = 0;
}

}  // namespace weir::inspect
