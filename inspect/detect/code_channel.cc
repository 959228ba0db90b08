// What the index knows of a request's text is gathered as hits, and spans of protected files are
// made of them. code_reader.h reads the text, critical_search.h looks for critical lines.
#include "inspect/detect/code_channel.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inspect/detect/code_pieces.h"
#include "inspect/detect/code_reader.h"
#include "inspect/detect/code_spans.h"
#include "inspect/detect/critical_search.h"
#include "inspect/detect/drip_memory.h"
#include "signatures/fingerprint/index_probe.h"

namespace weir::inspect {
namespace {

using signatures::CodeIndex;
using signatures::IndexProbe;
using signatures::Postings;

constexpr size_t kBatch = 1024;
constexpr double kCriticalScore = 0.99;

// Hits; of code that is sent as it is, about a hundred lines.
constexpr size_t kMuch = 512;

class CodeChannel final : public DetectionChannel {
 public:
  CodeChannel(std::shared_ptr<const CodeIndex> index, const Limits& limits,
              signatures::PatternScratch& scratch, CodeCounters* counters,
              const CodeOptions& options)
      : index_(std::move(index)),
        probe_(*index_),
        limits_(limits),
        counters_(counters == nullptr ? own_counters_ : *counters),
        critical_(probe_, limits_, scratch, counters_),
        reader_(probe_, limits_, counters_, critical_, options.shapes),
        options_(options) {}

  void on_request(const RequestContext& context) noexcept override {
    if (options_.drips == nullptr) return;
    sender_ = options_.drips->sender_id(context.client, context.host);
    time_ = context.time;
  }

  void on_block(const TextBlock& block) noexcept override {
    pieces_.begin_block(block.pieces);
    for (size_t i = 0; i < block.pieces.size(); ++i) {
      const PieceMark& piece = block.pieces[i];
      if (!piece.continues || piece.gap_before || !reader_.in_piece()) {
        reader_.end_piece(pieces_.current());
        reader_.begin_piece();
        first_line_ = reader_.text_line();
      }
      pieces_.enter(i, first_line_);
      reader_.feed(block.text.subspan(piece.begin, piece.end - piece.begin), pieces_.current());
      if (reader_.hashes().size() >= kBatch) flush();
    }
    flush();
    pieces_.end_block(reader_.in_piece());
  }

  void on_end() noexcept override {
    reader_.end_piece(pieces_.current());
    flush();
    ended_ = true;
  }

  [[nodiscard]] bool has_news() const noexcept override {
    if (critical_.hits().size() > collected_critical_) return true;
    if (ended_ && !added_up_ && sender_ && !hits_.empty()) return true;
    return hits_.size() >= 2 && notably_more_hits();
  }

  void collect(std::vector<Evidence>& out) override {
    collected_critical_ = critical_.hits().size();
    size_t told = 0;
    for (const CriticalSearch::Group& group : critical_.groups(limits_.evidence_per_request)) {
      out.push_back(critical_evidence(group));
      ++told;
    }
    if (ended_ || notably_more_hits()) {
      const bool add_up = ended_ && !added_up_ && sender_;
      std::vector<WeakFile> weak;
      spans_ = find_spans(probe_, hits_, reader_.lines(), options_.least_score,
                          add_up ? &weak : nullptr, ended_ ? options_.watch : nullptr);
      if (add_up) add_up_over_requests(weak);
      collected_hits_ = hits_.size();
      counters_.span_searches.add();
    }
    for (const CodeSpan& span : spans_) {
      if (told == limits_.evidence_per_request) break;
      const auto file = probe_.file(span.file);
      if (!file) continue;
      Evidence evidence = evidence_at(span.text_line, span.head, *file);
      evidence.rule = span.shape ? "shape" : "text";
      evidence.title = "protected source code";
      evidence.first_line = span.first_line;
      evidence.last_line = span.last_line;
      evidence.lines = span.lines;
      evidence.score = span.score;
      out.push_back(std::move(evidence));
      ++told;
    }
    for (const Evidence& drip : drips_) {
      if (told++ == limits_.evidence_per_request) break;
      out.push_back(drip);
    }
  }

  void reset() noexcept override {
    reader_.reset();
    critical_.reset();
    pieces_.reset();
    hits_.clear();
    spans_.clear();
    drips_.clear();
    sender_.reset();
    added_up_ = false;
    first_line_ = 0;
    ended_ = thinned_out_ = false;
    collected_hits_ = collected_critical_ = 0;
  }

 private:
  // While text still comes, reading all hits again pays only then; a critical line is no reason.
  // Where much is told already, more of it can wait for longer.
  [[nodiscard]] bool notably_more_hits() const noexcept {
    if (ended_) return hits_.size() > collected_hits_;
    const bool much = !spans_.empty() && collected_hits_ >= kMuch;
    return hits_.size() >= collected_hits_ + 2 + collected_hits_ / (much ? 2 : 8);
  }

  void flush() {
    probe_.confirm(reader_.hashes(), [this](size_t i, const Postings& found) {
      take(reader_.origins()[i], reader_.hashes()[i], found);
    });
    reader_.clear_hashes();
    const size_t known = critical_.hits().size();
    critical_.scan(reader_.text_line(), pieces_.current());
    for (size_t i = known; i < critical_.hits().size(); ++i) {
      pieces_.remember(critical_.hits()[i].piece);
    }
  }

