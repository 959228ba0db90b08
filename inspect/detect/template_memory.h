// What lines of clients' own prompt text have been seen, over all requests: for a client version
// and a line as it reads, the ways in which it was written and where each went first. Shared by all
// workers of a snapshot; safe to call from any. Of fixed size: the oldest line of a bucket makes
// room, and forgetting only means that a drift is found later.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/counters.h"
#include "core/hash.h"
#include "core/ip.h"

namespace weir::inspect {

// Where a line was seen.
struct TemplateSight {
  std::string_view version;  // client and version: "claude-cli/2.1.330"
  std::string_view place;    // "system"
  std::string_view host;
  IpAddress client{};
};

struct TemplateDrift {
  std::string other;  // the writing that it differs from
  std::string other_host;
  bool other_client = false;  // not the client of this sight
};

struct TemplateObservation {
  std::optional<TemplateDrift> drift;
  // No more writings of the line are kept: what has nothing to tell today is no proof of silence.
  bool crowded = false;
};

struct TemplateCounters {
  Counter& kept;
  Counter& replaced;
  Counter& writings_replaced;
};

class TemplateMemory {
 public:
  // Room for at least `lines`; 0: nothing is remembered.
  explicit TemplateMemory(size_t lines);

  // Whether this very line (as sent) of this sight was seen and had nothing to tell.
  [[nodiscard]] bool known(uint64_t line) const noexcept {
    return !quiet_.empty() &&
           quiet_[line & (quiet_.size() - 1)].load(std::memory_order_relaxed) == line;
  }
  void note_quiet(uint64_t line) noexcept {
    if (!quiet_.empty()) {
      quiet_[line & (quiet_.size() - 1)].store(line, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] uint64_t line_id(const TemplateSight& sight, uint64_t sight_hash,
                                 std::string_view line) const noexcept;
  [[nodiscard]] uint64_t sight_id(const TemplateSight& sight) const noexcept;

  // The line reads `reading` and is written `writing`. Tells of another writing when this is the
  // first request that shows two, and later when this is the odd one of the two: with characters
  // that are not ASCII, or seen from fewer places. Of kWritings the one seen from fewest places
  // makes room for a new one.
  TemplateObservation observe(const TemplateSight& sight, std::string_view reading,
                              std::string_view writing, const TemplateCounters& counters);

 private:
  static constexpr size_t kWays = 4;
  static constexpr size_t kShards = 16;
  static constexpr size_t kWritings = 8;
  static constexpr size_t kMaxText = 200;  // kept of a writing

  struct Writing {
    uint64_t hash = 0;
    uint64_t sights = 0;  // a bit for each of about so many: clients and destinations
    bool ascii = true;
    std::string text;
    std::string host;
    IpAddress client{};
  };
  struct Line {
    uint64_t key = 0;
    uint64_t used = 0;
    std::vector<Writing> writings;
  };

  HashKey hash_key_{};
  size_t buckets_ = 0;
  std::vector<Line> lines_;  // buckets of kWays
  std::array<std::mutex, kShards> mutexes_;
  std::array<uint64_t, kShards> clocks_{};
  std::vector<std::atomic<uint64_t>> quiet_;
};

}  // namespace weir::inspect
