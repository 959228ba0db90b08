// Sorts the records of several threads, more than fit in memory. Hashes are spread evenly, so
// records are parted by their high bits as they come, each part in chunks of one arena a writer,
// and each part is sorted alone at the end: no merge of runs. A full arena goes to a file, part by
// part. The order does not depend on threads or memory. A part that is too large for the memory
// (one hash in very many places) goes through a RecordSorter.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
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
    return add_each(writer, 1, [&record](size_t) { return record; });
  }
  // The records make(0) to make(count - 1).
  template <typename Make>
  [[nodiscard]] Status add_each(uint32_t writer, size_t count, Make&& make) {
    Writer& to = writers_[writer];
    for (size_t i = 0; i < count; ++i) {
      const PlacedHash record = make(i);
      Head& head = to.heads[part_of(record)];
      if (head.at == head.end) {
        if (Status done = grow(to, head); !done) return done;
      }
      *head.at++ = record;
    }
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
  static constexpr uint32_t kNoChunk = 0xffffffff;
  // The chunk of a part that is being filled; those before it are full.
  struct Head {
    PlacedHash* at = nullptr;
    PlacedHash* end = nullptr;
    uint32_t chunk = kNoChunk;
    uint32_t chunks = 0;
  };
  struct Free {
    void operator()(PlacedHash* arena) const noexcept { std::free(arena); }
  };
  struct Writer {
    std::array<Head, kParts> heads;
    std::unique_ptr<PlacedHash, Free> arena;  // chunks_ * chunk_ records, touched as they come
    std::vector<uint32_t> before;             // of each chunk: the one before it in its part
    size_t used = 0;                          // chunks
    std::vector<SpoolFile> spool;             // none or one
    std::vector<Run> runs;
    uint64_t spooled = 0;  // bytes
  };
  struct Part {
    std::vector<PlacedHash> records;
    std::vector<PlacedHash> scratch;
    Status status = ok_status();
  };
  static constexpr unsigned kPartBits = 8;
  static_assert(kParts == size_t{1} << kPartBits);
  static size_t part_of(const PlacedHash& record) noexcept {
    return record.hash >> (64 - kPartBits);
  }
  Status grow(Writer& writer, Head& head);
  Status spill(Writer& writer);
  [[nodiscard]] uint64_t held(const Head& head) const noexcept;
  // Calls each(span) for the chunks of a part in memory.
  template <typename Take>
  Status each_chunk(const Writer& writer, size_t part, Take&& take) const;
  [[nodiscard]] uint64_t size_of(size_t part) const noexcept;
  // Calls each(span) for the pieces of one part, in no order.
  template <typename Take>
  Status gather(size_t part, Take&& take) const;
  Status drain_large(size_t part, const Each& each) const;
  void load(size_t part, Part& out) const;
  // Records that a part may have, with so many in the making.
  [[nodiscard]] uint64_t largest(size_t ahead) const noexcept;

  std::string directory_;
  uint64_t memory_;
  size_t chunk_;   // records in a chunk
  size_t chunks_;  // that a writer has
  std::vector<Writer> writers_;
};

}  // namespace weir::signatures
