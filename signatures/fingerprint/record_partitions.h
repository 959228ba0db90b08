// Sorts the records of several threads, more than fit in memory. Hashes are spread evenly, so
// records are parted by their high bits as memory fills, and each part is sorted alone at the end:
// no merge of runs. The order does not depend on threads or memory. A part that is too large for
// the memory (one hash in very many places) goes through a RecordSorter.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "signatures/fingerprint/record_sorter.h"

namespace weir::signatures {

class RecordPartitions {
 public:
  static constexpr size_t kParts = 256;  // by the 8 high bits
  using Each = std::function<Status(std::span<const PlacedHash>)>;

  // `memory` is for all writers and for sorting; at least 64 KiB a writer are used.
  RecordPartitions(std::string directory, uint64_t memory, uint32_t writers);
  // Each writer belongs to one thread at a time.
  [[nodiscard]] Status add(uint32_t writer, const PlacedHash& record) {
    Writer& to = writers_[writer];
    if (to.buffer.size() == capacity_) {
      if (Status done = spill(to); !done) return done;
    }
    to.buffer.push_back(record);
    return ok_status();
  }
  // Calls `each` with all records, ascending, in pieces; then there are none. `each` may refuse; it
  // is called by this thread. More threads sort ahead.
  [[nodiscard]] Status drain(uint32_t threads, const Each& each);
  // Times that a writer's memory was full.
  [[nodiscard]] uint64_t spills() const noexcept;

 private:
  using Starts = std::array<uint64_t, kParts + 1>;
  struct Run {
    uint64_t offset;  // in the writer's file
    Starts starts;
  };
  struct Writer {
    std::vector<PlacedHash> buffer;
    Starts starts{};               // of `buffer`, once it is parted
    std::vector<SpoolFile> spool;  // none or one
    std::vector<Run> runs;
    uint64_t spooled = 0;  // bytes
  };
  struct Part {
    std::vector<PlacedHash> records;
    std::vector<PlacedHash> scratch;
    Status status = ok_status();
  };
  Status spill(Writer& writer);
  [[nodiscard]] uint64_t size_of(size_t part) const noexcept;
  // Calls each(span) for the pieces of one part, in no order.
  template <typename Take>
  Status gather(size_t part, Take&& take) const;
  Status drain_large(size_t part, const Each& each) const;
  void load(size_t part, Part& out) const;

  std::string directory_;
  uint64_t memory_;
  size_t capacity_;  // records a writer holds
  std::vector<Writer> writers_;
};

}  // namespace weir::signatures
