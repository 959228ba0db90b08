// Pieces are normalised as they come. What is not settled yet stays in a small buffer: the open
// line (up to kLineMax bytes) and the bytes at the end in which a window may begin. So the hashes
// that are looked up do not depend on where blocks were cut. Positions are counted in normalised
// bytes of the request.
#include "inspect/detect/code_channel.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "inspect/detect/code_spans.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/line_marks.h"
#include "signatures/fingerprint/normaliser.h"
#include "signatures/literal_set.h"

namespace weir::inspect {
namespace {

using signatures::CodeIndex;
using signatures::Fingerprinter;
using signatures::IndexProbe;
using signatures::kLineMax;
using signatures::kLineMin;
using signatures::kTagUnknown;
using signatures::kWindow;
using signatures::Postings;

constexpr size_t kBatch = 1024;
// Text lines between pieces, so that no run and no walk goes from one to the next.
constexpr uint32_t kPieceDistance = 64;
constexpr double kCriticalScore = 0.99;
// Where shapes are not read, a line has about one token in so many bytes.
constexpr size_t kBytesPerToken = 4;

class CodeChannel final : public DetectionChannel {
 public:
  CodeChannel(std::shared_ptr<const CodeIndex> index, const Limits& limits,
              signatures::PatternScratch& scratch, CodeCounters* counters, bool shapes)
      : index_(std::move(index)),
        probe_(*index_),
        limits_(limits),
        scratch_(scratch),
        shapes_(shapes),
        counters_(counters == nullptr ? own_counters_ : *counters) {
    if (const signatures::LiteralSet* set = probe_.critical(); set != nullptr) {
      critical_ok_ =
          scratch_.prepare(set->database()).has_value() && critical_stream_.open(*set).has_value();
      if (!critical_ok_) counters_.scan_failures.add();
    }
  }

  void on_block(const TextBlock& block) noexcept override {
    block_pieces_ = block.pieces;
    piece_lines_.assign(block.pieces.size(), 0);
    for (size_t i = 0; i < block.pieces.size(); ++i) {
      const PieceMark& piece = block.pieces[i];
      if (!piece.continues || piece.gap_before || !in_piece_) {
        end_piece();
        in_piece_ = true;
        piece_first_line_ = text_line_;
      }
      piece_ = static_cast<int32_t>(i);
      piece_lines_[i] = piece_first_line_;
      const ByteSpan text = block.text.subspan(piece.begin, piece.end - piece.begin);
      counters_.text_bytes.add(text.size());
      const size_t before = text_.size();
      normaliser_.feed(text, text_, shapes_ ? &shape_ : nullptr);
      counters_.normal_bytes.add(text_.size() - before);
      settle();
    }
    flush();
    if (!block.pieces.empty() && in_piece_) {
      // The rest of the last piece may be settled when its block is gone.
      const PieceMark& last = block.pieces.back();
      carried_.first_line = piece_first_line_;
      carried_.offset = last.offset;
      carried_.path = last.path;
    }
    piece_ = kCarried;
    block_pieces_ = {};
  }

  void on_end() noexcept override {
    end_piece();
    flush();
    ended_ = true;
  }

  [[nodiscard]] bool has_news() const noexcept override {
    if (critical_hits_.size() > collected_critical_) return true;
    return hits_.size() >= 2 && notably_more_hits();
  }

  void collect(std::vector<Evidence>& out) override {
    collected_critical_ = critical_hits_.size();
    size_t told = 0;
    collect_critical(out, told);
    if (ended_ || notably_more_hits()) {
      spans_ = find_spans(probe_, hits_, lines_);
      collected_hits_ = hits_.size();
      counters_.span_searches.add();
    }
    for (const CodeSpan& span : spans_) {
      if (told == limits_.evidence_per_request) break;
      const auto file = probe_.file(span.file);
      if (!file) continue;
      Evidence evidence = evidence_at(span.text_line, span.head, *file);
      evidence.rule = span.shape ? "shape" : "text";
      evidence.title = "protected source code";
      evidence.first_line = span.first_line;
      evidence.last_line = span.last_line;
      evidence.lines = span.lines;
      evidence.score = span.score;
      out.push_back(std::move(evidence));
      ++told;
    }
  }

