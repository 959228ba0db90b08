// Code that leaves drop by drop: a line or two in each of many requests, each of them too little to
// be told. What was found of a protected file in requests of one client to one host is remembered
// for a while and judged together. Each line counts once, so a conversation that is sent again with
// every turn adds nothing. Shared by all workers of a snapshot; safe to call from any. Of bounded
// size: the file that was met the longest ago makes room.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/counters.h"
#include "core/hash.h"
#include "core/ip.h"
#include "core/limits.h"
#include "core/time.h"
#include "inspect/detect/code_score.h"
#include "inspect/detect/code_spans.h"

namespace weir::inspect {

struct DripCounters {
  Counter& kept;
  Counter& replaced;
  Counter& lines_dropped;
};

// Judged together they are enough.
struct Drip {
  uint32_t requests = 0;    // that brought a line which was not known before
  uint32_t first_line = 0;  // global
  uint32_t last_line = 0;
  uint32_t lines = 0;  // different ones
  double score = 0;
};

class DripMemory {
 public:
  // Limits::drip_files, drip_lines, drip_age; no files: nothing is remembered.
  explicit DripMemory(const Limits& limits);

  [[nodiscard]] uint64_t sender_id(const IpAddress& client, std::string_view host) const noexcept;
  // A request of `sender` at `now` holds `found`, of a file of index `index`. Tells what is known
  // when this request added to it and all together is enough.
  std::optional<Drip> add(uint64_t sender, uint32_t index, Timestamp now, const WeakFile& found,
                          const DripCounters& counters);

 private:
  static constexpr size_t kWays = 8;
  static constexpr size_t kShards = 16;

  struct Line {
    uint32_t id = 0;  // CodeHit::id
    uint32_t global_line = 0;
    HitKind kind = HitKind::kLine;
    double weight = 0;
  };
  struct File {
    uint64_t key = 0;  // 0: free
    Timestamp last{};
    uint32_t requests = 0;
    double foreign = 0;  // of all requests
    double density = 0;  // likewise
    std::vector<Line> lines;
  };
  File& file_for(uint64_t key, Timestamp now, const DripCounters& counters);
  static CodeSigns signs_of(const File& file);

  HashKey hash_key_{};
  size_t most_lines_;
  Duration age_;
  size_t buckets_ = 0;
  std::vector<File> files_;  // buckets of kWays
  std::array<std::mutex, kShards> mutexes_;
};

}  // namespace weir::inspect
