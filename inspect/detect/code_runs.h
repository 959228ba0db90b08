// Hits of one file that come in the same order in the text and in the file form runs; from each hit
// the text is followed up and down, line by line, to where it parts from the file.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "inspect/detect/code_spans.h"
#include "inspect/detect/run_lines.h"
#include "signatures/fingerprint/index_probe.h"

namespace weir::inspect {

struct Run {
  uint32_t first_text = 0;
  uint32_t last_text = 0;
  uint32_t last_line = 0;
  std::array<char, 3> head{};
  std::vector<const CodeHit*> hits;
  RunLines lines;  // by global line
};

// How much a hit says by itself, by rarity, size, and the number of files that hold it.
[[nodiscard]] double hit_weight(const CodeHit& hit) noexcept;

class FileRuns {
 public:
  FileRuns(const signatures::IndexProbe& index, const signatures::IndexedFile& file,
           std::span<const TextLine> text);

  // In order of text line; the hit must stay.
  void add(const CodeHit& hit);
  // A line of text stands for one line of the file. Where code repeats itself within a file, the
  // run that explains most keeps the text, and the others go.
  void drop_echoes();
  [[nodiscard]] const std::vector<Run>& runs() const noexcept { return runs_; }
  [[nodiscard]] TextLine text_at(int64_t line) const noexcept;
  // The line itself or the first one from there that is not blank; steps are 1 or -1.
  [[nodiscard]] int64_t beyond_blanks(int64_t line, int64_t step) const noexcept;

 private:
  Run& run_for(const CodeHit& hit);
  void follow(Run& run, uint32_t text_line, uint32_t global_line);
  [[nodiscard]] bool same_tag(int64_t text, int64_t line) const noexcept;
  [[nodiscard]] bool same_shape(int64_t text, int64_t line) const noexcept;

  const signatures::IndexProbe& index_;
  int64_t begin_;
  int64_t end_;
  std::span<const TextLine> text_;
  std::vector<Run> runs_;
};

}  // namespace weir::inspect
