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
using signatures::LineHash;
using signatures::LineShape;

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

// `bytes` have one more behind them at least.
inline void CodeReader::ask(uint64_t hash, uint32_t text_line, ByteSpan bytes, HitKind kind) {
  hashes_.push_back(hash);
  // Written where it stays, byte by byte: what is put together elsewhere and copied has to wait.
  Origin& out = origins_.emplace_back();
  out.text_line = text_line;
  out.piece = piece_;
  out.size = static_cast<uint16_t>(bytes.size());
  out.kind = kind;
  const uint8_t* const at = bytes.data();
  out.head[0] = at[0];
  out.head[1] = bytes.size() > 1 ? at[1] : uint8_t{0};
  out.head[2] = bytes.size() > 2 ? at[2] : uint8_t{0};
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
  sift_anchors([&](uint32_t at) { return fingerprinter.window(bytes.data() + at); });
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
inline void CodeReader::sift() {
  passed_.clear();
  walked_ = 0;
  index_.sift(sifted_, passed_);
  counters_.probes.add(sifted_.size());
}
template <typename HashOf>
void CodeReader::sift_anchors(HashOf&& hash_of) {
  const size_t count = anchors_.size();
  sifted_.resize(count);
  for (size_t i = 0; i < count; ++i) sifted_[i] = hash_of(anchors_[i]);
  sift();
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
// Hardly a branch hangs on the text: hashes are made and written, and those that are not wanted are
// written over.
void CodeReader::settle_lines() {
  const std::vector<uint32_t>& ends = text_.line_ends();
  if (lines_settled_ == ends.size()) return;
  const size_t count = ends.size() - lines_settled_;
  sifted_.resize(kAsksPerLine * count + kAsksPerLine);
  if (line_asks_.size() < sifted_.size()) line_asks_.resize(sifted_.size());
  const ByteSpan bytes = text_.bytes();
  const Fingerprinter& fingerprinter = index_.fingerprinter();
  size_t used = 0;
  const auto put = [&](uint64_t hash, size_t at, uint32_t text_line, size_t size, HitKind kind,
                       bool wanted) {
    sifted_[used] = hash;
    line_asks_[used] = {static_cast<uint32_t>(at), text_line, static_cast<uint16_t>(size), kind};
    used += wanted ? 1 : 0;
  };
  TextLine* const known = room_for_lines(count);
  LineHash couple = couple_;
  LineShape before = before_;
  uint32_t couple_line = couple_line_;
  uint32_t before_line = before_line_;
  uint32_t text_line = text_line_;
  // Of a line that is too long the begin may be gone.
  const size_t begin = line_start_ > base_ ? static_cast<size_t>(line_start_ - base_) : 0;
  size_t quote = begin + signatures::first_quote(bytes.subspan(begin));
  for (size_t i = 0; i < count; ++i, ++text_line) {
    const size_t end = ends[lines_settled_ + i];
    const auto size = static_cast<size_t>(base_ + end - line_start_);
    line_start_ = base_ + end;
    const LineShape shape = take_line_shape();
    uint8_t tag = kTagUnknown;
    if (size <= kLineMax) {
      const size_t at = end - size;
      const uint64_t hash = hash_line(bytes, at, size);
      tag = Fingerprinter::tag(size, hash);
      put(hash, at, text_line, size, HitKind::kLine, size >= kLineMin);
      if (quote < end && size >= kLineMin) {
        const size_t left = signatures::mask_literals(bytes.subspan(at, size), masked_);
        if (left >= kLineMin) {
          put(signatures::masked_hash(fingerprinter, ByteSpan(masked_).first(left)), at, text_line,
              left, HitKind::kMasked, true);
        }
      }
      const LineHash line{hash, size};
      put(signatures::couple_hash(fingerprinter, couple, line), at, couple_line, size,
          HitKind::kCouple, signatures::makes_couple(couple, line));
      couple.hash = size > 0 ? hash : couple.hash;
      couple.size = size > 0 ? size : couple.size;
      couple_line = size > 0 ? text_line : couple_line;
      if (shapes_) {
        put(signatures::pair_hash(fingerprinter, before, shape), at, before_line, size,
            HitKind::kPair, signatures::makes_pair(before, shape));
        const bool any = shape.tokens > 0;
        before.hash = any ? shape.hash : before.hash;
        before.tokens = any ? shape.tokens : before.tokens;
        before.tag = any ? shape.tag : before.tag;
        before_line = any ? text_line : before_line;
      }
    }
    if (quote < end) quote = end + signatures::first_quote(bytes.subspan(end));
    if (i < followed_) {
      const size_t tokens = shapes_ ? shape.tokens : size / kBytesPerToken;
      known[i].tag = tag;
      known[i].shape = shape.tag;
      known[i].tokens = static_cast<uint8_t>(std::min<size_t>(tokens, 255));
    }
    critical_.end_line(line_start_, text_line, piece_);
  }
  lines_settled_ += count;
  couple_ = couple;
  couple_line_ = couple_line;
  before_ = before;
  before_line_ = before_line;
  text_line_ = text_line;
  sifted_.resize(used);
  sift();
  for (const uint32_t i : passed_) {
    const LineAsk& one = line_asks_[i];
    ask(sifted_[i], one.text_line, bytes.subspan(one.at, one.size), one.kind);
  }
}
inline uint64_t CodeReader::hash_line(ByteSpan bytes, size_t at, size_t size) const {
  return at >= 8 ? index_.fingerprinter().line_within(bytes.data() + at, size)
                 : index_.fingerprinter().line(bytes.subspan(at, size));
}

// The shape of the line that is settled now.
inline LineShape CodeReader::take_line_shape() {
  if (!shapes_ || shape_settled_ >= shape_.line_ends().size()) return {};
  const uint32_t end = shape_.line_ends()[shape_settled_++];
  const size_t at = shape_start_;
  shape_start_ = end;
  // shape_ keeps room behind its end.
  LineShape out = at >= 8 ? signatures::line_shape_within(index_.fingerprinter(),
                                                          shape_.bytes().data() + at, end - at)
                          : signatures::line_shape(index_.fingerprinter(),
                                                   shape_.bytes().subspan(at, end - at));
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
  sift_anchors([&](uint32_t at) { return fingerprinter.shape(bytes.data() + at); });
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

// Room for that many lines more; sets how many of them there is room for.
TextLine* CodeReader::room_for_lines(size_t count) {
  const size_t known = lines_.size();
  followed_ = std::min<size_t>(
      count, limits_.fingerprint_lines - std::min<size_t>(known, limits_.fingerprint_lines));
  lines_.resize(known + followed_);
  counters_.lines_unfollowed.add(count - followed_);
  return lines_.data() + known;
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
  TextLine* const between = room_for_lines(kPieceDistance);
  std::fill_n(between, followed_, TextLine{kTagUnknown, 0, 0});
  text_line_ += kPieceDistance;
  shape_line_ = text_line_;
  critical_.end_piece();
  in_piece_ = false;
}

}  // namespace weir::inspect
