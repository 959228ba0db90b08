#include "inspect/detect/critical_search.h"

#include <algorithm>
#include <utility>

#include "inspect/detect/code_spans.h"

namespace weir::inspect {
namespace {

// Lines of a file this near to one another are one group.
constexpr uint32_t kNear = 16;

}  // namespace

CriticalSearch::CriticalSearch(const signatures::IndexProbe& index, const Limits& limits,
                               signatures::PatternScratch& scratch, CodeCounters& counters)
    : index_(index), limits_(limits), scratch_(scratch), counters_(counters) {
  const signatures::LiteralSet* set = index_.critical();
  if (set == nullptr) return;
  usable_ = scratch_.prepare(set->database()).has_value() && stream_.open(*set).has_value();
  if (!usable_) counters_.scan_failures.add();
}

void CriticalSearch::keep_fresh(ByteSpan bytes, uint64_t total) {
  const uint64_t base = total - bytes.size();
  const ByteSpan fresh = bytes.subspan(static_cast<size_t>(std::max(next_, base) - base));
  text_.insert(text_.end(), fresh.begin(), fresh.end());
  next_ = total;
}

// No literal holds a newline.
void CriticalSearch::end_piece() {
  if (usable_) text_.push_back('\n');
}

void CriticalSearch::scan(uint32_t text_line, int32_t piece) {
  if (!usable_ || text_.empty()) return;
  open_ = {0, text_line, piece};
  auto on_hit = [this](uint32_t id, uint64_t end) noexcept { take(id, end); };
  if (stream_.scan(scratch_, text_, on_hit) != signatures::ScanStatus::kOk) {
    counters_.scan_failures.add();
  }
  position_ += text_.size();
  text_.clear();
  lines_.clear();
}

void CriticalSearch::take(uint32_t id, uint64_t end) noexcept {
  const signatures::CriticalLine* line = index_.critical_line(id);
  if (line == nullptr) return;
  counters_.critical_hits.add();
  // A line that comes again is no news.
  if (seen_.contains(line->global_line)) return;
  if (hits_.size() >= limits_.fingerprint_hits) {
    counters_.hits_dropped.add();
    return;
  }
  seen_.insert(line->global_line);
  const auto at =
      std::lower_bound(lines_.begin(), lines_.end(), end,
                       [](const LineEnd& a, uint64_t position) { return a.end < position; });
  const LineEnd& found = at == lines_.end() ? open_ : *at;
  hits_.push_back({found.text_line, line->global_line, masked_head(line->head), found.piece});
}

std::vector<CriticalSearch::Group> CriticalSearch::groups(size_t most) {
  std::sort(hits_.begin(), hits_.end(), [](const Hit& a, const Hit& b) {
    return std::pair(a.global_line, a.text_line) < std::pair(b.global_line, b.text_line);
  });
  std::vector<Group> out;
  for (size_t i = 0; i < hits_.size() && out.size() < most;) {
    const Hit& first = hits_[i++];
    const auto number = index_.file_of(first.global_line);
    const auto file = number ? index_.file(*number) : std::nullopt;
    if (!file) continue;
    Group group{first, *file, first.global_line, 1};
    for (; i < hits_.size(); ++i) {
      const uint32_t line = hits_[i].global_line;
      if (line > group.last_line + kNear || line - file->first_line >= file->lines) break;
      group.lines += line != group.last_line ? 1 : 0;
      group.last_line = line;
    }
    out.push_back(group);
  }
  return out;
}

void CriticalSearch::reset() noexcept {
  hits_.clear();
  seen_.clear();
  text_.clear();
  lines_.clear();
  if (usable_) stream_.reset();
  position_ = next_ = 0;
}

}  // namespace weir::inspect
