#include "inspect/detect/code_runs.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "inspect/detect/flat_table.h"

namespace weir::inspect {
namespace {

using signatures::kTagUnknown;

// How far apart, in lines, two hits of one run may stand, and how much their distances in the text
// and in the file may differ: code that was edited or wrapped keeps its order, not its distances.
constexpr int64_t kRunGap = 40;
constexpr int64_t kRunSkew = 12;
constexpr size_t kOpenRuns = 16;
constexpr uint32_t kShapeReach = 12;
// Blank lines that are stepped over.
constexpr int64_t kMostBlanks = 64;

// By rarity: of whole lines and couples of them, of windows, of shapes.
constexpr std::array<double, signatures::kMostRarity + 1> kOfLine{0.1, 0.2, 0.4, 0.6,
                                                                  0.8, 1.0, 1.2, 1.3};
constexpr std::array<double, signatures::kMostRarity + 1> kOfWindow{0.1, 0.2, 0.35, 0.5,
                                                                    0.7, 0.9, 1.1,  1.2};
constexpr std::array<double, signatures::kMostRarity + 1> kOfShape{0.3, 0.5, 0.7, 0.9,
                                                                   1.1, 1.3, 1.5, 1.7};

// By how many files hold it; 0 does not come.
constexpr std::array<double, 256> kOfFiles = [] {
  std::array<double, 256> out{};
  for (size_t files = 1; files < 256; ++files) out[files] = 1.0 / static_cast<double>(files);
  return out;
}();

// Windows of shape begin every third line or so; what stands between two of them has the shape too.
void fill_up_to(Run& run, const CodeHit& hit) {
  if (run.hits.empty()) return;
  const uint32_t in_file = hit.global_line - run.last_line;
  const uint32_t in_text = hit.text_line - run.last_text;
  if (in_file > kShapeReach || in_text > kShapeReach) return;
  for (uint32_t i = 1; i < in_file; ++i) (void)run.lines[run.last_line + i];
}

// Chooses between runs that explain the same text.
double mass_of(const Run& run) {
  constexpr std::array<double, 6> kOfKind{1, 1, 0.7, 0.3, 0.5, 0.7};
  double mass = 0;
  for (const CodeHit* hit : run.hits) {
    mass += kOfKind[static_cast<size_t>(hit->kind)] * (0.3 + hit->rarity) * kOfFiles[hit->files];
  }
  for (const auto& [line, about] : run.lines) {
    mass += about.same_tag || about.same_shape ? 0.5 : 0;
  }
  return mass;
}

}  // namespace

double hit_weight(const CodeHit& hit) noexcept {
  const size_t rarity = hit.rarity & signatures::kMostRarity;
  const double share = kOfFiles[hit.files];
  switch (hit.kind) {
    case HitKind::kLine:
    case HitKind::kMasked:
      return kOfLine[rarity] * std::clamp((hit.size - 6.0) / 30.0, 0.1, 1.2) * share;
    case HitKind::kCouple:
      return kOfLine[rarity] * share;
    case HitKind::kWindow:
      return kOfWindow[rarity] * share;
    case HitKind::kShape:
    case HitKind::kPair:
      break;
  }
  return kOfShape[rarity] * share;
}

FileRuns::FileRuns(const signatures::IndexProbe& index, const signatures::IndexedFile& file,
                   std::span<const TextLine> text)
    : index_(index),
      begin_(file.first_line),
      end_(int64_t{file.first_line} + file.lines),
      text_(text) {}

TextLine FileRuns::text_at(int64_t line) const noexcept {
  return line >= 0 && line < static_cast<int64_t>(text_.size())
             ? text_[static_cast<size_t>(line)]
             : TextLine{kTagUnknown, kTagUnknown, 0};
}

int64_t FileRuns::beyond_blanks(int64_t line, int64_t step) const noexcept {
  for (int64_t i = 0; i < kMostBlanks && text_at(line).tag == 0; ++i) line += step;
  return line;
}

void FileRuns::add(const CodeHit& hit) {
  const bool by_shape = hit.kind == HitKind::kShape || hit.kind == HitKind::kPair;
  Run& run = run_for(hit);
  if (by_shape) fill_up_to(run, hit);
  run.last_text = hit.text_line;
  run.last_line = hit.global_line;
  run.hits.push_back(&hit);
  RunLine& line = run.lines[hit.global_line];
  line.text_line = hit.text_line;
  (by_shape ? line.shape : line.text) += hit_weight(hit);
  follow(run, hit.text_line, hit.global_line);
}

Run& FileRuns::run_for(const CodeHit& hit) {
  Run* best = nullptr;
  int64_t best_skew = 0;
  const size_t oldest = runs_.size() > kOpenRuns ? runs_.size() - kOpenRuns : 0;
  for (size_t i = runs_.size(); i-- > oldest;) {
    Run& run = runs_[i];
    const int64_t in_text = int64_t{hit.text_line} - run.last_text;
    const int64_t in_file = int64_t{hit.global_line} - run.last_line;
    const int64_t skew = std::abs(in_file - in_text);
    if (in_text > kRunGap || in_file < 0 || in_file > kRunGap || skew > kRunSkew) continue;
    if (best == nullptr || skew < best_skew) {
      best = &run;
      best_skew = skew;
    }
  }
  if (best != nullptr) return *best;
  Run& fresh = runs_.emplace_back();
  fresh.first_text = hit.text_line;
  fresh.head = hit.head;
  return fresh;
}

bool FileRuns::same_tag(int64_t text, int64_t line) const noexcept {
  const uint8_t tag = index_.tag(static_cast<uint64_t>(line));
  return tag != kTagUnknown && tag == text_at(text).tag;
}

bool FileRuns::same_shape(int64_t text, int64_t line) const noexcept {
  const uint8_t tag = index_.shape_tag(static_cast<uint64_t>(line));
  return tag != kTagUnknown && tag != 0 && tag == text_at(text).shape;
}

// Up and down from a pair of equal lines, blank lines apart, until lines differ.
void FileRuns::follow(Run& run, uint32_t text_line, uint32_t global_line) {
  if (!same_tag(text_line, global_line) && !same_shape(text_line, global_line)) return;
  for (const int64_t step : {int64_t{-1}, int64_t{1}}) {
    int64_t text = text_line;
    int64_t line = global_line;
    for (;;) {
      text += step;
      line += step;
      text = beyond_blanks(text, step);
      int64_t blanks = 0;
      while (blanks < kMostBlanks && line >= begin_ && line < end_ &&
             index_.tag(static_cast<uint64_t>(line)) == 0) {
        line += step;
        ++blanks;
      }
      if (line < begin_ || line >= end_) break;
      const bool equal = same_tag(text, line);
      if (!equal && !same_shape(text, line)) break;
      for (int64_t b = 1; b <= blanks; ++b) {
        run.lines[static_cast<uint32_t>(line - step * b)].same_tag = true;
      }
      // What was followed before goes on from there.
      RunLine& here = run.lines[static_cast<uint32_t>(line)];
      const bool known = here.same_tag || here.same_shape || here.text > 0;
      here.same_tag = equal;
      here.same_shape = !equal;
      here.text_line = static_cast<uint32_t>(text);
      if (known) break;
    }
  }
}

void FileRuns::drop_echoes() {
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < runs_.size(); ++i) order.emplace_back(-mass_of(runs_[i]), i);
  std::sort(order.begin(), order.end());
  LineSet taken;
  std::vector<bool> keep(runs_.size());
  for (const auto& [mass, i] : order) {
    size_t fresh = 0;
    size_t all = 0;
    uint32_t last = kNoTextLine;
    for (const CodeHit* hit : runs_[i].hits) {  // by text line
      if (hit->text_line == last) continue;
      last = hit->text_line;
      ++all;
      fresh += taken.insert(last) ? 1 : 0;
    }
    keep[i] = 2 * fresh > all;
  }
  size_t kept = 0;
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (!keep[i]) continue;
    if (kept != i) runs_[kept] = std::move(runs_[i]);
    ++kept;
  }
  runs_.resize(kept);
}

}  // namespace weir::inspect
