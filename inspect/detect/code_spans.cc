#include "inspect/detect/code_spans.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace weir::inspect {
namespace {

using signatures::IndexProbe;
using signatures::kTagUnknown;

// How far apart, in lines, two hits of one run may stand, and how much their distances in the text
// and in the file may differ: code that was edited or wrapped keeps its order, not its distances.
constexpr int64_t kRunGap = 40;
constexpr int64_t kRunSkew = 12;
constexpr size_t kOpenRuns = 16;
constexpr uint32_t kShapeReach = 12;
// Runs this near in the file are one span.
constexpr uint32_t kSpanGap = 16;

// What a line adds to the mass of a span. A whole line counts by its length: short ones are
// anyone's. A window counts most of a line, two of them a long one.
constexpr double kWindowWeight = 0.7;
constexpr double kMostWindows = 1.2;
constexpr double kFollowedWeight = 0.05;
// A window of shape, by how varied it is (0..3).
constexpr double kShapeWeight = 0.12;
constexpr double kShapeLeast = 0.5;
// What is left of the mass of a span that is mostly shape.
constexpr double kShapeShare = 0.7;
// The mass at which the score is one half, and how steeply it rises.
constexpr double kMassHalf = 0.4;
constexpr double kMassSlope = 2.2;
// Lines that add at least this count; what share of the mass is left by their number: one line, or
// two, are anyone's more often than three in a row.
constexpr double kCountsFrom = 0.1;
double share_of(size_t lines) {
  return lines >= 4 ? 1.1 : lines == 3 ? 1.0 : lines == 2 ? 0.5 : 0.3;
}

// By rarity of the words, of whole lines and of windows: how much of the weight is left.
constexpr std::array<double, 4> kLineRarity{0.15, 0.5, 0.9, 1.2};
constexpr std::array<double, 4> kWindowRarity{0.15, 0.3, 0.8, 1.2};

double line_weight(const CodeHit& hit) {
  const uint32_t rarity = hit.rarity & 3;
  double weight = 0;
  switch (hit.kind) {
    case HitKind::kShape:
      weight = kShapeWeight * (kShapeLeast + rarity);
      break;
    case HitKind::kWindow:
      weight = kWindowWeight * kWindowRarity[rarity];
      break;
    case HitKind::kLine:
      weight = std::clamp((hit.size - 8.0) / 24.0, 0.1, 1.0) * kLineRarity[rarity];
      break;
  }
  return weight / hit.files;
}

// What is known of one line of the file within a run.
struct Line {
  double whole = 0;
  double windows = 0;
  double shape = 0;
  bool followed = false;
  [[nodiscard]] double text() const { return std::max(whole, std::min(windows, kMostWindows)); }
  [[nodiscard]] double mass() const {
    return std::max(text() + shape, followed ? kFollowedWeight : 0);
  }
};

struct Run {
  uint32_t first_text = 0;
  uint32_t last_text = 0;
  uint32_t last_line = 0;
  std::array<char, 3> head{};
  std::vector<uint32_t> text_lines;  // of its hits, ascending
  std::map<uint32_t, Line> lines;    // by global line
};

double score_of(double mass) { return 1.0 / (1.0 + std::exp(-(mass - kMassHalf) * kMassSlope)); }

class FileRuns {
 public:
  FileRuns(const IndexProbe& index, const signatures::IndexedFile& file, ByteSpan tags)
      : index_(index), begin_(file.first_line), end_(file.first_line + file.lines), tags_(tags) {}

  // In order of text line.
  void add(const CodeHit& hit) {
    Run& run = run_for(hit);
    if (hit.kind == HitKind::kShape) fill_up_to(run, hit);
    run.last_text = hit.text_line;
    run.last_line = hit.global_line;
    if (run.text_lines.empty() || run.text_lines.back() != hit.text_line) {
      run.text_lines.push_back(hit.text_line);
    }
    Line& line = run.lines[hit.global_line];
    if (hit.kind == HitKind::kLine) {
      line.whole = std::max(line.whole, line_weight(hit));
    } else if (hit.kind == HitKind::kShape) {
      line.shape += line_weight(hit);
    } else {
      line.windows += line_weight(hit);
    }
    follow(run, hit.text_line, hit.global_line);
  }
  [[nodiscard]] std::vector<Run>& runs() { return runs_; }

