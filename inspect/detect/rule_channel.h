// Content rules (signatures/content_rules.h) as a detection channel: where in the request a
// confirmed match stands, and each secret of a request told once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/limits.h"
#include "core/result.h"
#include "inspect/detect/detect_counters.h"
#include "inspect/detect/text_block.h"
#include "signatures/content_rules.h"
#include "signatures/pattern_database.h"
#include "signatures/rule_scanner.h"

namespace weir::inspect {

class RuleChannel final : public DetectionChannel {
 public:
  // Prepares `scratch`. It and `counters` must outlive the channel.
  static Result<std::unique_ptr<RuleChannel>> make(std::shared_ptr<const signatures::RuleSet> rules,
                                                   const Limits& limits,
                                                   signatures::PatternScratch& scratch,
                                                   DetectCounters& counters);

  void on_block(const TextBlock& block) noexcept override;
  void on_end() noexcept override;
  [[nodiscard]] bool has_news() const noexcept override { return news_; }
  void collect(std::vector<Evidence>& out) override;
  void reset() noexcept override;

 private:
  // A part of a piece that matches not yet confirmed may stand in.
  struct Place {
    uint64_t begin = 0;  // in all text
    uint64_t end = 0;
    uint64_t offset = 0;
    bool continues = false;  // it is not the first part of its piece
    std::string path;
  };
  struct Found {
    uint64_t begin;
    uint64_t value;
    uint32_t rule;
    double score;
    uint64_t offset;
    std::string where;
    std::string excerpt;
    std::string field;  // environment
  };

  RuleChannel(std::shared_ptr<const signatures::RuleSet> rules, const Limits& limits,
              signatures::PatternScratch& scratch, DetectCounters& counters);
  void take_hits() noexcept;
  void keep(const signatures::RuleHit& hit) noexcept;
  void keep_environment(const signatures::RuleHit& hit,
                        const signatures::ContentRule& rule) noexcept;
  [[nodiscard]] const Place* place_at(uint64_t end) const noexcept;
  void remember_places(const TextBlock& block) noexcept;
  void count() noexcept;

  std::shared_ptr<const signatures::RuleSet> rules_;
  size_t max_found_;
  size_t max_excerpt_;
  signatures::PatternScratch& scratch_;
  DetectCounters& counters_;
  signatures::RuleScanner scanner_;
  std::vector<signatures::RuleHit> hits_;  // of one block
  std::vector<Place> places_;              // ascending; the first place_count_ are in use
  size_t place_count_ = 0;
  std::vector<Found> found_;
  bool news_ = false;
  uint64_t counted_candidates_ = 0;
  uint64_t counted_dropped_ = 0;
};

}  // namespace weir::inspect
