#include "inspect/detect/code_score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

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

struct Best {
  double weight = 0;
  uint32_t text_line = 0;
  uint32_t global_line = 0;
};
using ById = std::unordered_map<uint32_t, Best>;

struct Followed {
  uint32_t tokens = 0;
  uint32_t text_line = 0;
};

class Reader {
 public:
  Reader(const FileRuns& runs, const IndexProbe& index, const std::vector<bool>& explained)
      : runs_(runs), index_(index), explained_(explained) {}

  CodeSigns read() {
    for (const Run& run : runs_.runs()) {
      for (const CodeHit* hit : run.hits) take(*hit);
      for (const auto& [line, about] : run.lines) {
        if (about.text_line == kNoTextLine || (!about.same_tag && !about.same_shape)) continue;
        found_.insert(about.text_line);
        const uint32_t tokens = runs_.text_at(about.text_line).tokens;
        if (about.same_tag) {
          same_tags_[index_.tag(line)] = {tokens, about.text_line};
        } else {
          same_shapes_[index_.shape_tag(line)] = {tokens, about.text_line};
        }
      }
    }
    sum_up();
    weigh_surroundings();
    return signs_;
  }

 private:
  ById& of(HitKind kind) { return best_[static_cast<size_t>(kind)]; }

  void take(const CodeHit& hit) {
    const double weight = hit_weight(hit);
    Best& best = of(hit.kind)[hit.id];
    if (weight > best.weight || (weight == best.weight && hit.text_line > best.text_line)) {
      best = {weight, hit.text_line, hit.global_line};
    }
    found_.insert(hit.text_line);
    switch (hit.kind) {
      case HitKind::kLine:
        whole_.insert(hit.text_line);
        [[fallthrough]];
      case HitKind::kMasked:
        if (weight > kStrongLine) strong_lines_.insert(hit.id);
        break;
      case HitKind::kWindow:
        if (weight > kStrongWindow) strong_windows_.emplace(hit.global_line, hit.text_line);
        break;
      case HitKind::kShape:
        if (hit.text_line > 0) found_.insert(hit.text_line - 1);
        found_.insert(hit.text_line + 1);
        break;
      case HitKind::kPair:
      case HitKind::kCouple:
        found_.insert(static_cast<uint32_t>(runs_.beyond_blanks(int64_t{hit.text_line} + 1, 1)));
        break;
    }
  }

  double sum(HitKind kind) {
    double out = 0;
    for (const auto& [id, best] : of(kind)) out += best.weight;
    return out;
  }
  [[nodiscard]] bool is_whole(uint32_t text_line) const { return whole_.count(text_line) > 0; }

  void sum_up() {
    signs_.lines = sum(HitKind::kLine);
    signs_.couples = sum(HitKind::kCouple);
    signs_.shapes = sum(HitKind::kShape);
    signs_.pairs = sum(HitKind::kPair);
    for (const auto& [id, best] : of(HitKind::kMasked)) {
      if (!is_whole(best.text_line)) signs_.masked += best.weight;
    }
    std::unordered_map<uint32_t, double> windows;
    for (const auto& [id, best] : of(HitKind::kWindow)) {
      if (!is_whole(best.text_line)) windows[best.global_line] += best.weight;
    }
    for (const auto& [line, weight] : windows) signs_.windows += std::min(weight, kMostWindows);
    for (const auto& [tag, line] : same_tags_) {
      if (!is_whole(line.text_line)) signs_.same_tags += std::min(line.tokens, 10U) / 10.0;
    }
    for (const auto& [tag, line] : same_shapes_) {
      if (!is_whole(line.text_line)) signs_.same_shapes += std::min(line.tokens, 14U) / 10.0;
    }
    signs_.strong = static_cast<uint32_t>(strong_lines_.size());
    for (const auto& [line, text_line] : strong_windows_) {
      signs_.strong += is_whole(text_line) ? 0 : 1;
    }
    signs_.different = static_cast<uint32_t>(of(HitKind::kLine).size() + same_tags_.size() +
                                             same_shapes_.size() + windows.size());
  }

  void weigh_surroundings() {
    std::unordered_set<int64_t> near;
    for (const uint32_t line : found_) {
      for (int64_t i = int64_t{line} - kNear; i <= int64_t{line} + kNear; ++i) near.insert(i);
    }
    uint32_t all = 0;
    uint32_t foreign = 0;
    for (const int64_t line : near) {
      const uint32_t tokens = runs_.text_at(line).tokens;
      if (tokens < kFewTokens) continue;
      const bool found = found_.count(static_cast<uint32_t>(line)) > 0;
      if (!found && line < static_cast<int64_t>(explained_.size()) &&
          explained_[static_cast<size_t>(line)]) {
        continue;
      }
      all += std::min(tokens, kManyTokens);
      if (!found) foreign += std::min(tokens, kManyTokens);
    }
    if (all > 0) signs_.density = 1 - static_cast<double>(foreign) / all;
    signs_.foreign = foreign;
  }

  const FileRuns& runs_;
  const IndexProbe& index_;
  const std::vector<bool>& explained_;
  CodeSigns signs_;
  std::array<ById, 6> best_;            // by kind
  std::unordered_set<uint32_t> found_;  // text lines that belong to it
  std::unordered_set<uint32_t> whole_;  // those whose whole line was found
  std::unordered_set<uint32_t> strong_lines_;
  std::unordered_map<uint32_t, uint32_t> strong_windows_;  // line of the file, of the text
  std::unordered_map<uint32_t, Followed> same_tags_;
  std::unordered_map<uint32_t, Followed> same_shapes_;
};

}  // namespace

CodeSigns signs_of(const FileRuns& runs, const IndexProbe& index,
                   const std::vector<bool>& explained) {
  return Reader(runs, index, explained).read();
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
