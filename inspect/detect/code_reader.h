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

// Lines that each make a hash with the one before.
struct LineChain {
  // With it no two lines weigh enough.
  static constexpr int32_t kNever = -0x10000;
  struct Link {
    int32_t weight = kNever;
    uint32_t text_line = 0;
    uint32_t line = 0;  // of those settled now
  };

  LineChain() { clear(); }
  // The first one is the last of those before, or none.
  void clear() {
    hashes.assign(1, 0);
    links.assign(1, Link{});
    used = 1;
  }
  // Writes what is wanted, in order; its `used` is to be taken back.
  struct Writer {
    uint64_t* hashes;
    Link* links;
    size_t used;
    void put(uint64_t hash, int32_t weight, uint32_t text_line, uint32_t line, bool wanted) {
      hashes[used] = hash;
      links[used].weight = weight;
      links[used].text_line = text_line;
      links[used].line = line;
      used += wanted ? 1 : 0;
    }
  };
  Writer writer(size_t count) {
    hashes.resize(count + 2);
    links.resize(count + 2);
    return {hashes.data(), links.data(), used};
  }
  void carry() {
    hashes[0] = hashes[used - 1];
    links[0] = links[used - 1];
    used = 1;
  }

  std::vector<uint64_t> hashes;
  std::vector<Link> links;
  size_t used = 1;
};

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
    uint32_t line = 0;       // of those settled now: where its excerpt begins
    uint32_t text_line = 0;  // the first one, of two
    uint16_t size = 0;
    HitKind kind = HitKind::kLine;
  };

  void ask(uint64_t hash, uint32_t text_line, ByteSpan bytes, HitKind kind);
  void settle();
  void sift();
  void sift_windows(const signatures::NormalText& text, bool of_shape);
  void ask_window(uint64_t hash, uint32_t at, const signatures::NormalText& text,
                  uint32_t first_line, HitKind kind);
  void settle_lines();
  void hash_lines(size_t count);
  void hash_line_shapes(size_t count);
  void gather_lines(size_t count);
  void put_masked(size_t count);
  void put_chain(const LineChain& chain, HitKind kind);
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
  uint32_t shape_line_ = 0;   // text line of the first line of shape_
  size_t shape_settled_ = 0;  // of the line ends in shape_
  size_t shape_start_ = 0;    // in shape_, of the open line
  size_t shape_next_ = 0;     // in shape_, the first place not looked at as an anchor
  bool shape_cut_ = false;    // the open line is longer than what of it is kept
  LineChain couples_;         // lines that are not blank
  LineChain pairs_;           // lines that have a shape
  signatures::MaskedLine masked_;
  uint64_t base_ = 0;         // position of the first byte of text_
  uint64_t line_start_ = 0;   // of the open line
  uint64_t window_next_ = 0;  // first position not looked at as an anchor
  size_t lines_settled_ = 0;  // of the line ends in text_
  uint32_t text_line_ = 0;    // number of the open line
  int32_t piece_ = 0;
  bool in_piece_ = false;

  std::vector<uint32_t> anchors_;
  // During settle_lines(), for each line.
  std::vector<uint32_t> begins_;
  std::vector<uint32_t> sizes_;
  std::vector<uint64_t> line_hashes_;
  std::vector<uint32_t> shape_begins_;
  std::vector<uint32_t> shape_ends_;
  std::vector<uint64_t> shape_hashes_;
  std::vector<uint64_t> chain_hashes_;
  std::vector<LineAsk> line_asks_;  // for each of sifted_
  size_t asks_used_ = 0;
  std::vector<uint64_t> sifted_;
  std::vector<uint32_t> passed_;
  size_t walked_ = 0;  // line of the window that passed last, of those of one call of sift()
  std::vector<uint64_t> hashes_;
  std::vector<Origin> origins_;
  std::vector<TextLine> lines_;
  size_t followed_ = 0;  // of the lines for which room was asked last
};

}  // namespace weir::inspect
