// See rule_channel.h.
#include "inspect/detect/rule_channel.h"

#include <algorithm>
#include <utility>

#include "inspect/detect/content_path.h"
#include "inspect/detect/environment_channel.h"

namespace weir::inspect {

namespace {
constexpr uint64_t kMaxFieldBytes = 2048;
}  // namespace

static_assert(kLookBehind >= signatures::kRuleReadBack + signatures::kRuleLookAhead,
              "a match that waits for what follows it must still be in memory then");

Result<std::unique_ptr<RuleChannel>> RuleChannel::make(
    std::shared_ptr<const signatures::RuleSet> rules, const Limits& limits,
    signatures::PatternScratch& scratch, DetectCounters& counters) {
  if (const Status ready = rules->prepare(scratch); !ready) return ready.error();
  std::unique_ptr<RuleChannel> channel(
      new RuleChannel(std::move(rules), limits, scratch, counters));
  if (!channel->rules_->database().empty()) {
    if (const Status open = channel->scanner_.open(); !open) return open.error();
  }
  return channel;
}

RuleChannel::RuleChannel(std::shared_ptr<const signatures::RuleSet> rules, const Limits& limits,
                         signatures::PatternScratch& scratch, DetectCounters& counters)
    : rules_(std::move(rules)),
      max_found_(limits.evidence_per_request),
      max_excerpt_(limits.excerpt_bytes),
      scratch_(scratch),
      counters_(counters),
      scanner_(*rules_, limits.rule_candidates) {
  found_.reserve(max_found_);
}

void RuleChannel::reset() noexcept {
  scanner_.reset();
  place_count_ = 0;
  found_.clear();
  news_ = false;
  counted_candidates_ = 0;
  counted_dropped_ = 0;
}

void RuleChannel::on_block(const TextBlock& block) noexcept {
  for (const PieceMark& mark : block.pieces) {
    if (!mark.continues) scanner_.fence(block.position + mark.begin);
  }
  const auto status = scanner_.scan(scratch_, block.text, block.look_behind, hits_);
  if (status == signatures::ScanStatus::kFailed) counters_.scan_failures.add();
  remember_places(block);
  take_hits();
  // What may still be confirmed ends after this; earlier places have served.
  const uint64_t horizon =
      scanner_.position() - std::min<uint64_t>(scanner_.position(), signatures::kRuleLookAhead + 1);
  size_t kept = 0;
  for (size_t i = 0; i < place_count_; ++i) {
    if (places_[i].end <= horizon) continue;
    if (kept != i) std::swap(places_[kept], places_[i]);
    ++kept;
  }
  place_count_ = kept;
}

void RuleChannel::on_end() noexcept {
  if (scanner_.finish(scratch_, hits_) == signatures::ScanStatus::kFailed) {
    counters_.scan_failures.add();
  }
  take_hits();
}

// Only where a hit or a waiting candidate needs them: most blocks have neither, and paths are long.
void RuleChannel::remember_places(const TextBlock& block) noexcept {
  const uint64_t block_end = block.position + block.text.size();
  uint64_t from = block_end - std::min<uint64_t>(block_end, signatures::kRuleLookAhead + 1);
  for (const signatures::RuleHit& hit : hits_) from = std::min(from, hit.end - 1);
  for (const PieceMark& mark : block.pieces) {
    const uint64_t end = block.position + mark.end;
    if (end <= from) continue;
    if (place_count_ == places_.size()) places_.emplace_back();
    Place& place = places_[place_count_++];
    place.begin = block.position + mark.begin;
    place.end = end;
    place.offset = mark.offset;
    place.continues = mark.continues;
    place.path.assign(mark.path);
  }
}

void RuleChannel::take_hits() noexcept {
  for (const signatures::RuleHit& hit : hits_) keep(hit);
  hits_.clear();
  count();
}

void RuleChannel::keep(const signatures::RuleHit& hit) noexcept {
  const signatures::ContentRule& rule = rules_->rule(hit.rule);
  if (rule.kind == EvidenceKind::kEnvironment) return keep_environment(hit, rule);
  for (Found& known : found_) {
    if (known.rule != hit.rule) continue;
    if (known.begin == hit.begin) {  // a longer match at the same place
      known.value = hit.value;
      known.score = std::max(known.score, hit.score);
      known.excerpt.assign(hit.excerpt, 0, max_excerpt_);
      return;
    }
    if (known.value == hit.value) {
      known.score = std::max(known.score, hit.score);
      counters_.rule_repeats.add();
      return;
    }
  }
  counters_.rule_hits.add();
  if (found_.size() >= max_found_) {
    counters_.rule_hits_over_limit.add();
    return;
  }
  Found found{hit.begin, hit.value, hit.rule, hit.score, 0, {}, hit.excerpt.substr(0, max_excerpt_),
              {}};
  if (const Place* place = place_at(hit.end)) {
    found.offset = place->offset;
    found.where = place->path;
  }
  found_.push_back(std::move(found));
  news_ = true;
}

// The piece that the match ends in; one that ends in glue belongs to the value that follows.
const RuleChannel::Place* RuleChannel::place_at(uint64_t end) const noexcept {
  for (size_t i = 0; i < place_count_; ++i) {
    if (places_[i].end >= end) return &places_[i];
  }
  return place_count_ > 0 ? &places_[place_count_ - 1] : nullptr;
}

// Words that also stand in code and prose: what they say depends on where they stand. Each field is
// told once a request, whatever its values.
void RuleChannel::keep_environment(const signatures::RuleHit& hit,
                                   const signatures::ContentRule& rule) noexcept {
  const Place* place = place_at(hit.end);
  if (place == nullptr || (hit.begin < place->begin && !place->continues)) return;
  const PlaceKind kind = place_of(place->path);
  std::string field = rule.field.empty() ? rule.data_class : rule.field;
  switch (rule.scope) {
    case signatures::RuleScope::kPrompt:
      if (kind != PlaceKind::kMessage && kind != PlaceKind::kInstruction) return;
      break;
    case signatures::RuleScope::kBytes:
      // Protobuf with much text in it looks like text.
      if (kind == PlaceKind::kMessage || kind == PlaceKind::kInstruction ||
          kind == PlaceKind::kArgument) {
        return;
      }
      // Number and length of the field are of the same piece: ": " of the glue reads like them.
      if (hit.begin < place->begin + 2 && !place->continues) return;
      break;
    case signatures::RuleScope::kField:
      // Longer values are documents.
      if (kind != PlaceKind::kField || place->end - place->begin > kMaxFieldBytes) return;
      field = shown_field(name_in(place->path));
      break;
    case signatures::RuleScope::kAnywhere:
      break;
  }
  const auto same = [&](const Found& found) {
    return found.rule == hit.rule && found.field == field;
  };
  if (std::any_of(found_.begin(), found_.end(), same)) return counters_.rule_repeats.add();
  counters_.rule_hits.add();
  if (found_.size() >= max_found_) return counters_.rule_hits_over_limit.add();
  found_.push_back({hit.begin, hit.value, hit.rule, hit.score, place->offset, place->path,
                    hit.excerpt.substr(0, max_excerpt_), std::move(field)});
  news_ = true;
}

void RuleChannel::count() noexcept {
  counters_.rule_candidates.add(scanner_.candidates() - counted_candidates_);
  counters_.rule_candidates_over_limit.add(scanner_.dropped() - counted_dropped_);
  counted_candidates_ = scanner_.candidates();
  counted_dropped_ = scanner_.dropped();
}

void RuleChannel::collect(std::vector<Evidence>& out) {
  std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
    return std::pair(a.begin, a.rule) < std::pair(b.begin, b.rule);
  });
  for (const Found& found : found_) {
    const signatures::ContentRule& rule = rules_->rule(found.rule);
    Evidence evidence;
    evidence.kind = rule.kind;
    evidence.rule = rule.id;
    evidence.title = rule.title;
    evidence.score = found.score;
    evidence.where = found.where;
    evidence.offset = found.offset;
    evidence.excerpt = found.excerpt;
    evidence.data_class = rule.data_class;
    evidence.field = found.field;
    evidence.documented = rule.documented;
    out.push_back(std::move(evidence));
  }
  news_ = false;
}

}  // namespace weir::inspect
