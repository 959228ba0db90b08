// Content rules over one stream of text. The matcher's callback only notes (rule, end); a candidate
// is confirmed once kRuleLookAhead bytes after it are known, or at the end, over the same window of
// text whatever the cuts: so cuts change nothing. Ends of one rule that stand side by side are the
// growth of one match ("[a-z]{8,40}" ends at each length), and only the last of them counts.
// scan* finish, then reset
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/content_rules.h"
#include "signatures/pattern_database.h"

namespace weir::signatures {

struct RuleHit {
  uint32_t rule = 0;   // index
  uint64_t begin = 0;  // in the stream
  uint64_t end = 0;
  uint64_t value = 0;  // hash of the secret itself: the same for the same secret
  double score = 0;
  std::string excerpt;
};

class RuleScanner {
 public:
  // Candidates noted at once.
  static constexpr size_t kMaxPending = 4096;

  // `rules` must outlive the scanner. After `max_candidates` of one stream no more are confirmed.
  RuleScanner(const RuleSet& rules, size_t max_candidates);

  // Over the set's own database, or another with ids of its rules.
  [[nodiscard]] Status open() { return open(rules_.database()); }
  [[nodiscard]] Status open(const PatternDatabase& database);
  void reset() noexcept;

  // Text of its own begins at `position` of the stream: rules of scope kPrompt look no further
  // around. Ascending, before the scan of the text that it begins.
  void fence(uint64_t position) { fences_.push_back(position); }
  // Kept now: those that a waiting candidate may meet, and the last.
  [[nodiscard]] size_t fences() const noexcept { return fences_.size(); }
  // `look_behind` bytes of the stream must stand before data.data(): kRuleReadBack + kRuleLookAhead
  // or more, or all there were. Appends to `hits`, in no particular order.
  [[nodiscard]] ScanStatus scan(PatternScratch& scratch, ByteSpan data, size_t look_behind,
                                std::vector<RuleHit>& hits);
  [[nodiscard]] ScanStatus finish(PatternScratch& scratch, std::vector<RuleHit>& hits);

  [[nodiscard]] uint64_t position() const noexcept { return position_; }
  // Since reset().
  [[nodiscard]] uint64_t candidates() const noexcept { return candidates_; }
  [[nodiscard]] uint64_t dropped() const noexcept { return dropped_; }  // at a bound

 private:
  struct Pending {
    uint32_t rule;
    uint64_t end;
  };

  static bool note(void* scanner, uint32_t id, uint64_t from, uint64_t end) noexcept;
  void confirm(PatternScratch& scratch, ByteSpan text, uint64_t text_begin, bool last,
               std::vector<RuleHit>& hits);

  void drop_fences() noexcept;

  const RuleSet& rules_;
  size_t max_candidates_;
  PatternStream stream_;
  uint64_t position_ = 0;
  std::vector<Pending> pending_;
  std::vector<uint32_t> slot_;  // of each rule: its last pending candidate, + 1
  std::vector<uint64_t> fences_;
  std::vector<uint8_t> tail_;  // the last kRuleReadBack + kRuleLookAhead bytes, for finish()
  uint64_t candidates_ = 0;
  uint64_t dropped_ = 0;
  RuleSet::Confirmed confirmed_;
};

}  // namespace weir::signatures