  void reset() noexcept override {
    normaliser_.reset();
    text_.clear();
    shape_.clear();
    shape_line_ = 0;
    begin_shapes();
    hits_.clear();
    critical_hits_.clear();
    critical_seen_.clear();
    spans_.clear();
    lines_.clear();
    pieces_.clear();
    hashes_.clear();
    asked_.clear();
    critical_text_.clear();
    critical_lines_.clear();
    if (critical_ok_) critical_stream_.reset();
    critical_position_ = 0;
    base_ = line_start_ = window_next_ = 0;
    critical_next_ = 0;
    lines_settled_ = 0;
    text_line_ = piece_first_line_ = 0;
    in_piece_ = ended_ = thinned_out_ = false;
    collected_hits_ = collected_critical_ = 0;
    piece_ = kCarried;
  }

 private:
  // While text still comes, reading all hits again pays only then; a critical line is no reason.
  [[nodiscard]] bool notably_more_hits() const noexcept {
    return hits_.size() >= collected_hits_ + (ended_ ? 1 : 2 + collected_hits_ / 8);
  }

  static constexpr int32_t kCarried = -1;
  struct Asked {
    uint32_t text_line;
    int32_t piece;
    uint16_t size;
    HitKind kind;
    std::array<uint8_t, 3> head;
  };
  struct Piece {
    uint32_t first_line = 0;
    uint64_t offset = 0;
    std::string path;
  };
  struct CriticalHit {
    uint32_t text_line;
    uint32_t global_line;
    std::array<char, 3> head;
  };
  struct CriticalEnd {  // of a line in the stream of the critical search
    uint64_t end;
    uint32_t text_line;
    int32_t piece;
  };

  static std::array<char, 3> masked(const std::array<uint8_t, 3>& bytes) noexcept {
    std::array<char, 3> out;
    for (size_t i = 0; i < out.size(); ++i) {
      const uint8_t c = bytes[i];
      out[i] = c > 0x20 && c < 0x7f ? static_cast<char>(c) : '?';
    }
    return out;
  }

  void ask(uint64_t hash, uint32_t text_line, ByteSpan bytes, HitKind kind) {
    std::array<uint8_t, 3> head{};
    std::copy_n(bytes.begin(), std::min(head.size(), bytes.size()), head.begin());
    hashes_.push_back(hash);
    asked_.push_back({text_line, piece_, static_cast<uint16_t>(bytes.size()), kind, head});
  }

  // Takes everything out of text_ that is certain now.
  void settle() {
    const ByteSpan bytes = text_.bytes();
    const uint64_t total = base_ + bytes.size();
    const uint32_t first_line = text_line_ - static_cast<uint32_t>(lines_settled_);
    // Windows first: they need the ends of the lines before them.
    anchors_.clear();
    const auto from = static_cast<size_t>(window_next_ - base_);
    const Fingerprinter& fingerprinter = probe_.fingerprinter();
    fingerprinter.anchors(bytes, from, anchors_);
    sift(anchors_.size(),
         [&](size_t i) { return fingerprinter.window(bytes.data() + anchors_[i]); });
    for (const uint32_t i : passed_)
      ask_window(sifted_[i], anchors_[i], text_, first_line, HitKind::kWindow);
    if (bytes.size() >= kWindow) window_next_ = total - kWindow + 1;
    if (shapes_) ask_shapes();
    keep_critical(bytes, total);
    settle_lines();
    uint64_t keep = std::max(window_next_, base_);
    if (total - line_start_ <= kLineMax) keep = std::min(keep, line_start_);
    if (keep > base_) {
      lines_settled_ -= text_.drop_front(static_cast<size_t>(keep - base_));
      base_ = keep;
    }
    if (shapes_) drop_shapes();
    if (hashes_.size() >= kBatch) flush();
  }