 private:
  Run& run_for(const CodeHit& hit) {
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

  // Windows of shape begin every third line or so; what stands between two of them has the shape
  // too.
  static void fill_up_to(Run& run, const CodeHit& hit) {
    if (run.text_lines.empty()) return;
    const uint32_t in_file = hit.global_line - run.last_line;
    const uint32_t in_text = hit.text_line - run.last_text;
    if (in_file > kShapeReach || in_text > kShapeReach) return;
    for (uint32_t i = 1; i < in_file; ++i) run.lines.try_emplace(run.last_line + i);
  }

  [[nodiscard]] uint8_t text_tag(int64_t line) const {
    return line >= 0 && line < static_cast<int64_t>(tags_.size()) ? tags_[static_cast<size_t>(line)]
                                                                  : kTagUnknown;
  }

  // Up and down from a pair of equal lines, blank lines apart, until lines differ.
  void follow(Run& run, uint32_t text_line, uint32_t global_line) {
    const uint8_t own = index_.tag(global_line);
    if (own == kTagUnknown || own != text_tag(text_line)) return;
    for (const int64_t step : {int64_t{-1}, int64_t{1}}) {
      int64_t text = text_line;
      int64_t line = global_line;
      for (;;) {
        text += step;
        line += step;
        while (text_tag(text) == 0) text += step;
        int64_t blanks = 0;
        while (line >= begin_ && line < end_ && index_.tag(static_cast<uint64_t>(line)) == 0) {
          line += step;
          ++blanks;
        }
        if (line < begin_ || line >= end_) break;
        const uint8_t tag = index_.tag(static_cast<uint64_t>(line));
        if (tag == kTagUnknown || tag != text_tag(text)) break;
        for (int64_t b = 1; b <= blanks; ++b) {
          run.lines[static_cast<uint32_t>(line - step * b)].followed = true;
        }
        // What was followed before goes on from there.
        Line& here = run.lines[static_cast<uint32_t>(line)];
        if (here.followed || here.text() > 0) break;
        here.followed = true;
      }
    }
  }

  const IndexProbe& index_;
  int64_t begin_;
  int64_t end_;
  ByteSpan tags_;
  std::vector<Run> runs_;
};

struct Candidate {
  uint32_t file = 0;
  size_t first_hit = 0;  // in the hits, sorted by file and text line
  size_t last_hit = 0;
  double mass = 0;
  std::vector<CodeSpan> spans;
};

// A line of text stands for one line of the file. Where code repeats itself within a file, the run
// that explains most keeps the text, and the others lose what it has.
void drop_echoes(std::vector<Run>& runs) {
  const auto mass_of = [](const Run& run) {
    double mass = 0;
    for (const auto& [line, what] : run.lines) mass += what.mass();
    return mass;
  };
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < runs.size(); ++i) order.emplace_back(-mass_of(runs[i]), i);
  std::sort(order.begin(), order.end());
  std::unordered_set<uint32_t> taken;
  std::vector<bool> keep(runs.size());
  for (const auto& [mass, i] : order) {
    size_t fresh = 0;
    for (const uint32_t line : runs[i].text_lines) fresh += taken.insert(line).second ? 1 : 0;
    keep[i] = 2 * fresh > runs[i].text_lines.size();
  }
  size_t kept = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!keep[i]) continue;
    if (kept != i) runs[kept] = std::move(runs[i]);
    ++kept;
  }
  runs.resize(kept);
}

// Spans of one file from its runs, in order of the file.
std::vector<CodeSpan> spans_of(std::vector<Run>& runs, uint32_t first_line, double& total) {
  drop_echoes(runs);
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return a.lines.begin()->first < b.lines.begin()->first;
  });
  std::vector<CodeSpan> out;
  std::vector<double> masses;
  struct Adds {
    double all = 0;
    double shape = 0;
  };
  std::map<uint32_t, Adds> lines;  // of the span in progress, with what each adds
  uint32_t text_line = 0;
  std::array<char, 3> head{};
  total = 0;
  const auto close = [&] {
    if (lines.empty()) return;
    double mass = 0;
    double shape = 0;
    size_t counting = 0;
    for (const auto& [line, adds] : lines) {
      mass += adds.all;
      shape += adds.shape;
      counting += adds.all >= kCountsFrom ? 1 : 0;
    }
    const bool mostly_shape = 2 * shape > mass;
    if (mostly_shape) mass *= kShapeShare;
    mass *= share_of(counting);
    CodeSpan span;
    span.first_line = lines.begin()->first - first_line + 1;
    span.last_line = lines.rbegin()->first - first_line + 1;
    span.lines = static_cast<uint32_t>(lines.size());
    span.score = score_of(mass);
    span.shape = mostly_shape;
    span.text_line = text_line;
    span.head = head;
    out.push_back(span);
    total += mass;
    lines.clear();
  };
  for (const Run& run : runs) {
    if (!lines.empty() && run.lines.begin()->first > lines.rbegin()->first + kSpanGap) close();
    if (lines.empty() || run.first_text < text_line) {
      text_line = run.first_text;
      head = run.head;
    }
    for (const auto& [line, what] : run.lines) {
      Adds& adds = lines[line];
      adds.all = std::max(adds.all, what.mass());
      adds.shape = std::max(adds.shape, what.shape);
    }
  }
  close();
  return out;
}

}  // namespace

