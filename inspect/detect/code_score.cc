#include "inspect/detect/code_score.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "inspect/detect/flat_table.h"

namespace weir::inspect {
namespace {

using signatures::IndexProbe;

// Lines this near to what was found are asked whether they belong to it.
constexpr int64_t kNear = 4;
// A line of fewer tokens is prose or a bracket; one of more counts as so many.
constexpr uint32_t kFewTokens = 3;
constexpr uint32_t kManyTokens = 12;
constexpr double kMostWindows = 1.2;  // of one line of the file
constexpr double kStrongLine = 0.03;
constexpr double kStrongWindow = 0.3;
constexpr size_t kAhead = 12;  // hits, by which memory is asked for before it is read

struct Best {
  double weight = 0;
  uint32_t text_line = 0;
  uint32_t global_line = 0;
};
using ById = FlatTable<Best>;

// By tag: the last line that was reached from its neighbour and has it.
struct Followed {
  uint32_t tokens = 0;
  uint32_t text_line = kNoTextLine;  // none has it
};
using ByTag = std::array<Followed, 256>;

// What is taken up of one file after the other, kept for its memory.
struct Tables {
  std::array<ById, 6> best;  // by kind
  LineSet found;             // text lines that belong to it
  LineSet whole;             // those whose whole line was found
  FlatTable<char> strong_lines;
  FlatTable<uint32_t> strong_windows;  // line of the file, of the text
  FlatTable<double> windows;           // by line of the file
  ByTag same_tags;
  ByTag same_shapes;

  void clear() noexcept {
    for (ById& table : best) table.clear();
    found.clear();
    whole.clear();
    strong_lines.clear();
    strong_windows.clear();
    windows.clear();
    same_tags.fill({});
    same_shapes.fill({});
  }
};

class Reader {
 public:
  Reader(const FileRuns& runs, const IndexProbe& index, const std::vector<bool>& explained,
         Tables& tables)
      : runs_(runs), index_(index), explained_(explained), tables_(tables) {
    tables_.clear();
  }

  CodeSigns read() {
    for (const Run& run : runs_.runs()) {
      for (size_t i = 0; i < run.hits.size(); ++i) {
        if (i + kAhead < run.hits.size()) {
          const CodeHit& later = *run.hits[i + kAhead];
          of(later.kind).prefetch(later.id);
        }
        take(*run.hits[i]);
      }
      for (const auto& [line, about] : run.lines) {
        if (about.text_line == kNoTextLine || (!about.same_tag && !about.same_shape)) continue;
        tables_.found.insert(about.text_line);
        const uint32_t tokens = runs_.text_at(about.text_line).tokens;
        if (about.same_tag) {
          tables_.same_tags[index_.tag(line)] = {tokens, about.text_line};
        } else {
          tables_.same_shapes[index_.shape_tag(line)] = {tokens, about.text_line};
        }
      }
    }
    sum_up();
    weigh_surroundings();
    return signs_;
  }

 private:
  ById& of(HitKind kind) { return tables_.best[static_cast<size_t>(kind)]; }

  void take(const CodeHit& hit) {
    const double weight = hit_weight(hit);
    Best& best = of(hit.kind).insert(hit.id).first;
    if (weight > best.weight || (weight == best.weight && hit.text_line > best.text_line)) {
      best = {weight, hit.text_line, hit.global_line};
    }
    tables_.found.insert(hit.text_line);
    switch (hit.kind) {
      case HitKind::kLine:
        tables_.whole.insert(hit.text_line);
        [[fallthrough]];
      case HitKind::kMasked:
        if (weight > kStrongLine) tables_.strong_lines.insert(hit.id);
        break;
      case HitKind::kWindow:
        if (weight > kStrongWindow) {
          const auto [line, fresh] = tables_.strong_windows.insert(hit.global_line);
          if (fresh) line = hit.text_line;
        }
        break;
      case HitKind::kShape:
        if (hit.text_line > 0) tables_.found.insert(hit.text_line - 1);
        tables_.found.insert(hit.text_line + 1);
        break;
      case HitKind::kPair:
      case HitKind::kCouple:
        tables_.found.insert(
            static_cast<uint32_t>(runs_.beyond_blanks(int64_t{hit.text_line} + 1, 1)));
        break;
    }
  }

  double sum(HitKind kind) {
    double out = 0;
    for (const auto& [id, best] : of(kind).entries()) out += best.weight;
    return out;
  }
  [[nodiscard]] bool is_whole(uint32_t text_line) const {
    return tables_.whole.contains(text_line);
  }

