// Finds the patterns that a host name meets, most specific first, without a regular expression and
// without allocation. The name is read once from its end; at each label the part read so far is
// looked up in a flat hash table of pattern tails (reversed labels, in effect). A pattern with a
// `*` inside is kept under its tail without `*` and compared label by label, which few names reach.
// Order: exact name; patterns with `*` inside, the longer literal first; "*.x", the longest first;
// last "*" (any host).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::signatures {

class HostTable {
 public:
  HostTable() = default;
  HostTable(HostTable&&) = default;
  HostTable& operator=(HostTable&&) = default;
  HostTable(const HostTable&) = delete;  // slots point into the patterns
  HostTable& operator=(const HostTable&) = delete;

  // `pattern` must have passed check_host_pattern(). A second pattern of the same text replaces the
  // value of the first; true when it did.
  bool add(std::string_view pattern, uint32_t value);
  // After the last add(), before the first visit().
  void build();
  [[nodiscard]] size_t size() const noexcept { return patterns_.size(); }
  // The value of exactly this pattern; -1 when there is none. Slow.
  [[nodiscard]] int64_t value_of(std::string_view pattern) const noexcept;

  // Calls visit(uint32_t value) for each pattern that `host` (normalised) meets, in order, until it
  // returns true.
  template <typename Visit>
  void visit(std::string_view host, Visit&& visit) const noexcept {
    Hits hits;
    collect(host, hits);
    if (hits.exact >= 0 && visit(static_cast<uint32_t>(hits.exact))) return;
    for (size_t i = 0; i < hits.globs; ++i) {
      if (visit(hits.glob[i])) return;
    }
    for (size_t i = hits.suffixes; i-- > 0;) {
      if (visit(hits.suffix[i])) return;
    }
    if (any_ >= 0) visit(static_cast<uint32_t>(any_));
  }

 private:
  static constexpr size_t kMaxHits = 16;  // patterns of one name; nested deeper ones are left out

  struct Pattern {
    std::string text;
    uint32_t value;
  };
  struct Glob {
    uint32_t pattern;  // index
    uint32_t literals;
  };
  struct Slot {
    uint64_t hash = 0;
    std::string_view name;  // into patterns_; empty: free
    int64_t exact = -1;     // values
    int64_t suffix = -1;
    uint32_t first_glob = 0;
    uint32_t globs = 0;
  };
  struct Hits {
    int64_t exact = -1;
    std::array<uint32_t, kMaxHits> glob{};
    std::array<uint32_t, kMaxHits> suffix{};  // shortest first
    size_t globs = 0;
    size_t suffixes = 0;
  };

  void collect(std::string_view host, Hits& hits) const noexcept;
  void add_globs(const Slot& slot, std::string_view host, Hits& hits) const noexcept;
  [[nodiscard]] const Slot* find(std::string_view tail, uint64_t hash) const noexcept;
  Slot& slot_of(std::string_view tail);

  std::vector<Pattern> patterns_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  std::vector<Glob> globs_;  // of one slot side by side, the most literals first
  int64_t any_ = -1;
};

}  // namespace weir::signatures