std::vector<CodeHit> thinned(const IndexProbe& index, std::vector<CodeHit> hits, size_t keep) {
  const auto place = [](const CodeHit& hit) { return std::pair(hit.global_line, hit.kind); };
  std::sort(hits.begin(), hits.end(), [&place](const CodeHit& a, const CodeHit& b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return std::tie(a.text_line, a.head) < std::tie(b.text_line, b.head);
  });
  hits.erase(
      std::unique(hits.begin(), hits.end(),
                  [&place](const CodeHit& a, const CodeHit& b) { return place(a) == place(b); }),
      hits.end());
  if (hits.size() <= keep) return hits;
  struct Part {
    size_t begin, end;
  };
  std::vector<Part> parts;
  for (size_t i = 0; i < hits.size();) {
    const auto number = index.file_of(hits[i].global_line);
    const auto file = number ? index.file(*number) : std::nullopt;
    size_t end = i + 1;
    while (file && end < hits.size() && hits[end].global_line - file->first_line < file->lines) {
      ++end;
    }
    if (file) parts.push_back({i, end});
    i = end;
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.end - a.begin > b.end - b.begin; });
  std::vector<CodeHit> out;
  for (const Part& part : parts) {
    if (!out.empty() && out.size() + (part.end - part.begin) > keep) break;
    out.insert(out.end(), hits.begin() + static_cast<std::ptrdiff_t>(part.begin),
               hits.begin() + static_cast<std::ptrdiff_t>(part.end));
  }
  return out;
}

std::vector<CodeSpan> find_spans(const IndexProbe& index, std::vector<CodeHit>& hits,
                                 ByteSpan tags) {
  std::sort(hits.begin(), hits.end(),
            [](const CodeHit& a, const CodeHit& b) { return a.global_line < b.global_line; });
  // Files have their global lines together.
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < hits.size();) {
    const std::optional<uint32_t> file = index.file_of(hits[i].global_line);
    const auto about = file ? index.file(*file) : std::nullopt;
    if (!about) {
      ++i;
      continue;
    }
    size_t end = i;
    double mass = 0;
    while (end < hits.size() && hits[end].global_line - about->first_line < about->lines) {
      mass += line_weight(hits[end]);
      ++end;
    }
    if (mass >= kMassHalf / 2) candidates.push_back({*file, i, end, mass, {}});
    i = end;
  }
  std::vector<CodeSpan> out;
  std::vector<bool> explained;  // text lines that a better file has
  const auto evaluate = [&](Candidate& candidate) {
    const auto about = index.file(candidate.file);
    FileRuns runs(index, *about, tags);
    for (size_t i = candidate.first_hit; i < candidate.last_hit; ++i) {
      const uint32_t line = hits[i].text_line;
      if (line < explained.size() && explained[line]) continue;
      runs.add(hits[i]);
    }
    candidate.spans = spans_of(runs.runs(), about->first_line, candidate.mass);
  };
  for (Candidate& candidate : candidates) {
    std::sort(hits.begin() + static_cast<std::ptrdiff_t>(candidate.first_hit),
              hits.begin() + static_cast<std::ptrdiff_t>(candidate.last_hit),
              [](const CodeHit& a, const CodeHit& b) {
                // Whole lines first, for their excerpt; the rest makes the order a total one.
                return std::tie(a.text_line, a.global_line, a.kind, a.head) <
                       std::tie(b.text_line, b.global_line, b.kind, b.head);
              });
    evaluate(candidate);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.mass > b.mass; });
  for (Candidate& candidate : candidates) {
    if (!explained.empty()) evaluate(candidate);
    const size_t before = out.size();
    for (CodeSpan& span : candidate.spans) {
      span.file = candidate.file;
      if (span.score >= kLeastScore) out.push_back(span);
    }
    if (out.size() == before) continue;
    std::stable_sort(
        out.begin() + static_cast<std::ptrdiff_t>(before), out.end(),
        [](const CodeSpan& a, const CodeSpan& b) { return a.score * a.lines > b.score * b.lines; });
    for (size_t i = candidate.first_hit; i < candidate.last_hit; ++i) {
      const uint32_t line = hits[i].text_line;
      if (line >= explained.size()) explained.resize(line + 1);
      explained[line] = true;
    }
  }
  return out;
}

}  // namespace weir::inspect