  // Almost all hashes stop at the filter: only for those that pass is it told where they stand.
  template <typename HashOf>
  void sift(size_t count, HashOf&& hash_of) {
    sifted_.resize(count);
    for (size_t i = 0; i < count; ++i) sifted_[i] = hash_of(i);
    passed_.clear();
    walked_ = 0;
    probe_.sift(sifted_, passed_);
    counters_.probes.add(count);
  }

  size_t walked_ = 0;  // line of the window that passed last, of those of one call of sift()

  // `text` begins in text line `first_line`. A window belongs to the line of its middle.
  void ask_window(uint64_t hash, uint32_t at, const signatures::NormalText& text,
                  uint32_t first_line, HitKind kind) {
    const std::vector<uint32_t>& ends = text.line_ends();
    // Where much is found the next one is near.
    size_t& line = walked_;
    for (size_t steps = 0; line < ends.size() && ends[line] <= at + kWindow / 2; ++steps) {
      line = steps < 4 ? line + 1
                       : static_cast<size_t>(
                             std::upper_bound(ends.begin() + static_cast<std::ptrdiff_t>(line),
                                              ends.end(), at + kWindow / 2) -
                             ends.begin());
    }
    ask(hash, first_line + static_cast<uint32_t>(line), text.bytes().subspan(at, kWindow), kind);
  }

  // Lines that are complete and not settled. For each line: its hash, that of its shape, and where
  // it has quotes, that of what is left without its literals; two more of it with the line before.
  void settle_lines() {
    const std::vector<uint32_t>& ends = text_.line_ends();
    if (lines_settled_ == ends.size()) return;
    const ByteSpan bytes = text_.bytes();
    line_asks_.clear();
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
      line.tokens = static_cast<uint8_t>(
          std::min<size_t>(shapes_ ? shape.tokens : size / kBytesPerToken, 255));
      put_line(line);
      end_critical_line(end);
      ++text_line_;
      line_start_ = end;
    }
    sift(line_asks_.size(), [&](size_t i) { return line_asks_[i].hash; });
    for (const uint32_t i : passed_) {
      const LineAsk& one = line_asks_[i];
      ask(one.hash, one.text_line, bytes.subspan(one.at, one.size), one.kind);
    }
  }
  [[nodiscard]] uint64_t hash_line(ByteSpan bytes, size_t at, size_t size) const {
    return at >= 8 ? probe_.fingerprinter().line_within(bytes.data() + at, size)
                   : probe_.fingerprinter().line(bytes.subspan(at, size));
  }

  // A whole line, and the same without the content of its literals.
  void add_line(uint64_t hash, uint32_t at, ByteSpan line) {
    line_asks_.push_back(
        {hash, at, text_line_, static_cast<uint16_t>(line.size()), HitKind::kLine});
    const size_t size = signatures::mask_literals(line, masked_);
    if (size < kLineMin) return;
    line_asks_.push_back(
        {signatures::masked_hash(probe_.fingerprinter(), ByteSpan(masked_).first(size)), at,
         text_line_, static_cast<uint16_t>(size), HitKind::kMasked});
  }

  void add_couple(const signatures::LineHash& line, uint32_t at) {
    if (signatures::makes_couple(couple_, line)) {
      line_asks_.push_back({signatures::couple_hash(probe_.fingerprinter(), couple_, line), at,
                            couple_line_, static_cast<uint16_t>(line.size), HitKind::kCouple});
    }
    couple_ = line;
    couple_line_ = text_line_;
  }

  void add_pair(const signatures::LineShape& shape, uint32_t at, size_t size) {
    if (signatures::makes_pair(before_, shape)) {
      line_asks_.push_back({signatures::pair_hash(probe_.fingerprinter(), before_, shape), at,
                            before_line_, static_cast<uint16_t>(size), HitKind::kPair});
    }
    before_ = shape;
    before_line_ = text_line_;
  }

