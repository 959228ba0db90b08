#include "alert/evidence_set.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::alert {
namespace {

bool of_file(const Evidence& e) noexcept {
  return e.kind == EvidenceKind::kCode || e.kind == EvidenceKind::kHash;
}

// Of these the later piece has the whole sum.
bool grows(const Evidence& e) noexcept {
  return e.rule == "undocumented_host" || e.rule == "telemetry_host";
}

bool mergeable(const Evidence& a, const Evidence& b) noexcept {
  if (a.kind != b.kind || a.repository != b.repository || a.path != b.path) return false;
  // Values differ from request to request; that the field is sent is what is told.
  if (a.kind == EvidenceKind::kEnvironment) {
    return a.data_class == b.data_class && a.field == b.field && a.documented == b.documented;
  }
  // Sums that grow: the contacts of a tool with a host.
  if (a.kind == EvidenceKind::kAnomaly && !a.field.empty() && a.rule == b.rule &&
      a.data_class == b.data_class && a.field == b.field && grows(a)) {
    return true;
  }
  if (!of_file(a)) {
    return a.rule == b.rule && a.excerpt == b.excerpt && a.documented == b.documented;
  }
  const auto touches = [](const Evidence& x, const Evidence& y) {
    return uint64_t{x.first_line} <= uint64_t{y.last_line} + 1;
  };
  return touches(a, b) && touches(b, a);
}

auto strength(const Evidence& e) noexcept { return std::tuple(e.score, e.lines); }

// The stronger of the two says where it stood and how it was found.
void merge(Evidence& into, Evidence&& other) {
  const uint32_t first = std::min(into.first_line, other.first_line);
  const uint32_t last = std::max(into.last_line, other.last_line);
  const uint32_t lines = std::max(into.lines, other.lines);
  const double score = std::max(into.score, other.score);
  if (strength(other) > strength(into) || grows(into)) into = std::move(other);
  into.first_line = first;
  into.last_line = last;
  into.lines = lines;
  into.score = score;
}

bool same_extent(const Evidence& a, const Evidence& b) noexcept {
  return a.first_line == b.first_line && a.last_line == b.last_line && a.lines == b.lines &&
         a.score == b.score;
}

}  // namespace

EvidenceChange add_evidence(std::vector<Evidence>& pieces, Evidence&& piece, size_t limit) {
  EvidenceChange change;
  // The piece that takes the others up; joining can make it touch further ones.
  size_t home = pieces.size();
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (mergeable(pieces[i], piece)) {
      home = i;
      break;
    }
  }
  if (home == pieces.size()) {
    change.grown = true;
    if (pieces.size() < limit) {
      pieces.push_back(std::move(piece));
      return change;
    }
    change.dropped = 1;
    const auto weakest = std::min_element(
        pieces.begin(), pieces.end(),
        [](const Evidence& a, const Evidence& b) { return strength(a) < strength(b); });
    if (weakest == pieces.end() || strength(*weakest) >= strength(piece)) {
      change.grown = false;
    } else {
      *weakest = std::move(piece);
    }
    return change;
  }
  const Evidence before = pieces[home];
  merge(pieces[home], std::move(piece));
  change.grown = !same_extent(before, pieces[home]);
  for (size_t i = home + 1; i < pieces.size();) {
    if (mergeable(pieces[home], pieces[i])) {
      merge(pieces[home], std::move(pieces[i]));
      pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(i));
      i = home + 1;
    } else {
      ++i;
    }
  }
  return change;
}

}  // namespace weir::alert