  void take(const CodeReader::Origin& asked, uint64_t hash, const Postings& found) {
    counters_.hits.add();
    for (uint32_t i = 0; i < found.count(); ++i) {
      if (hits_.size() >= limits_.fingerprint_hits && !thin_out()) {
        counters_.hits_dropped.add();
        return;
      }
      // Written where it stays: what is put together elsewhere and copied has to wait.
      CodeHit& hit = hits_.emplace_back();
      hit.text_line = asked.text_line;
      hit.global_line = found.line(i);
      hit.size = asked.size;
      hit.id = static_cast<uint32_t>(hash >> 16);
      hit.files = static_cast<uint8_t>(std::min<uint32_t>(found.files(), 255));
      hit.rarity = static_cast<uint8_t>(found.rarity());
      hit.kind = asked.kind;
      hit.head = masked_head(asked.head);
    }
    pieces_.remember(asked.piece);
  }

  // At the limit: repeats go first (agents send the same text again and again), then the files that
  // have fewest hits, until a quarter is free. False when that is not to be had.
  bool thin_out() {
    if (thinned_out_) return false;
    const size_t before = hits_.size();
    hits_ = thinned(probe_, std::move(hits_), limits_.fingerprint_hits / 4 * 3);
    counters_.hits_dropped.add(before - hits_.size());
    thinned_out_ = hits_.size() > limits_.fingerprint_hits / 4 * 3;
    collected_hits_ = std::min(collected_hits_, hits_.size());
    return !thinned_out_ && hits_.size() < limits_.fingerprint_hits;
  }

  // Once a request, at its end.
  void add_up_over_requests(const std::vector<WeakFile>& weak) {
    added_up_ = true;
    const DripCounters counters{counters_.drip_files, counters_.drip_files_replaced,
                                counters_.drip_lines_dropped};
    for (const WeakFile& found : weak) {
      const auto file = probe_.file(found.file);
      const auto drip = options_.drips->add(*sender_, options_.number, time_, found, counters);
      if (!file || !drip || found.hits.empty()) continue;
      counters_.drips.add();
      const CodeHit& hit = found.hits.front();
      Evidence evidence = evidence_at(hit.text_line, hit.head, *file);
      evidence.rule = "drip";
      evidence.title = "protected source code, a little in each of " +
                       std::to_string(drip->requests) + " requests";
      evidence.first_line = drip->first_line - file->first_line + 1;
      evidence.last_line = drip->last_line - file->first_line + 1;
      evidence.lines = drip->lines;
      evidence.score = drip->score;
      drips_.push_back(std::move(evidence));
    }
  }

  Evidence critical_evidence(const CriticalSearch::Group& group) const {
    Evidence evidence = evidence_at(group.first.text_line, group.first.head, group.file);
    evidence.rule = "critical";
    evidence.title = "line of a critical file";
    evidence.first_line = group.first.global_line - group.file.first_line + 1;
    evidence.last_line = group.last_line - group.file.first_line + 1;
    evidence.lines = group.lines;
    evidence.score = kCriticalScore;
    return evidence;
  }

  [[nodiscard]] Evidence evidence_at(uint32_t text_line, const std::array<char, 3>& head,
                                     const signatures::IndexedFile& file) const {
    Evidence evidence;
    evidence.kind = EvidenceKind::kCode;
    evidence.repository = file.repository;
    evidence.path = file.path;
    if (const CodePieces::Piece* piece = pieces_.at(text_line); piece != nullptr) {
      evidence.where = piece->path;
      evidence.offset = piece->offset;
    }
    evidence.excerpt = std::string(head.data(), head.size()) + "…";
    return evidence;
  }

  std::shared_ptr<const CodeIndex> index_;
  IndexProbe probe_;
  const Limits limits_;
  CodeCounters own_counters_;
  CodeCounters& counters_;
  CriticalSearch critical_;
  CodeReader reader_;
  CodeOptions options_;
  CodePieces pieces_;
  uint32_t first_line_ = 0;  // of the current piece
  bool ended_ = false;
  bool thinned_out_ = false;
  std::vector<CodeHit> hits_;
  std::vector<CodeSpan> spans_;
  std::optional<uint64_t> sender_;  // of the request, where it is known and matters
  Timestamp time_{};
  bool added_up_ = false;
  std::vector<Evidence> drips_;
  size_t collected_hits_ = 0;  // size of hits_ when spans_ were found
  size_t collected_critical_ = 0;
};

}  // namespace

std::unique_ptr<DetectionChannel> make_code_channel(std::shared_ptr<const CodeIndex> index,
                                                    const Limits& limits,
                                                    signatures::PatternScratch& scratch) {
  return std::make_unique<CodeChannel>(std::move(index), limits, scratch, nullptr, CodeOptions{});
}

std::unique_ptr<DetectionChannel> make_code_channel(std::shared_ptr<const CodeIndex> index,
                                                    const Limits& limits,
                                                    signatures::PatternScratch& scratch,
                                                    CodeCounters& counters,
                                                    const CodeOptions& options) {
  return std::make_unique<CodeChannel>(std::move(index), limits, scratch, &counters, options);
}

}  // namespace weir::inspect
