// From single fingerprint hits to spans of protected files: hits of one file that come in the same
// order in the text and in the file form runs; runs are followed line by line to where they end;
// runs near one another in the file form a span. docs/detection.md explains the score.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "signatures/fingerprint/index_probe.h"

namespace weir::inspect {

enum class HitKind : uint8_t {
  kLine,    // a whole line
  kMasked,  // the same without the content of its string literals
  kWindow,  // some bytes
  kShape,   // some tokens, names masked
  kPair,    // two lines that follow one another, names masked; stands for the first of them
  kCouple,  // two lines that follow one another; likewise
};

// One line of the text.
struct TextLine {
  uint8_t tag = 0;     // Fingerprinter::tag
  uint8_t shape = 0;   // LineShape::tag
  uint8_t tokens = 0;  // at most 255
};

// A fingerprint of the text that stands in the index. Text lines are counted over the whole
// request, with a distance between pieces.
struct CodeHit {
  uint32_t text_line = 0;
  uint32_t global_line = 0;
  uint16_t size = 0;   // normalised bytes that it covers
  uint32_t id = 0;     // of its hash: a line that comes again and again says no more
  uint8_t files = 1;   // in how many protected files it stands
  uint8_t rarity = 0;  // Postings::rarity
  HitKind kind = HitKind::kWindow;
  std::array<char, 3> head{};  // how the matched text begins, for the excerpt
};

struct CodeSpan {
  uint32_t file = 0;
  uint32_t first_line = 0;  // 1-based
  uint32_t last_line = 0;
  uint32_t lines = 0;  // of the file that were found
  double score = 0;
  bool shape = false;      // found by the shape of the code alone
  uint32_t text_line = 0;  // of the first hit
  std::array<char, 3> head{};
};

struct WeakFile;
struct CodeSigns;
class FileRuns;

// Sees each file that hits stand in, before any of them is told: what its score is fitted with.
class JudgeWatch {
 public:
  virtual ~JudgeWatch() = default;
  virtual void on_file(uint32_t file, const FileRuns& runs, const CodeSigns& signs,
                       std::span<const CodeSpan> spans, double score) = 0;
};

// How the matched text begins, as an excerpt may show it.
inline constexpr std::array<char, 256> kShown = [] {
  std::array<char, 256> out{};
  for (size_t c = 0; c < 256; ++c) out[c] = c > 0x20 && c < 0x7f ? static_cast<char>(c) : '?';
  return out;
}();
[[nodiscard]] inline std::array<char, 3> masked_head(const std::array<uint8_t, 3>& bytes) noexcept {
  return {kShown[bytes[0]], kShown[bytes[1]], kShown[bytes[2]]};
}

// Spans that score below this are not told, if nothing else is asked for.
inline constexpr double kLeastScore = 0.5;

// Of hits in any order at most about `keep`: each place once, where it was found first, and the
// files with most of them. May keep more when they are all of one file.
std::vector<CodeHit> thinned(const signatures::IndexProbe& index, std::vector<CodeHit> hits,
                             size_t keep);

// `lines` are those of the text; they may end early. Sorts `hits`. Files of a score below
// `least_score` are left out; into `weak`, where given, go those whose text says something all the
// same, in lines that no file that is told explains, and those that are told for few lines. Spans
// are ordered by score, the file that explains most first.
std::vector<CodeSpan> find_spans(const signatures::IndexProbe& index, std::vector<CodeHit>& hits,
                                 std::span<const TextLine> lines, double least_score = kLeastScore,
                                 std::vector<WeakFile>* weak = nullptr,
                                 JudgeWatch* watch = nullptr);

}  // namespace weir::inspect
