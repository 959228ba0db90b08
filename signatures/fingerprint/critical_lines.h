// Chooses, of the lines of critical files, those that are searched for as literals, and makes the
// section that keeps them. That section holds the lines in clear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result.h"

namespace weir::signatures {

inline constexpr size_t kCriticalBudget = 2000;

struct CriticalCandidate {
  uint32_t file = 0;
  uint32_t line = 0;         // in the file, from 0
  uint32_t distinctive = 0;  // letters
  std::string normalised;
};

// The section: of lines by their global number and normalised text; empty when there are none.
Result<std::vector<uint8_t>> critical_section(
    const std::vector<std::pair<uint32_t, std::string_view>>& lines);

class CriticalLines {
 public:
  void add(uint64_t hash, CriticalCandidate candidate);
  // Told of each line hash that stands in one file alone; the others are never chosen.
  void mark_rare(uint64_t hash) {
    // Told of every fingerprint: nearly all of them are none of these.
    if (candidates_.empty() || (filter_[slot(hash) / 64] >> (slot(hash) % 64) & 1) == 0) return;
    if (const auto found = candidates_.find(hash); found != candidates_.end()) {
      found->second.rare = true;
    }
  }
  // The most distinctive of the rare, at most kCriticalBudget; `first_lines` gives the global
  // number of each file's first line. Empty when there are none.
  Result<std::vector<uint8_t>> section(const std::vector<uint32_t>& first_lines, uint64_t& lines);

 private:
  struct Kept {
    CriticalCandidate line;
    bool rare = false;
  };
  static constexpr size_t kSlots = size_t{1} << 18;
  static size_t slot(uint64_t hash) noexcept { return hash % kSlots; }

  std::unordered_map<uint64_t, Kept> candidates_;
  std::vector<uint64_t> filter_;
};

}  // namespace weir::signatures
