#include "signatures/fingerprint/critical_lines.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "signatures/fingerprint/index_format.h"
#include "signatures/literal_set.h"

namespace weir::signatures {

void CriticalLines::add(uint64_t hash, CriticalCandidate candidate) {
  if (filter_.empty()) filter_.resize(kSlots / 64);
  filter_[slot(hash) / 64] |= uint64_t{1} << (slot(hash) % 64);
  const auto [at, fresh] = candidates_.try_emplace(hash);
  // Of equal lines the first is kept, whatever order files were read in.
  if (fresh || std::tie(candidate.file, candidate.line) <
                   std::tie(at->second.line.file, at->second.line.line)) {
    at->second.line = std::move(candidate);
  }
}

Result<std::vector<uint8_t>> CriticalLines::section(const std::vector<uint32_t>& first_lines,
                                                    uint64_t& lines) {
  std::vector<const CriticalCandidate*> chosen;
  for (const auto& [hash, kept] : candidates_) {
    if (kept.rare) chosen.push_back(&kept.line);
  }
  std::sort(chosen.begin(), chosen.end(), [](const auto* a, const auto* b) {
    const auto rank = [](const CriticalCandidate& c) {
      return std::min<size_t>(c.distinctive, 40) * 2 + std::min<size_t>(c.normalised.size(), 60);
    };
    if (rank(*a) != rank(*b)) return rank(*a) > rank(*b);
    return std::tie(a->file, a->line) < std::tie(b->file, b->line);
  });
  if (chosen.size() > kCriticalBudget) chosen.resize(kCriticalBudget);
  std::sort(chosen.begin(), chosen.end(), [](const auto* a, const auto* b) {
    return std::tie(a->file, a->line) < std::tie(b->file, b->line);
  });
  lines = chosen.size();
  std::vector<std::pair<uint32_t, std::string_view>> kept;
  for (const CriticalCandidate* line : chosen) {
    kept.emplace_back(first_lines[line->file] + line->line, line->normalised);
  }
  return critical_section(kept);
}

Result<std::vector<uint8_t>> critical_section(
    const std::vector<std::pair<uint32_t, std::string_view>>& lines) {
  std::vector<uint8_t> out;
  if (lines.empty()) return out;
  std::vector<Literal> literals;
  put32(out, static_cast<uint32_t>(lines.size()));
  for (const auto& [line, text] : lines) {
    literals.push_back({static_cast<uint32_t>(literals.size()), text});
    put32(out, line);
    put32(out, static_cast<uint32_t>(text.size()));
    out.insert(out.end(), text.begin(), text.end());
  }
  const Result<LiteralSet> set = LiteralSet::compile(literals);
  if (!set) return set.error();
  const Result<std::vector<uint8_t>> compiled = set->serialise();
  if (!compiled) return compiled.error();
  put32(out, static_cast<uint32_t>(compiled->size()));
  out.insert(out.end(), compiled->begin(), compiled->end());
  return out;
}

}  // namespace weir::signatures
