#include "inspect/detect/code_reader.h"

#include <algorithm>

#include "signatures/fingerprint/fingerprint.h"

namespace weir::inspect {
namespace {

using signatures::Fingerprinter;
using signatures::kLineMax;
using signatures::kLineMin;
using signatures::kTagUnknown;
using signatures::kWindow;

// Text lines between pieces, so that no run and no walk goes from one to the next.
constexpr uint32_t kPieceDistance = 64;
// Where shapes are not read, a line has about one token in so many bytes.
constexpr size_t kBytesPerToken = 4;
// Hashes of one line: itself, without its literals, with the line before, and the shapes of both.
constexpr size_t kAsksPerLine = 4;

}  // namespace

CodeReader::CodeReader(const signatures::IndexProbe& index, const Limits& limits,
                       CodeCounters& counters, CriticalSearch& critical, bool shapes)
    : index_(index), limits_(limits), counters_(counters), critical_(critical), shapes_(shapes) {}

void CodeReader::feed(ByteSpan text, int32_t piece) {
  piece_ = piece;
  counters_.text_bytes.add(text.size());
  const size_t before = text_.size();
  normaliser_.feed(text, text_, shapes_ ? &shape_ : nullptr);
  counters_.normal_bytes.add(text_.size() - before);
  settle();
}

void CodeReader::clear_hashes() noexcept {
  hashes_.clear();
  origins_.clear();
}

void CodeReader::reset() noexcept {
  normaliser_.reset();
  text_.clear();
  shape_.clear();
  shape_line_ = 0;
  begin_shapes();
  lines_.clear();
  clear_hashes();
  base_ = line_start_ = window_next_ = 0;
  lines_settled_ = 0;
  text_line_ = 0;
  in_piece_ = false;
}

inline void CodeReader::ask(uint64_t hash, uint32_t text_line, ByteSpan bytes, HitKind kind) {
  std::array<uint8_t, 3> head{};
  std::copy_n(bytes.begin(), std::min(head.size(), bytes.size()), head.begin());
  hashes_.push_back(hash);
  origins_.push_back({text_line, piece_, static_cast<uint16_t>(bytes.size()), kind, head});
}

// Takes everything out of text_ that is certain now.
inline void CodeReader::settle() {
  const ByteSpan bytes = text_.bytes();
  const uint64_t total = base_ + bytes.size();
  const uint32_t first_line = text_line_ - static_cast<uint32_t>(lines_settled_);
  // Windows first: they need the ends of the lines before them.
  anchors_.clear();
  const auto from = static_cast<size_t>(window_next_ - base_);
  const Fingerprinter& fingerprinter = index_.fingerprinter();
  fingerprinter.anchors(bytes, from, anchors_);
  sift(anchors_.size(), [&](size_t i) { return fingerprinter.window(bytes.data() + anchors_[i]); });
  for (const uint32_t i : passed_)
    ask_window(sifted_[i], anchors_[i], text_, first_line, HitKind::kWindow);
  if (bytes.size() >= kWindow) window_next_ = total - kWindow + 1;
  if (shapes_) ask_shapes();
  critical_.keep(bytes, total);
  settle_lines();
  uint64_t keep = std::max(window_next_, base_);
  if (total - line_start_ <= kLineMax) keep = std::min(keep, line_start_);
  if (keep > base_) {
    lines_settled_ -= text_.drop_front(static_cast<size_t>(keep - base_));
    base_ = keep;
  }
  if (shapes_) drop_shapes();
}

// Almost all hashes stop at the filter: only for those that pass is it told where they stand.
template <typename HashOf>
void CodeReader::sift(size_t count, HashOf&& hash_of) {
  sifted_.resize(count);
  for (size_t i = 0; i < count; ++i) sifted_[i] = hash_of(i);
  passed_.clear();
  walked_ = 0;
  index_.sift(sifted_, passed_);
  counters_.probes.add(count);
}

// `text` begins in text line `first_line`. A window belongs to the line of its middle.
inline void CodeReader::ask_window(uint64_t hash, uint32_t at, const signatures::NormalText& text,
                                   uint32_t first_line, HitKind kind) {
  const std::vector<uint32_t>& ends = text.line_ends();
  // Where much is found the next one is near.
  size_t& line = walked_;
  for (size_t steps = 0; line < ends.size() && ends[line] <= at + kWindow / 2; ++steps) {
    line =
        steps < 4
            ? line + 1
            : static_cast<size_t>(std::upper_bound(ends.begin() + static_cast<std::ptrdiff_t>(line),
                                                   ends.end(), at + kWindow / 2) -
                                  ends.begin());
  }
  ask(hash, first_line + static_cast<uint32_t>(line), text.bytes().subspan(at, kWindow), kind);
}

// Lines that are complete and not settled. For each line: its hash, that of its shape, and where
// it has quotes, that of what is left without its literals; two more of it with the line before.
inline void CodeReader::settle_lines() {
  const std::vector<uint32_t>& ends = text_.line_ends();
  if (lines_settled_ == ends.size()) return;
  const ByteSpan bytes = text_.bytes();
  const size_t room = kAsksPerLine * (ends.size() - lines_settled_);
  if (line_asks_.size() < room) line_asks_.resize(room);
  line_asks_used_ = 0;
  for (; lines_settled_ < ends.size(); ++lines_settled_) {
    const uint64_t end = base_ + ends[lines_settled_];
    const auto size = static_cast<size_t>(end - line_start_);
    TextLine line{kTagUnknown, kTagUnknown, 0};
    const signatures::LineShape shape = take_line_shape();
    if (size <= kLineMax) {
      const auto at = static_cast<uint32_t>(line_start_ - base_);
      const uint64_t hash = hash_line(bytes, at, size);
      line.tag = Fingerprinter::tag(size, hash);
      if (size >= kLineMin) add_line(hash, at, bytes.subspan(at, size));
      if (size > 0) add_couple({hash, size}, at);
      if (shape.tokens > 0) add_pair(shape, at, size);
    }
    line.shape = shape.tag;
    line.tokens =
        static_cast<uint8_t>(std::min<size_t>(shapes_ ? shape.tokens : size / kBytesPerToken, 255));
    put_line(line);
    critical_.end_line(end, text_line_, piece_);
    ++text_line_;
    line_start_ = end;
  }
  sift(line_asks_used_, [&](size_t i) { return line_asks_[i].hash; });
  for (const uint32_t i : passed_) {
    const LineAsk& one = line_asks_[i];
    ask(one.hash, one.text_line, bytes.subspan(one.at, one.size), one.kind);
  }
}
inline uint64_t CodeReader::hash_line(ByteSpan bytes, size_t at, size_t size) const {
  return at >= 8 ? index_.fingerprinter().line_within(bytes.data() + at, size)
                 : index_.fingerprinter().line(bytes.subspan(at, size));
}

// A whole line, and the same without the content of its literals.
inline void CodeReader::add_line(uint64_t hash, uint32_t at, ByteSpan line) {
  line_asks_[line_asks_used_++] = {hash, at, text_line_, static_cast<uint16_t>(line.size()),
                                   HitKind::kLine};
  const size_t size = signatures::mask_literals(line, masked_);
  if (size < kLineMin) return;
  line_asks_[line_asks_used_++] = {
      signatures::masked_hash(index_.fingerprinter(), ByteSpan(masked_).first(size)), at,
      text_line_, static_cast<uint16_t>(size), HitKind::kMasked};
}

inline void CodeReader::add_couple(const signatures::LineHash& line, uint32_t at) {
  if (signatures::makes_couple(couple_, line)) {
    line_asks_[line_asks_used_++] = {signatures::couple_hash(index_.fingerprinter(), couple_, line),
                                     at, couple_line_, static_cast<uint16_t>(line.size),
                                     HitKind::kCouple};
  }
  couple_ = line;
  couple_line_ = text_line_;
}

inline void CodeReader::add_pair(const signatures::LineShape& shape, uint32_t at, size_t size) {
  if (signatures::makes_pair(before_, shape)) {
    line_asks_[line_asks_used_++] = {signatures::pair_hash(index_.fingerprinter(), before_, shape),
                                     at, before_line_, static_cast<uint16_t>(size), HitKind::kPair};
  }
  before_ = shape;
  before_line_ = text_line_;
}

// The shape of the line that is settled now.
inline signatures::LineShape CodeReader::take_line_shape() {
  if (!shapes_ || shape_settled_ >= shape_.line_ends().size()) return {};
  const uint32_t end = shape_.line_ends()[shape_settled_++];
  const ByteSpan bytes = shape_.bytes().subspan(shape_start_, end - shape_start_);
  shape_start_ = end;
  // shape_ keeps room behind its end.
  signatures::LineShape out = signatures::line_shape(index_.fingerprinter(), bytes,
                                                     bytes.data() >= shape_.bytes().data() + 8);
  if (shape_cut_) out.tag = kTagUnknown;
  shape_cut_ = false;
  return out;
}
inline void CodeReader::begin_shapes() noexcept {
  shape_settled_ = 0;
  shape_start_ = shape_next_ = 0;
  shape_cut_ = false;
  before_ = {};
  couple_ = {};
}

inline void CodeReader::ask_shapes() {
  const ByteSpan bytes = shape_.bytes();
  anchors_.clear();
  const Fingerprinter& fingerprinter = index_.fingerprinter();
  fingerprinter.anchors(bytes, shape_next_, anchors_, signatures::kShapeAnchorBits);
  sift(anchors_.size(), [&](size_t i) { return fingerprinter.shape(bytes.data() + anchors_[i]); });
  for (const uint32_t i : passed_)
    ask_window(sifted_[i], anchors_[i], shape_, shape_line_, HitKind::kShape);
  if (bytes.size() >= kWindow) shape_next_ = bytes.size() - kWindow + 1;
}

// Keeps the bytes in which a window may begin, and the open line.
inline void CodeReader::drop_shapes() {
  size_t keep = shape_next_;
  if (shape_.size() - shape_start_ <= kLineMax) {
    keep = std::min(keep, shape_start_);
  } else if (keep > shape_start_) {
    shape_cut_ = true;
  }
  const size_t dropped = shape_.drop_front(keep);
  shape_line_ += static_cast<uint32_t>(dropped);
  shape_settled_ -= std::min(shape_settled_, dropped);
  shape_next_ -= keep;
  shape_start_ -= std::min(shape_start_, keep);
}

inline void CodeReader::put_line(TextLine line) {
  if (lines_.size() < limits_.fingerprint_lines) {
    lines_.push_back(line);
  } else {
    counters_.lines_unfollowed.add();
  }
}

void CodeReader::end_piece(int32_t piece) {
  if (!in_piece_) return;
  piece_ = piece;
  normaliser_.finish(text_, shapes_ ? &shape_ : nullptr);
  settle();
  base_ += text_.size();
  text_.clear();
  shape_.clear();
  begin_shapes();
  line_start_ = window_next_ = base_;
  lines_settled_ = 0;
  for (uint32_t i = 0; i < kPieceDistance; ++i) put_line({kTagUnknown, 0, 0});
  text_line_ += kPieceDistance;
  shape_line_ = text_line_;
  critical_.end_piece();
  in_piece_ = false;
}

}  // namespace weir::inspect