  void sum_up() {
    signs_.lines = sum(HitKind::kLine);
    signs_.couples = sum(HitKind::kCouple);
    signs_.shapes = sum(HitKind::kShape);
    signs_.pairs = sum(HitKind::kPair);
    for (const auto& [id, best] : of(HitKind::kMasked).entries()) {
      if (!is_whole(best.text_line)) signs_.masked += best.weight;
    }
    for (const auto& [id, best] : of(HitKind::kWindow).entries()) {
      if (!is_whole(best.text_line)) tables_.windows.insert(best.global_line).first += best.weight;
    }
    for (const auto& [line, weight] : tables_.windows.entries())
      signs_.windows += std::min(weight, kMostWindows);
    uint32_t tags = 0;
    for (const Followed& line : tables_.same_tags) {
      if (line.text_line == kNoTextLine) continue;
      ++tags;
      if (!is_whole(line.text_line)) signs_.same_tags += std::min(line.tokens, 10U) / 10.0;
    }
    for (const Followed& line : tables_.same_shapes) {
      if (line.text_line == kNoTextLine) continue;
      ++tags;
      if (!is_whole(line.text_line)) signs_.same_shapes += std::min(line.tokens, 14U) / 10.0;
    }
    signs_.strong = static_cast<uint32_t>(tables_.strong_lines.size());
    for (const auto& [line, text_line] : tables_.strong_windows.entries()) {
      signs_.strong += is_whole(text_line) ? 0 : 1;
    }
    signs_.different =
        static_cast<uint32_t>(of(HitKind::kLine).size() + tags + tables_.windows.size());
  }

  void weigh_surroundings() {
    uint32_t all = 0;
    uint32_t foreign = 0;
    int64_t next = 0;  // lines before it were asked
    tables_.found.each([&](uint32_t found) {
      for (next = std::max(next, int64_t{found} - kNear); next <= int64_t{found} + kNear; ++next) {
        const uint32_t tokens = runs_.text_at(next).tokens;
        if (tokens < kFewTokens) continue;
        const bool belongs = tables_.found.contains(static_cast<uint32_t>(next));
        if (!belongs && next < static_cast<int64_t>(explained_.size()) &&
            explained_[static_cast<size_t>(next)]) {
          continue;
        }
        all += std::min(tokens, kManyTokens);
        if (!belongs) foreign += std::min(tokens, kManyTokens);
      }
    });
    if (all > 0) signs_.density = 1 - static_cast<double>(foreign) / all;
    signs_.foreign = foreign;
  }

  const FileRuns& runs_;
  const IndexProbe& index_;
  const std::vector<bool>& explained_;
  CodeSigns signs_;
  Tables& tables_;
};

}  // namespace

CodeSigns signs_of(const FileRuns& runs, const IndexProbe& index,
                   const std::vector<bool>& explained) {
  static thread_local Tables tables;
  return Reader(runs, index, explained, tables).read();
}

// Cases that the weights were fitted to hardly have more, of text or of shape, than this: ln(1 +
// 148). Further on text and shape no longer take from one another, or the largest leaks would score
// least.
constexpr double kMostInCommon = 5;

// The fit looks at 120 foreign tokens. In an upload of megabytes lines of everyone are met by
// chance, the more of them the more there is, and count against thousands: beyond this many they
// must come together to say something.
constexpr double kMostForeign = 240;

double text_of(const CodeSigns& s) noexcept { return s.lines + s.masked + s.windows + s.couples; }

// Fitted by bench/eval; the constant is such that what scores one half is worth telling.
double score_of(const CodeSigns& s) noexcept {
  const double text = std::log1p(text_of(s));
  const double shape = std::log1p(s.shapes + s.pairs + s.same_shapes);
  const double strong = std::min(s.strong, 4U) / 4.0;
  const double different = std::min(s.different, 6U) / 6.0;
  const double density = s.density;
  double sum = -5.314;
  sum += 1.970 * std::log1p(s.lines) + 0.503 * std::log1p(s.masked);
  sum += -0.832 * std::log1p(s.windows) + 0.021 * std::log1p(s.couples);
  sum += 1.494 * std::log1p(s.shapes) - 0.427 * std::log1p(s.pairs);
  sum += -1.195 * std::log1p(s.same_tags) + 1.816 * std::log1p(s.same_shapes);
  sum += 2.304 * text + (text > 0 ? 0.695 : 0);
  sum -= 0.676 * std::min(text, kMostInCommon) * std::min(shape, kMostInCommon);
  sum += 0.977 * strong + (s.strong >= 2 ? 1.787 : 0) + 1.682 * different;
  sum += 0.578 * density + 0.072 * density * density - 1.333 * std::min(s.foreign / 40, 3.0);
  sum -= 1.333 * std::log(std::max(s.foreign / kMostForeign, 1.0));
  sum += density * (0.005 * text + 0.890 * shape + 0.621 * different + 0.330 * strong);
  return 1 / (1 + std::exp(-sum));
}

}  // namespace weir::inspect
