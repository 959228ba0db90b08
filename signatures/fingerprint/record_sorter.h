// Sorts more records than fit in memory: full buffers go sorted to unnamed temporary files, which
// are merged at the end. The result does not depend on how often that happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/result.h"

namespace weir::signatures {

// A fingerprint and where it stands.
struct PlacedHash {
  uint64_t hash = 0;
  uint32_t file = 0;
  uint32_t place = 0;  // line in the file, from 0, times 2^kRarityBits, plus rarity
  friend bool operator<(const PlacedHash& a, const PlacedHash& b) noexcept {
    if (a.hash != b.hash) return a.hash < b.hash;
    return a.file != b.file ? a.file < b.file : a.place < b.place;
  }
  friend bool operator==(const PlacedHash&, const PlacedHash&) noexcept = default;
};

// An unnamed temporary file that is written once and then read from the start.
class SpoolFile {
 public:
  static Result<SpoolFile> create(const std::string& directory);
  SpoolFile(SpoolFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  SpoolFile& operator=(SpoolFile&& other) noexcept;
  ~SpoolFile();
  [[nodiscard]] Status append(const void* bytes, size_t size);
  // Fills as much of the buffer as there is, from `offset`; returns the bytes read.
  Result<size_t> read(uint64_t offset, void* bytes, size_t size) const;

 private:
  explicit SpoolFile(int fd) noexcept : fd_(fd) {}
  int fd_;
};

class RecordSorter {
 public:
  // At least 64 KiB of `memory` are used.
  RecordSorter(std::string directory, uint64_t memory);
  [[nodiscard]] Status add(const PlacedHash& record) {
    buffer_.push_back(record);
    return buffer_.size() < capacity_ ? ok_status() : spill();
  }
  [[nodiscard]] uint64_t size() const noexcept { return spilled_ + buffer_.size(); }
  [[nodiscard]] size_t runs() const noexcept { return runs_.size(); }
  // Calls `each` with all records in order; then the sorter is empty. `each` may refuse.
  [[nodiscard]] Status drain(const std::function<Status(const PlacedHash&)>& each);

 private:
  struct Run {
    SpoolFile file;
    uint64_t records;
  };
  Status spill();

  std::string directory_;
  size_t capacity_;
  std::vector<PlacedHash> buffer_;
  std::vector<Run> runs_;
  uint64_t spilled_ = 0;
};

}  // namespace weir::signatures