  // The shape of the line that is settled now.
  signatures::LineShape take_line_shape() {
    if (!shapes_ || shape_settled_ >= shape_.line_ends().size()) return {};
    const uint32_t end = shape_.line_ends()[shape_settled_++];
    const ByteSpan bytes = shape_.bytes().subspan(shape_start_, end - shape_start_);
    shape_start_ = end;
    // shape_ keeps room behind its end.
    signatures::LineShape out = signatures::line_shape(probe_.fingerprinter(), bytes,
                                                       bytes.data() >= shape_.bytes().data() + 8);
    if (shape_cut_) out.tag = kTagUnknown;
    shape_cut_ = false;
    return out;
  }
  void begin_shapes() noexcept {
    shape_settled_ = 0;
    shape_start_ = shape_next_ = 0;
    shape_cut_ = false;
    before_ = {};
    couple_ = {};
  }

  void ask_shapes() {
    const ByteSpan bytes = shape_.bytes();
    anchors_.clear();
    const Fingerprinter& fingerprinter = probe_.fingerprinter();
    fingerprinter.anchors(bytes, shape_next_, anchors_, signatures::kShapeAnchorBits);
    sift(anchors_.size(),
         [&](size_t i) { return fingerprinter.shape(bytes.data() + anchors_[i]); });
    for (const uint32_t i : passed_)
      ask_window(sifted_[i], anchors_[i], shape_, shape_line_, HitKind::kShape);
    if (bytes.size() >= kWindow) shape_next_ = bytes.size() - kWindow + 1;
  }

