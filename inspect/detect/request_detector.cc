// See request_detector.h.
#include "inspect/detect/request_detector.h"

#include <algorithm>
#include <utility>

#include "inspect/detect/content_path.h"
#include "inspect/detect/digest_channel.h"
#include "inspect/detect/environment_channel.h"
#include "inspect/detect/marks_channel.h"
#include "inspect/detect/names_channel.h"
#include "inspect/detect/rule_channel.h"

namespace weir::inspect {

namespace {

void count_rise(Counter& counter, uint64_t& known, uint64_t now) noexcept {
  if (now <= known) return;
  counter.add(now - known);
  known = now;
}

}  // namespace

RequestDetector::RequestDetector(std::vector<std::unique_ptr<DetectionChannel>> channels,
                                 uint32_t min_lines, const Limits& limits, DetectCounters* counters)
    : channels_(std::move(channels)),
      min_lines_(min_lines),
      max_evidence_(limits.evidence_per_request),
      counters_(counters != nullptr ? counters : &own_counters_),
      blocks_(limits, *this) {}

Result<std::unique_ptr<RequestDetector>> RequestDetector::make(
    std::shared_ptr<const DetectorSet> set, const Limits& limits,
    signatures::PatternScratch& scratch, DetectCounters* counters, CodeCounters* code_counters) {
  auto detector = std::make_unique<RequestDetector>(
      std::vector<std::unique_ptr<DetectionChannel>>{}, set->min_lines, limits, counters);
  if (set->rules != nullptr && set->rules->size() > 0) {
    auto rules = RuleChannel::make(set->rules, limits, scratch, *detector->counters_);
    if (!rules) return rules.error();
    detector->channels_.push_back(std::move(rules).value());
    if (set->environment) {
      detector->channels_.push_back(
          make_environment_channel(set->rules, limits, *detector->counters_, set->accounts));
      detector->channels_.push_back(
          make_marks_channel(set->templates, limits, *detector->counters_));
    }
  }
  CodeCounters& code = code_counters != nullptr ? *code_counters : detector->own_code_counters_;
  CodeOptions options = set->code;
  for (const auto& index : set->indexes) {
    detector->channels_.push_back(make_code_channel(index, limits, scratch, code, options));
    ++options.number;
    if (auto digests = make_digest_channel(index, limits, *detector->counters_)) {
      detector->channels_.push_back(std::move(digests));
    }
    if (auto names = make_names_channel(index, limits, scratch, *detector->counters_)) {
      detector->channels_.push_back(std::move(names));
    }
  }
  return detector;
}

void RequestDetector::begin() noexcept {
  blocks_.begin();
  for (const auto& channel : channels_) channel->reset();
  counted_bytes_ = 0;
  few_lines_ = 0;
  over_limit_ = 0;
  names_beside_code_ = 0;
  counters_->requests.add();
}

void RequestDetector::describe(const RequestContext& context) noexcept {
  for (const auto& channel : channels_) channel->on_request(context);
}

void RequestDetector::on_piece(const PieceStart& start) noexcept { blocks_.on_piece(start); }
void RequestDetector::on_text(ByteSpan text) noexcept { blocks_.on_text(text); }
void RequestDetector::on_piece_end(EndReason reason) noexcept { blocks_.on_piece_end(reason); }

void RequestDetector::on_block(const TextBlock& block) noexcept {
  counters_->blocks.add();
  count_rise(counters_->text_bytes, counted_bytes_, blocks_.text_bytes());
  for (const auto& channel : channels_) channel->on_block(block);
}

bool RequestDetector::has_news() const noexcept {
  return std::any_of(channels_.begin(), channels_.end(),
                     [](const auto& channel) { return channel->has_news(); });
}

void RequestDetector::flush() noexcept { blocks_.flush(); }

void RequestDetector::finish() noexcept {
  blocks_.flush();
  for (const auto& channel : channels_) channel->on_end();
}

// Where code of a repository was found, its names in the same request tell nothing more.
void RequestDetector::drop_names_beside_code(std::vector<Evidence>& out, size_t first) noexcept {
  const auto begin = out.begin() + static_cast<ptrdiff_t>(first);
  const auto beside_code = [&](const Evidence& name) {
    return name.kind == EvidenceKind::kName &&
           std::any_of(begin, out.end(), [&name](const Evidence& code) {
             return code.kind == EvidenceKind::kCode && code.repository == name.repository;
           });
  };
  // Marked first: what remove_if moves away could no longer be asked.
  for (auto one = begin; one != out.end(); ++one) {
    if (beside_code(*one)) one->score = -1;
  }
  const auto kept =
      std::remove_if(begin, out.end(), [](const Evidence& one) { return one.score < 0; });
  count_rise(counters_->names_beside_code, names_beside_code_,
             static_cast<uint64_t>(out.end() - kept));
  out.erase(kept, out.end());
}

void RequestDetector::collect(std::vector<Evidence>& out) {
  const auto first = static_cast<ptrdiff_t>(out.size());
  for (const auto& channel : channels_) channel->collect(out);
  merge_environment(out, static_cast<size_t>(first));
  for (auto one = out.begin() + first; one != out.end(); ++one)
    one->where = masked_path(one->where);
  // A file may be sent in parts, as a completion request does: its lines are summed up.
  const auto enough = [&](const Evidence& evidence) {
    uint64_t lines = 0;
    for (auto one = out.begin() + first; one != out.end() && lines < min_lines_; ++one) {
      const bool same = one->kind == EvidenceKind::kCode && one->rule != "critical" &&
                        one->repository == evidence.repository && one->path == evidence.path;
      lines += same ? one->lines : 0;
    }
    return lines >= min_lines_;
  };
  // Marked first: what remove_if moves away could no longer be asked.
  for (auto one = out.begin() + first; one != out.end(); ++one) {
    const bool code = one->kind == EvidenceKind::kCode && one->rule != "critical";
    if (code && one->lines < min_lines_ && !enough(*one)) one->score = -1;
  }
  const auto weak = [](const Evidence& evidence) { return evidence.score < 0; };
  const auto kept = std::remove_if(out.begin() + first, out.end(), weak);
  count_rise(counters_->few_lines, few_lines_, static_cast<uint64_t>(out.end() - kept));
  out.erase(kept, out.end());
  drop_names_beside_code(out, static_cast<size_t>(first));
  const size_t found = out.size() - static_cast<size_t>(first);
  if (found <= max_evidence_) return;
  std::stable_sort(out.begin() + first, out.end(),
                   [](const Evidence& a, const Evidence& b) { return a.score > b.score; });
  count_rise(counters_->evidence_over_limit, over_limit_, found - max_evidence_);
  out.erase(out.begin() + first + static_cast<ptrdiff_t>(max_evidence_), out.end());
}

}  // namespace weir::inspect
