// From text to the hashes that the index may know. Pieces of text are normalised as they come. What
// is not settled yet stays in a small buffer: the open line (up to kLineMax bytes) and the bytes at
// the end in which a window may begin, of text and of shape. So the hashes do not depend on where
// blocks were cut. Positions are counted in normalised bytes of the request.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/detect/code_counters.h"
#include "inspect/detect/code_spans.h"
#include "inspect/detect/critical_search.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/line_marks.h"
#include "signatures/fingerprint/normaliser.h"

namespace weir::inspect {

class CodeReader {
 public:
  // Where a hash comes from.
  struct Origin {
    uint32_t text_line;
    int32_t piece;
    uint16_t size;  // normalised bytes that it covers
    HitKind kind;
    std::array<uint8_t, 3> head;  // how they begin
  };

  // Limits, counters and the critical search must outlive the reader; the critical search is given
  // the normalised text.
  CodeReader(const signatures::IndexProbe& index, const Limits& limits, CodeCounters& counters,
             CriticalSearch& critical, bool shapes);

  [[nodiscard]] bool in_piece() const noexcept { return in_piece_; }
  // Number of the open line.
  [[nodiscard]] uint32_t text_line() const noexcept { return text_line_; }
  void begin_piece() noexcept { in_piece_ = true; }
  // `piece` names it in the origins.
  void feed(ByteSpan text, int32_t piece);
  // Settles the rest; nothing where no piece is open.
  void end_piece(int32_t piece);

  // Hashes that passed the index's filter since clear_hashes(), and where they come from.
  [[nodiscard]] const std::vector<uint64_t>& hashes() const noexcept { return hashes_; }
  [[nodiscard]] const std::vector<Origin>& origins() const noexcept { return origins_; }
  void clear_hashes() noexcept;
  // The text lines of the request; they may end early (Limits::fingerprint_lines).
  [[nodiscard]] std::span<const TextLine> lines() const noexcept { return lines_; }
  void reset() noexcept;

 private:
  struct LineAsk {
    uint32_t at = 0;  // in the normalised text: where its excerpt begins
    uint32_t text_line = 0;
    uint16_t size = 0;
    HitKind kind = HitKind::kLine;
  };

  void ask(uint64_t hash, uint32_t text_line, ByteSpan bytes, HitKind kind);
  void settle();
  void sift();
  template <typename HashOf>
  void sift_anchors(HashOf&& hash_of);
  void ask_window(uint64_t hash, uint32_t at, const signatures::NormalText& text,
                  uint32_t first_line, HitKind kind);
  void settle_lines();
  [[nodiscard]] uint64_t hash_line(ByteSpan bytes, size_t at, size_t size) const;
  signatures::LineShape take_line_shape();
  void begin_shapes() noexcept;
  void ask_shapes();
  void drop_shapes();
  TextLine* room_for_lines(size_t count);

  const signatures::IndexProbe index_;
  const Limits& limits_;
  CodeCounters& counters_;
  CriticalSearch& critical_;
  bool shapes_;

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
  int32_t piece_ = 0;
  bool in_piece_ = false;

  std::vector<uint32_t> anchors_;
  std::vector<LineAsk> line_asks_;  // during settle_lines(), for each of sifted_; room for more
  std::vector<uint64_t> sifted_;
  std::vector<uint32_t> passed_;
  size_t walked_ = 0;  // line of the window that passed last, of those of one call of sift()
  std::vector<uint64_t> hashes_;
  std::vector<Origin> origins_;
  std::vector<TextLine> lines_;
  size_t followed_ = 0;  // of the lines for which room was asked last
};

}  // namespace weir::inspect