  // Keeps the bytes in which a window may begin, and the open line.
  void drop_shapes() {
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

  void put_line(TextLine line) {
    if (lines_.size() < limits_.fingerprint_lines) {
      lines_.push_back(line);
    } else {
      counters_.lines_unfollowed.add();
    }
  }

  void end_piece() {
    if (!in_piece_) return;
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
    if (critical_ok_) critical_text_.push_back('\n');
    in_piece_ = false;
  }

  // The critical search reads all normalised text of the block at once, with a newline, which no
  // literal holds, between pieces.
  void keep_critical(ByteSpan bytes, uint64_t total) {
    if (!critical_ok_) return;
    const uint64_t from = std::max(critical_next_, base_);
    const ByteSpan fresh = bytes.subspan(static_cast<size_t>(from - base_));
    critical_text_.insert(critical_text_.end(), fresh.begin(), fresh.end());
    critical_next_ = total;
  }
  void end_critical_line(uint64_t end) {
    if (!critical_ok_) return;
    critical_lines_.push_back(
        {critical_position_ + critical_text_.size() - (critical_next_ - end), text_line_, piece_});
  }

  void flush() {
    probe_.confirm(hashes_,
                   [this](size_t i, const Postings& found) { take(asked_[i], hashes_[i], found); });
    hashes_.clear();
    asked_.clear();
    if (critical_ok_ && !critical_text_.empty()) scan_critical();
  }

  void take(const Asked& asked, uint64_t hash, const Postings& found) {
    counters_.hits.add();
    for (uint32_t i = 0; i < found.count(); ++i) {
      if (hits_.size() >= limits_.fingerprint_hits && !thin_out()) {
        counters_.hits_dropped.add();
        return;
      }
      hits_.push_back({asked.text_line, found.line(i), asked.size,
                       static_cast<uint32_t>(hash >> 16),
                       static_cast<uint8_t>(std::min<uint32_t>(found.files(), 255)),
                       static_cast<uint8_t>(found.rarity()), asked.kind, masked(asked.head)});
    }
    remember_piece(asked.piece);
  }

  // At the limit: repeats go first (agents send the same text again and again), then the files that
  // have fewest hits, until a quarter is free. False when that is not to be had.
  bool thin_out() {
    if (thinned_out_) return false;
    const size_t before = hits_.size();
    hits_ = thinned(probe_, std::move(hits_), limits_.fingerprint_hits / 4 * 3);
    counters_.hits_dropped.add(before - hits_.size());
    thinned_out_ = hits_.size() > limits_.fingerprint_hits / 4 * 3;
    collected_hits_ = std::min(collected_hits_, hits_.size());
    return !thinned_out_ && hits_.size() < limits_.fingerprint_hits;
  }

  void remember_piece(int32_t piece) {
    const uint32_t first_line =
        piece == kCarried ? carried_.first_line : piece_lines_[static_cast<size_t>(piece)];
    if (!pieces_.empty() && pieces_.back().first_line == first_line) return;
    Piece found;
    if (piece == kCarried) {
      found = carried_;
    } else {
      const PieceMark& mark = block_pieces_[static_cast<size_t>(piece)];
      found = {first_line, mark.offset, mark.path};
    }
    const auto at =
        std::lower_bound(pieces_.begin(), pieces_.end(), first_line,
                         [](const Piece& a, uint32_t line) { return a.first_line < line; });
    if (at == pieces_.end() || at->first_line != first_line) {
      pieces_.insert(at, std::move(found));
    }
  }

  void scan_critical() {
    auto on_hit = [this](uint32_t id, uint64_t end) noexcept { take_critical(id, end); };
    if (critical_stream_.scan(scratch_, critical_text_, on_hit) != signatures::ScanStatus::kOk) {
      counters_.scan_failures.add();
    }
    critical_position_ += critical_text_.size();
    critical_text_.clear();
    critical_lines_.clear();
  }

  void take_critical(uint32_t id, uint64_t end) noexcept {
    const signatures::CriticalLine* line = probe_.critical_line(id);
    if (line == nullptr) return;
    counters_.critical_hits.add();
    // A line that comes again is no news.
    if (critical_seen_.contains(line->global_line)) return;
    if (critical_hits_.size() >= limits_.fingerprint_hits) {
      counters_.hits_dropped.add();
      return;
    }
    critical_seen_.insert(line->global_line);
    const auto at =
        std::lower_bound(critical_lines_.begin(), critical_lines_.end(), end,
                         [](const CriticalEnd& a, uint64_t position) { return a.end < position; });
    const uint32_t text_line = at == critical_lines_.end() ? text_line_ : at->text_line;
    const int32_t piece = at == critical_lines_.end() ? piece_ : at->piece;
    critical_hits_.push_back({text_line, line->global_line, masked(line->head)});
    remember_piece(piece);
  }

  void collect_critical(std::vector<Evidence>& out, size_t& told) {
    std::sort(critical_hits_.begin(), critical_hits_.end(),
              [](const CriticalHit& a, const CriticalHit& b) {
                return std::pair(a.global_line, a.text_line) <
                       std::pair(b.global_line, b.text_line);
              });
    // Lines near one another in one file are told together.
    constexpr uint32_t kNear = 16;
    for (size_t i = 0; i < critical_hits_.size() && told < limits_.evidence_per_request;) {
      const CriticalHit& first = critical_hits_[i];
      const auto number = probe_.file_of(first.global_line);
      const auto file = number ? probe_.file(*number) : std::nullopt;
      if (!file) {
        ++i;
        continue;
      }
      uint32_t last = first.global_line;
      uint32_t lines = 1;
      size_t j = i + 1;
      for (; j < critical_hits_.size(); ++j) {
        const uint32_t line = critical_hits_[j].global_line;
        if (line > last + kNear || line - file->first_line >= file->lines) break;
        lines += line != last ? 1 : 0;
        last = line;
      }
      Evidence evidence = evidence_at(first.text_line, first.head, *file);
      evidence.rule = "critical";
      evidence.title = "line of a critical file";
      evidence.first_line = first.global_line - file->first_line + 1;
      evidence.last_line = last - file->first_line + 1;
      evidence.lines = lines;
      evidence.score = kCriticalScore;
      out.push_back(std::move(evidence));
      ++told;
      i = j;
    }
  }

  [[nodiscard]] Evidence evidence_at(uint32_t text_line, const std::array<char, 3>& head,
                                     const signatures::IndexedFile& file) const {
    Evidence evidence;
    evidence.kind = EvidenceKind::kCode;
    evidence.repository = file.repository;
    evidence.path = file.path;
    const auto after =
        std::upper_bound(pieces_.begin(), pieces_.end(), text_line,
                         [](uint32_t line, const Piece& piece) { return line < piece.first_line; });
    if (after != pieces_.begin()) {
      evidence.where = (after - 1)->path;
      evidence.offset = (after - 1)->offset;
    }
    evidence.excerpt = std::string(head.data(), head.size()) + "…";
    return evidence;
  }

  std::shared_ptr<const CodeIndex> index_;
  IndexProbe probe_;
  const Limits limits_;
  signatures::PatternScratch& scratch_;
  bool shapes_;
  CodeCounters own_counters_;
  CodeCounters& counters_;

  signatures::Normaliser normaliser_;
  signatures::NormalText text_;
  signatures::NormalText shape_;
  uint32_t shape_line_ = 0;       // text line of the first line of shape_
  size_t shape_settled_ = 0;      // of the line ends in shape_
  size_t shape_start_ = 0;        // in shape_, of the open line
  size_t shape_next_ = 0;         // in shape_, the first place not looked at as an anchor
  bool shape_cut_ = false;        // the open line is longer than what of it is kept
  signatures::LineShape before_;  // of the last line that has one
  uint32_t before_line_ = 0;
  signatures::LineHash couple_;  // of the last line that is not blank
  uint32_t couple_line_ = 0;
  signatures::MaskedLine masked_;
  uint64_t base_ = 0;         // position of the first byte of text_
  uint64_t line_start_ = 0;   // of the open line
  uint64_t window_next_ = 0;  // first position not looked at as an anchor
  size_t lines_settled_ = 0;  // of the line ends in text_
  uint32_t text_line_ = 0;    // number of the open line
  uint32_t piece_first_line_ = 0;
  bool in_piece_ = false;
  bool ended_ = false;
  bool thinned_out_ = false;

  std::span<const PieceMark> block_pieces_;  // during on_block
  std::vector<uint32_t> piece_lines_;        // first text line of each of them
  int32_t piece_ = kCarried;                 // index of the current one
  Piece carried_;                            // the last one of the block before

  std::vector<uint32_t> anchors_;
  struct LineAsk {
    uint64_t hash;
    uint32_t at;  // in the normalised text: where its excerpt begins
    uint32_t text_line;
    uint16_t size;
    HitKind kind;
  };
  std::vector<LineAsk> line_asks_;
  std::vector<uint64_t> sifted_;
  std::vector<uint32_t> passed_;
  std::vector<uint64_t> hashes_;
  std::vector<Asked> asked_;
  std::vector<CodeHit> hits_;
  std::vector<TextLine> lines_;
  std::vector<Piece> pieces_;  // those with hits, by first line

  signatures::LiteralStream critical_stream_;
  bool critical_ok_ = false;
  std::vector<uint8_t> critical_text_;
  std::vector<CriticalEnd> critical_lines_;
  uint64_t critical_position_ = 0;  // of critical_text_ in the stream
  uint64_t critical_next_ = 0;      // position up to which text was kept for it
  std::vector<CriticalHit> critical_hits_;
  size_t collected_hits_ = 0;  // size of hits_ when spans_ were found
  size_t collected_critical_ = 0;
  std::unordered_set<uint32_t> critical_seen_;  // global lines
  std::vector<CodeSpan> spans_;
};

}  // namespace

std::unique_ptr<DetectionChannel> make_code_channel(std::shared_ptr<const CodeIndex> index,
                                                    const Limits& limits,
                                                    signatures::PatternScratch& scratch) {
  return std::make_unique<CodeChannel>(std::move(index), limits, scratch, nullptr, true);
}

std::unique_ptr<DetectionChannel> make_code_channel(std::shared_ptr<const CodeIndex> index,
                                                    const Limits& limits,
                                                    signatures::PatternScratch& scratch,
                                                    CodeCounters& counters, bool shapes) {
  return std::make_unique<CodeChannel>(std::move(index), limits, scratch, &counters, shapes);
}

}  // namespace weir::inspect
