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
  sift_windows(text_, false);
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
void CodeReader::sift_windows(const signatures::NormalText& text, bool of_shape) {
  sifted_.resize(anchors_.size());
  index_.fingerprinter().windows(text.bytes().data(), anchors_.data(), anchors_.size(), of_shape,
                                 sifted_.data());
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
// All lines go through one step, then through the next, and hardly a branch hangs on the text:
// what is not wanted is written over.
void CodeReader::settle_lines() {
  const std::vector<uint32_t>& ends = text_.line_ends();
  const size_t count = ends.size() - lines_settled_;
  if (count == 0) return;
  hash_lines(count);
  hash_line_shapes(count);
  sifted_.resize(kAsksPerLine * count + 1);
  line_asks_.resize(kAsksPerLine * count + 1);
  gather_lines(count);
  put_masked(count);
  put_chain(couples_, HitKind::kCouple);
  put_chain(pairs_, HitKind::kPair);
  sifted_.resize(asks_used_);
  sift();
  const ByteSpan bytes = text_.bytes();
  for (const uint32_t number : passed_) {
    const LineAsk& one = line_asks_[number];
    ask(sifted_[number], one.text_line, bytes.subspan(begins_[one.line], one.size), one.kind);
  }
  couples_.carry();
  pairs_.carry();
  for (size_t i = 0; i < count; ++i) {
    critical_.end_line(base_ + ends[lines_settled_ + i], text_line_ + static_cast<uint32_t>(i),
                       piece_);
  }
  lines_settled_ += count;
  text_line_ += static_cast<uint32_t>(count);
  line_start_ = base_ + ends.back();
}

void CodeReader::hash_lines(size_t count) {
  const uint32_t* const ends = text_.line_ends().data() + lines_settled_;
  begins_.resize(count);
  sizes_.resize(count);
  line_hashes_.resize(count);
  // Of a line that is too long the begin may be gone.
  begins_[0] = line_start_ > base_ ? static_cast<uint32_t>(line_start_ - base_) : 0;
  sizes_[0] = static_cast<uint32_t>(base_ + ends[0] - line_start_);
  for (size_t i = 1; i < count; ++i) {
    begins_[i] = ends[i - 1];
    sizes_[i] = ends[i] - ends[i - 1];
  }
  index_.fingerprinter().lines(text_.bytes().data(), begins_.data(), ends, count,
                               line_hashes_.data());
}

// Without the word that a line may begin with, as line_shape() has it; lines without a shape are
// empty.
void CodeReader::hash_line_shapes(size_t count) {
  shape_begins_.assign(count, 0);
  shape_ends_.assign(count, 0);
  shape_hashes_.assign(count, 0);
  if (!shapes_) return;
  const size_t there = std::min(count, shape_.line_ends().size() - shape_settled_);
  const uint8_t* const bytes = shape_.bytes().data();
  auto begin = static_cast<uint32_t>(shape_start_);
  for (size_t i = 0; i < there; ++i) {
    const uint32_t end = shape_.line_ends()[shape_settled_ + i];
    const uint32_t word = static_cast<uint32_t>(begin < end) &
                          static_cast<uint32_t>(bytes[begin] == signatures::kShapeWord);
    shape_begins_[i] = begin + word;
    shape_ends_[i] = end;
    begin = end;
  }
  shape_settled_ += there;
  shape_start_ = begin;
  index_.fingerprinter().lines(bytes, shape_begins_.data(), shape_ends_.data(), there,
                               shape_hashes_.data());
}

// What is read and written stands in variables: bytes that are written may be any member's.
void CodeReader::gather_lines(size_t count) {
  LineChain::Writer couples = couples_.writer(count);
  LineChain::Writer pairs = pairs_.writer(count);
  TextLine* const known = room_for_lines(count);
  const size_t followed = followed_;
  const bool shapes = shapes_;
  const uint32_t* const sizes = sizes_.data();
  const uint64_t* const hashes = line_hashes_.data();
  const uint32_t* const shape_begins = shape_begins_.data();
  const uint32_t* const shape_ends = shape_ends_.data();
  const uint64_t* const shape_hashes = shape_hashes_.data();
  uint64_t* const sifted = sifted_.data();
  LineAsk* const asks = line_asks_.data();
  uint32_t text_line = text_line_;
  size_t used = 0;
  bool cut = shape_cut_;
  for (uint32_t i = 0; i < count; ++i, ++text_line) {
    const uint32_t size = sizes[i];
    const bool fits = size <= kLineMax;
    sifted[used] = hashes[i];
    asks[used].line = i;
    asks[used].text_line = text_line;
    asks[used].size = static_cast<uint16_t>(size);
    asks[used].kind = HitKind::kLine;
    used += (fits & (size >= kLineMin)) ? 1 : 0;
    couples.put(hashes[i], static_cast<int32_t>(size), text_line, i, fits & (size > 0));
    const uint32_t tokens = cut ? kLineMax + 1 : shape_ends[i] - shape_begins[i];
    cut = false;
    const uint8_t shape_tag = Fingerprinter::tag(tokens, shape_hashes[i]);
    pairs.put(shape_hashes[i], tokens > kLineMax ? LineChain::kNever : static_cast<int32_t>(tokens),
              text_line, i, fits & (tokens > 0));
    if (i >= followed) continue;
    known[i].tag = Fingerprinter::tag(size, hashes[i]);
    known[i].shape = shape_tag;
    const uint32_t about = shapes ? tokens : size / static_cast<uint32_t>(kBytesPerToken);
    known[i].tokens = static_cast<uint8_t>(std::min<uint32_t>(about, 255));
  }
  asks_used_ = used;
  couples_.used = couples.used;
  pairs_.used = pairs.used;
  if (shapes) shape_cut_ = false;
}

// From one line with quotes to the next.
void CodeReader::put_masked(size_t count) {
  const ByteSpan bytes = text_.bytes();
  const uint32_t* const ends = text_.line_ends().data() + lines_settled_;
  const size_t end = ends[count - 1];
  size_t quote = begins_[0];
  size_t i = 0;
  while ((quote += signatures::first_quote(bytes.subspan(quote, end - quote))) < end) {
    while (ends[i] <= quote) ++i;
    if (sizes_[i] >= kLineMin && sizes_[i] <= kLineMax) {
      const size_t size = signatures::mask_literals(bytes.subspan(begins_[i], sizes_[i]), masked_);
      if (size >= kLineMin) {
        sifted_[asks_used_] =
            signatures::masked_hash(index_.fingerprinter(), ByteSpan(masked_).first(size));
        line_asks_[asks_used_++] = {static_cast<uint32_t>(i), text_line_ + static_cast<uint32_t>(i),
                                    static_cast<uint16_t>(size), HitKind::kMasked};
      }
    }
    quote = ends[i];
  }
}

// Each line of the chain with the one before it.
void CodeReader::put_chain(const LineChain& chain, HitKind kind) {
  const bool couples = kind == HitKind::kCouple;
  const size_t count = chain.used - 1;
  chain_hashes_.resize(count);
  index_.fingerprinter().combine_each(chain.hashes.data(), chain.hashes.data() + 1,
                                      couples ? ~uint64_t{0} : 0, count, chain_hashes_.data());
  const auto least =
      static_cast<int32_t>(couples ? signatures::kCoupleMin : signatures::kPairTokens);
  const LineChain::Link* const links = chain.links.data();
  const uint64_t* const hashes = chain_hashes_.data();
  const uint32_t* const sizes = sizes_.data();
  uint64_t* const sifted = sifted_.data();
  LineAsk* const asks = line_asks_.data();
  size_t used = asks_used_;
  for (size_t i = 0; i < count; ++i) {
    const LineChain::Link& second = links[i + 1];
    sifted[used] = hashes[i];
    asks[used].line = second.line;
    asks[used].text_line = links[i].text_line;
    asks[used].size = static_cast<uint16_t>(sizes[second.line]);
    asks[used].kind = kind;
    used += links[i].weight + second.weight >= least ? 1 : 0;
  }
  asks_used_ = used;
}

inline void CodeReader::begin_shapes() noexcept {
  shape_settled_ = 0;
  shape_start_ = shape_next_ = 0;
  shape_cut_ = false;
  couples_.clear();
  pairs_.clear();
}

inline void CodeReader::ask_shapes() {
  const ByteSpan bytes = shape_.bytes();
  anchors_.clear();
  const Fingerprinter& fingerprinter = index_.fingerprinter();
  fingerprinter.anchors(bytes, shape_next_, anchors_, signatures::kShapeAnchorBits);
  sift_windows(shape_, true);
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
