#include "inspect/detect/names_channel.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/names_reader.h"

namespace weir::inspect {
namespace {

using signatures::DistinctName;
using signatures::DistinctNames;

// A name that looks as distinctive as this by itself (name_score) counts in full.
constexpr double kFullScore = 90;
constexpr double kLeastWeight = 0.5;
// One name, and how doubt shrinks with each further one: 0.3, 0.58, 0.75, 0.85, 0.91 …
constexpr double kDoubtOfOne = 0.7;
constexpr double kDoubtShrinks = 0.6;
constexpr double kMostSure = 0.98;

static_assert(signatures::kNameMax + 1 <= kLookBehind, "the byte before a name must be in memory");

class NamesChannel final : public DetectionChannel {
 public:
  NamesChannel(std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
               signatures::PatternScratch& scratch, DetectCounters& counters)
      : index_(std::move(index)),
        names_(index_->names()),
        probe_(*index_),
        limits_(limits),
        scratch_(scratch),
        counters_(counters),
        seen_(names_.names.size(), false) {
    ready_ = scratch_.prepare(names_.set->database()).has_value() &&
             stream_.open(*names_.set).has_value();
    if (!ready_) counters_.scan_failures.add();
  }

  void on_block(const TextBlock& block) noexcept override;
  void on_end() noexcept override { settle(true); }
  [[nodiscard]] bool has_news() const noexcept override { return news_; }
  void collect(std::vector<Evidence>& out) override;
  void reset() noexcept override {
    if (ready_) stream_.reset();
    for (const Found& one : found_) seen_[one.name] = false;
    found_.clear();
    waiting_.clear();
    path_.clear();
    offset_ = position_ = 0;
    news_ = false;
  }

 private:
  struct Found {
    uint32_t name;
    uint64_t offset;
    std::string where;
  };
  // The names that end with the text so far: whether they end there depends on the next byte.
  void settle(bool ends) noexcept {
    for (const uint32_t name : waiting_) {
      if (ends) keep(name, path_, offset_);
    }
    waiting_.clear();
  }
  void keep(uint32_t name, const std::string& where, uint64_t offset) noexcept {
    if (seen_[name]) return;
    seen_[name] = true;
    counters_.names_found.add();
    found_.push_back({name, offset, where});  // at most as many as there are names
    news_ = true;
  }
  [[nodiscard]] Evidence evidence_of(const std::vector<const Found*>& names) const;

  std::shared_ptr<const signatures::CodeIndex> index_;
  const DistinctNames& names_;
  signatures::IndexProbe probe_;
  const Limits& limits_;
  signatures::PatternScratch& scratch_;
  DetectCounters& counters_;
  signatures::LiteralStream stream_;
  bool ready_ = false;
  std::vector<bool> seen_;
  std::vector<Found> found_;
  std::vector<uint32_t> waiting_;
  std::string path_;  // of the piece that was read last
  uint64_t offset_ = 0;
  uint64_t position_ = 0;  // in all text
  bool news_ = false;
};

void NamesChannel::on_block(const TextBlock& block) noexcept {
  if (!ready_ || block.text.empty()) return;
  settle(!signatures::is_name_byte(block.text.front()));
  const uint64_t begin = position_;
  position_ += block.text.size();
  auto on_hit = [&](uint32_t id, uint64_t end) noexcept {
    if (id >= names_.names.size() || seen_[id] || end <= begin || end > position_) return;
    const auto at = static_cast<size_t>(end - begin);  // one past the name, in this block
    const size_t size = names_.names[id].text.size();
    // The byte before the name, if there is one.
    if (end > size) {
      if (size + 1 > at + block.look_behind) return;
      const uint8_t* const first = block.text.data() + at - size;
      if (signatures::is_name_byte(first[-1])) return;
    }
    if (at == block.text.size()) {
      waiting_.push_back(id);
      return;
    }
    if (signatures::is_name_byte(block.text[at])) return;
    const auto piece = std::find_if(block.pieces.begin(), block.pieces.end(),
                                    [at](const PieceMark& mark) { return mark.end >= at; });
    if (piece == block.pieces.end()) {
      keep(id, path_, offset_);
    } else {
      keep(id, piece->path, piece->offset);
    }
  };
  if (stream_.scan(scratch_, block.text, on_hit) != signatures::ScanStatus::kOk) {
    counters_.scan_failures.add();
  }
  if (!block.pieces.empty()) {
    path_ = block.pieces.back().path;
    offset_ = block.pieces.back().offset;
  }
}

Evidence NamesChannel::evidence_of(const std::vector<const Found*>& names) const {
  double weight = 0;
  for (const Found* one : names) {
    const double own = signatures::name_score(names_.names[one->name].text);
    weight += std::clamp(own / kFullScore, kLeastWeight, 1.0);
  }
  const DistinctName& first = names_.names[names.front()->name];
  Evidence evidence;
  evidence.kind = EvidenceKind::kName;
  evidence.rule = "name";
  evidence.title = names.size() == 1 ? "a distinctive name"
                                     : std::to_string(names.size()) + " distinctive names";
  if (const auto file = probe_.file(first.file)) {
    evidence.repository = file->repository;
    evidence.path = file->path;
  }
  const double doubt = weight <= 1 ? 1 - (1 - kDoubtOfOne) * weight
                                   : kDoubtOfOne * std::pow(kDoubtShrinks, weight - 1);
  evidence.score = std::min(kMostSure, 1 - doubt);
  evidence.where = names.front()->where;
  evidence.offset = names.front()->offset;
  evidence.excerpt = first.text.substr(0, 3) + "***";
  if (evidence.excerpt.size() > limits_.excerpt_bytes) {
    evidence.excerpt.resize(limits_.excerpt_bytes);
  }
  return evidence;
}

void NamesChannel::collect(std::vector<Evidence>& out) {
  std::vector<std::pair<uint32_t, std::vector<const Found*>>> by_repository;
  for (const Found& one : found_) {
    const uint32_t repository = names_.names[one.name].repository;
    auto group = std::find_if(by_repository.begin(), by_repository.end(),
                              [repository](const auto& g) { return g.first == repository; });
    if (group == by_repository.end()) {
      group = by_repository.insert(group, {repository, {}});
    }
    group->second.push_back(&one);
  }
  for (const auto& [repository, names] : by_repository) out.push_back(evidence_of(names));
  news_ = false;
}

}  // namespace

std::unique_ptr<DetectionChannel> make_names_channel(
    std::shared_ptr<const signatures::CodeIndex> index, const Limits& limits,
    signatures::PatternScratch& scratch, DetectCounters& counters) {
  if (!index->names().set) return nullptr;
  return std::make_unique<NamesChannel>(std::move(index), limits, scratch, counters);
}

}  // namespace weir::inspect
