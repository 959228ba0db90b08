// See rule_scanner.h.
#include "signatures/rule_scanner.h"

#include <algorithm>
#include <iterator>

#include "core/hash.h"

namespace weir::signatures {

namespace {

// Tells equal secrets of one request apart from others; never leaves the process.
constexpr HashKey kValueKey{{0x77656972206b6579ULL, 0x6f66207365637265ULL}};

}  // namespace

RuleScanner::RuleScanner(const RuleSet& rules, size_t max_candidates)
    : rules_(rules), max_candidates_(max_candidates), slot_(rules.size(), 0) {
  pending_.reserve(64);
  tail_.reserve(kRuleReadBack + kRuleLookAhead);
}

Status RuleScanner::open(const PatternDatabase& database) {
  reset();
  return stream_.open(database);
}

void RuleScanner::reset() noexcept {
  stream_.reset();
  position_ = 0;
  pending_.clear();
  std::fill(slot_.begin(), slot_.end(), 0);
  tail_.clear();
  fences_.clear();
  candidates_ = 0;
  dropped_ = 0;
}

bool RuleScanner::note(void* scanner, uint32_t id, uint64_t /*from*/, uint64_t end) noexcept {
  RuleScanner& self = *static_cast<RuleScanner*>(scanner);
  uint32_t& slot = self.slot_[id];
  if (slot != 0) {
    Pending& known = self.pending_[slot - 1];
    if (end == known.end || end == known.end + 1) {
      known.end = end;
      return false;
    }
  }
  if (self.pending_.size() == kMaxPending || self.candidates_ >= self.max_candidates_) {
    ++self.dropped_;
    return false;
  }
  ++self.candidates_;
  self.pending_.push_back({id, end});
  slot = static_cast<uint32_t>(self.pending_.size());
  return false;
}

void RuleScanner::confirm(PatternScratch& scratch, ByteSpan text, uint64_t text_begin, bool last,
                          std::vector<RuleHit>& hits) {
  size_t kept = 0;
  for (const Pending candidate : pending_) {
    slot_[candidate.rule] = 0;
    if (!last && candidate.end + kRuleLookAhead > position_) {
      pending_[kept++] = candidate;
      continue;
    }
    const size_t end = static_cast<size_t>(candidate.end - text_begin);
    size_t from = end - std::min(end, kRuleReadBack);
    size_t to = std::min(text.size(), end + kRuleLookAhead);
    if (!fences_.empty() && rules_.rule(candidate.rule).scope == RuleScope::kPrompt) {
      const auto next = std::lower_bound(fences_.begin(), fences_.end(), candidate.end);
      if (next != fences_.end()) to = std::min(to, static_cast<size_t>(*next - text_begin));
      if (next != fences_.begin() && *std::prev(next) > text_begin + from) {
        from = static_cast<size_t>(*std::prev(next) - text_begin);
      }
    }
    const ByteSpan window = text.subspan(from, to - from);
    if (!rules_.confirm(candidate.rule, window, end - from, scratch, confirmed_)) continue;
    const uint64_t base = text_begin + from;
    hits.push_back(
        {candidate.rule, base + confirmed_.begin, base + confirmed_.end,
         siphash(kValueKey, window.subspan(confirmed_.value_begin,
                                           confirmed_.value_end - confirmed_.value_begin)),
         confirmed_.score, confirmed_.excerpt});
  }
  pending_.resize(kept);
  for (size_t i = 0; i < kept; ++i) slot_[pending_[i].rule] = static_cast<uint32_t>(i + 1);
}

// No candidate that waits or will come looks back beyond these. The last one is where the text in
// progress began.
void RuleScanner::drop_fences() noexcept {
  uint64_t oldest = position_;
  for (const Pending& candidate : pending_) oldest = std::min(oldest, candidate.end);
  const uint64_t from = oldest - std::min<uint64_t>(oldest, kRuleReadBack);
  fences_.erase(fences_.begin(), std::lower_bound(fences_.begin(), fences_.end() - 1, from));
}

ScanStatus RuleScanner::scan(PatternScratch& scratch, ByteSpan data, size_t look_behind,
                             std::vector<RuleHit>& hits) {
  if (data.empty() || !stream_.is_open()) return ScanStatus::kOk;
  const ScanStatus status = stream_.scan(scratch, data, note, this);
  const ByteSpan text(data.data() - look_behind, look_behind + data.size());
  const uint64_t text_begin = position_ - look_behind;
  position_ += data.size();
  if (!pending_.empty()) confirm(scratch, text, text_begin, false, hits);
  if (fences_.size() > 1) drop_fences();
  const size_t keep = std::min(text.size(), kRuleReadBack + kRuleLookAhead);
  tail_.assign(text.end() - static_cast<ptrdiff_t>(keep), text.end());
  return status;
}

ScanStatus RuleScanner::finish(PatternScratch& scratch, std::vector<RuleHit>& hits) {
  if (!stream_.is_open()) return ScanStatus::kOk;
  const ScanStatus status = stream_.finish(scratch, note, this);
  if (!pending_.empty()) confirm(scratch, tail_, position_ - tail_.size(), true, hits);
  return status;
}

}  // namespace weir::signatures
