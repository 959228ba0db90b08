// The lines of critical files in the text of a request: literals searched for in all normalised
// text, wherever in a line they stand. One such line is evidence.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/detect/code_counters.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/literal_set.h"
#include "signatures/pattern_database.h"

namespace weir::inspect {

class CriticalSearch {
 public:
  struct Hit {
    uint32_t text_line = 0;
    uint32_t global_line = 0;
    std::array<char, 3> head{};  // masked
    int32_t piece = 0;           // CodePieces::current when its line ended
  };
  // Lines near one another in one file are told together.
  struct Group {
    Hit first;
    signatures::IndexedFile file;
    uint32_t last_line = 0;  // global
    uint32_t lines = 0;      // different ones
  };

  // `scratch` is prepared here; all of them must outlive the search.
  CriticalSearch(const signatures::IndexProbe& index, const Limits& limits,
                 signatures::PatternScratch& scratch, CodeCounters& counters);

  // Normalised text: `bytes` end at position `total` of the request; what was kept before is
  // skipped.
  void keep(ByteSpan bytes, uint64_t total) {
    if (usable_) keep_fresh(bytes, total);
  }
  // A line ends at position `end`.
  void end_line(uint64_t end, uint32_t text_line, int32_t piece) {
    if (usable_) lines_.push_back({position_ + text_.size() - (next_ - end), text_line, piece});
  }
  void end_piece();
  // Searches what was kept; the hits it adds are those from the size before on. `text_line` and
  // `piece` are those of the line that is open.
  void scan(uint32_t text_line, int32_t piece);
  [[nodiscard]] const std::vector<Hit>& hits() const noexcept { return hits_; }
  // At most `most` of them. Sorts the hits.
  [[nodiscard]] std::vector<Group> groups(size_t most);
  void reset() noexcept;

 private:
  struct LineEnd {  // in the stream of the search
    uint64_t end;
    uint32_t text_line;
    int32_t piece;
  };
  void keep_fresh(ByteSpan bytes, uint64_t total);
  void take(uint32_t id, uint64_t end) noexcept;

  const signatures::IndexProbe& index_;
  const Limits& limits_;
  signatures::PatternScratch& scratch_;
  CodeCounters& counters_;
  signatures::LiteralStream stream_;
  bool usable_ = false;
  std::vector<uint8_t> text_;  // not searched yet
  std::vector<LineEnd> lines_;
  uint64_t position_ = 0;  // of text_ in the stream
  uint64_t next_ = 0;      // position in the request up to which text was kept
  LineEnd open_{};         // of text behind the last line that ended
  std::vector<Hit> hits_;
  std::unordered_set<uint32_t> seen_;  // global lines
};

}  // namespace weir::inspect
