#include "inspect/unwrap/emitter.h"

#include <algorithm>
#include <charconv>

namespace weir::inspect {

void PathBuffer::append(std::string_view text) noexcept {
  const size_t room = chars_.size() - size_;
  if (text.size() > room) {
    cut_ = true;
    text = text.substr(0, room);
  }
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    chars_[size_++] = byte < 0x20 || byte == 0x7f ? '?' : c;
  }
}

void PathBuffer::append_number(uint64_t value) noexcept {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  append({digits, static_cast<size_t>(end - digits)});
}

void Emitter::begin(std::string_view path, TextSink& sink) noexcept {
  sink_ = &sink;
  path_.clear();
  path_.append(path);
  text_bytes_ = 0;
  open_ = piece_readable_ = readable_ = stopped_ = false;
}

void Emitter::open(std::string_view label, uint64_t offset, bool readable) noexcept {
  close(EndReason::kComplete);
  if (stopped_) return;
  open_ = true;
  piece_readable_ = readable;
  counters_.pieces.add();
  if (path_.cut()) counters_.path_limit.add();
  sink_->on_piece({path_.view(), label, offset});
}

void Emitter::text(ByteSpan bytes) noexcept {
  if (!open_ || bytes.empty()) return;
  const uint64_t room = limits_.body_text_bytes - text_bytes_;
  const bool over = bytes.size() > room;
  if (over) bytes = bytes.first(static_cast<size_t>(room));
  text_bytes_ += bytes.size();
  counters_.text_bytes.add(bytes.size());
  if (piece_readable_ && !bytes.empty()) readable_ = true;
  if (!bytes.empty()) sink_->on_text(bytes);
  if (over) {
    counters_.text_limit.add();
    close(EndReason::kLimit);
    stopped_ = true;
  }
}

void Emitter::close(EndReason reason) noexcept {
  if (!open_) return;
  open_ = false;
  sink_->on_piece_end(reason);
}

}  // namespace weir::inspect
