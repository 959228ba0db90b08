#include "inspect/detect/code_spans.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "inspect/detect/code_runs.h"
#include "inspect/detect/code_score.h"
#include "inspect/detect/hit_order.h"

namespace weir::inspect {
namespace {

using signatures::IndexProbe;

// Runs this near in the file are one span.
constexpr uint32_t kSpanGap = 16;
// Files whose hits weigh less are not looked at.
constexpr double kLeastHits = 0.15;
// Idioms look alike: a few lines that share no text with the file are no leak of it, however well
// their shapes agree. Nothing is told of a file by its shape alone for fewer lines, or less surely;
// hits in its text that weigh less than kSomeText are no text of its own. Where shapes are long and
// nothing foreign stands between, somewhat fewer lines do.
constexpr uint32_t kLeastShapeLines = 8;
constexpr double kLeastShapeScore = 0.6;
constexpr uint32_t kFewShapeLines = 5;
constexpr double kFewShapeScore = 0.9;
constexpr double kSomeText = 0.05;
// A file that is told for fewer lines counts over requests, too.
constexpr uint32_t kFewLines = 8;
// Of a file that is told, spans that weigh less than this share of the weightiest are not.
constexpr double kLeastShare = 0.1;

struct Candidate {
  uint32_t file = 0;
  size_t first_hit = 0;  // in the hits, sorted by file and text line
  size_t last_hit = 0;
  double score = 0;
  double mass = 0;  // of its spans: chooses between files that hold the same lines
  std::vector<CodeSpan> spans;
  std::vector<uint32_t> text_lines;  // that it explains
};

struct OpenSpan {
  RunLines lines;
  uint32_t text_line = 0;
  std::array<char, 3> head{};
};

// A line that was reached from its neighbours says little by itself.
constexpr double kFollowedTag = 0.1;
constexpr double kFollowedShape = 0.05;

// Spans of one file from its runs, in order of the file. Scores are those of the file.
void put_spans(Candidate& out, const FileRuns& runs, uint32_t first_line) {
  std::vector<const Run*> order;
  for (const Run& run : runs.runs()) order.push_back(&run);
  std::stable_sort(order.begin(), order.end(),
                   [](const Run* a, const Run* b) { return a->lines.first() < b->lines.first(); });
  std::vector<double> masses;
  OpenSpan open;
  const auto close = [&] {
    if (open.lines.empty()) return;
    double text = 0;
    double shape = 0;
    for (const auto& [line, about] : open.lines) {
      text += about.text + (about.same_tag ? kFollowedTag : 0);
      shape += about.shape + (about.same_shape ? kFollowedShape : 0);
    }
    CodeSpan span;
    span.file = out.file;
    span.first_line = open.lines.first() - first_line + 1;
    span.last_line = open.lines.last() - first_line + 1;
    span.lines = static_cast<uint32_t>(open.lines.size());
    span.score = out.score;
    span.shape = shape > text;
    span.text_line = open.text_line;
    span.head = open.head;
    // Code of one shape is often in many files: by its shape alone no file takes a line.
    for (const auto& [line, about] : open.lines) {
      if (about.text_line == kNoTextLine) continue;
      if (span.shape || about.text > 0 || about.same_tag) out.text_lines.push_back(about.text_line);
    }
    out.spans.push_back(span);
    masses.push_back(text + shape);
    open.lines.clear();
  };
  for (const Run* run : order) {
    if (!open.lines.empty() && run->lines.first() > open.lines.last() + kSpanGap) {
      close();
    }
    if (open.lines.empty() || run->first_text < open.text_line) {
      open.text_line = run->first_text;
      open.head = run->head;
    }
    for (const auto& [line, about] : run->lines) {
      RunLine& here = open.lines[line];
      here.text = std::max(here.text, about.text);
      here.shape = std::max(here.shape, about.shape);
      here.same_tag = here.same_tag || about.same_tag;
      here.same_shape = here.same_shape || about.same_shape;
      if (about.text_line != kNoTextLine) here.text_line = about.text_line;
    }
  }
  close();
  double most = 0;
  for (const double mass : masses) {
    most = std::max(most, mass);
    out.mass += mass;
  }
  size_t kept = 0;
  for (size_t i = 0; i < out.spans.size(); ++i) {
    if (masses[i] >= kLeastShare * most) out.spans[kept++] = out.spans[i];
  }
  out.spans.resize(kept);
}

uint32_t lines_of(const Candidate& candidate) noexcept {
  uint32_t lines = 0;
  for (const CodeSpan& span : candidate.spans) lines += span.lines;
  return lines;
}

bool is_idiom(const CodeSigns& signs, const Candidate& candidate) {
  if (!std::all_of(candidate.spans.begin(), candidate.spans.end(),
                   [](const CodeSpan& span) { return span.shape; })) {
    return false;
  }
  if (candidate.score < kLeastShapeScore) return true;
  if (text_of(signs) >= kSomeText) return false;
  const uint32_t lines = lines_of(candidate);
  if (lines >= kLeastShapeLines) return false;
  return lines < kFewShapeLines || candidate.score < kFewShapeScore;
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
                                 std::span<const TextLine> lines, double least_score,
                                 std::vector<WeakFile>* weak, JudgeWatch* watch) {
  std::vector<Candidate> candidates;
  for (const HitsOfFile& part : order_hits(index, hits)) {
    double mass = 0;
    for (size_t i = part.begin; i < part.end; ++i) mass += hit_weight(hits[i]);
    if (mass < kLeastHits) continue;
    Candidate& candidate = candidates.emplace_back();
    candidate.file = part.file;
    candidate.first_hit = part.begin;
    candidate.last_hit = part.end;
  }
  std::vector<CodeSpan> out;
  std::vector<bool> explained;  // text lines that a better file has
  const auto fill = [&](FileRuns& runs, const Candidate& candidate) {
    for (size_t i = candidate.first_hit; i < candidate.last_hit; ++i) {
      const uint32_t line = hits[i].text_line;
      if (line < explained.size() && explained[line]) continue;
      runs.add(hits[i]);
    }
    runs.drop_echoes();
  };
  const auto evaluate = [&](Candidate& candidate) {
    const auto about = index.file(candidate.file);
    FileRuns runs(index, *about, lines);
    fill(runs, candidate);
    candidate.spans.clear();
    candidate.text_lines.clear();
    candidate.mass = 0;
    candidate.score = 0;
    if (runs.runs().empty()) return;
    const CodeSigns signs = signs_of(runs, index, explained);
    candidate.score = score_of(signs);
    if (candidate.score < least_score && watch == nullptr) return;
    put_spans(candidate, runs, about->first_line);
    if (is_idiom(signs, candidate)) candidate.score = 0;
    if (watch != nullptr && explained.empty()) {
      watch->on_file(candidate.file, runs, signs, candidate.spans, candidate.score);
    }
  };
  for (Candidate& candidate : candidates) evaluate(candidate);
  const auto keep_weak = [&](const Candidate& candidate) {
    FileRuns runs(index, *index.file(candidate.file), lines);
    fill(runs, candidate);
    WeakFile found{candidate.file, signs_of(runs, index, explained), {}};
    if (text_of(found.signs) < kSomeText) return;
    for (const Run& run : runs.runs()) {
      for (const CodeHit* hit : run.hits) {
        const bool shape = hit->kind == HitKind::kShape || hit->kind == HitKind::kPair;
        if (!shape) found.hits.push_back(*hit);
      }
    }
    weak->push_back(std::move(found));
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.mass > b.mass; });
  for (Candidate& candidate : candidates) {
    if (candidate.score < least_score) continue;
    if (!explained.empty()) evaluate(candidate);
    if (candidate.score < least_score) continue;
    std::stable_sort(candidate.spans.begin(), candidate.spans.end(),
                     [](const CodeSpan& a, const CodeSpan& b) { return a.lines > b.lines; });
    if (weak != nullptr && lines_of(candidate) < kFewLines) keep_weak(candidate);
    out.insert(out.end(), candidate.spans.begin(), candidate.spans.end());
    for (const uint32_t line : candidate.text_lines) {
      if (line >= explained.size()) explained.resize(line + 1);
      explained[line] = true;
    }
  }
  if (weak == nullptr) return out;
  for (const Candidate& candidate : candidates) {
    if (candidate.score < least_score) keep_weak(candidate);
  }
  return out;
}

}  // namespace weir::inspect
