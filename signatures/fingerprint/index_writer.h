// Writes an index file: sections in order with their checksums, then the header, then the name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/new_file.h"
#include "signatures/fingerprint/record_sorter.h"

namespace weir::signatures {

// begin_section (write*) end_section for each, then publish(). Without publish() nothing of it
// stays behind.
class IndexWriter {
 public:
  static Result<IndexWriter> create(const std::string& path);

  [[nodiscard]] Status begin_section(Section section);
  [[nodiscard]] Status write(ByteSpan bytes);
  void end_section();
  [[nodiscard]] Status section(Section which, ByteSpan bytes);
  // Checksums, header, to the disk, and only then under its name.
  [[nodiscard]] Status publish();

  IndexHeader header;

 private:
  explicit IndexWriter(NewFile file) : file_(std::move(file)) { block_.reserve(kChecksumBlock); }
  Status flush_block();

  NewFile file_;
  uint64_t position_ = kHeaderBytes;
  Section current_ = Section::kCount;
  std::vector<uint8_t> block_;  // of kChecksumBlock, counted from the end of the header
  std::vector<uint8_t> sums_;
};

// Takes fingerprints in ascending order of hash and writes kEntries as they come, then kHashTails,
// kBuckets, kBloom, kPostings. Nothing else may be written to `out` before finish().
class TableWriter {
 public:
  // Keeps 8 bytes a fingerprint; more than `memory` of them go to a temporary file in `directory`.
  TableWriter(IndexWriter& out, std::string directory, uint64_t memory = 1 << 20);
  // Global lines, ascending; `files` of them. At most 0xffff lines.
  [[nodiscard]] Status add(uint64_t hash, std::span<const uint32_t> lines, uint32_t files,
                           uint32_t rarity);
  [[nodiscard]] uint64_t size() const noexcept { return count_; }
  [[nodiscard]] Status finish();

 private:
  static constexpr size_t kHashesAtOnce = size_t{1} << 16;
  Status flush_entries();
  Status next_block();
  Status write_tails(size_t bytes);
  template <typename Visit>
  Status each_hash(Visit&& visit) const;

  IndexWriter& out_;
  std::string directory_;
  size_t most_blocks_;
  Status status_;
  uint64_t count_ = 0;
  size_t filled_ = 0;             // bytes of entries_
  std::vector<uint8_t> entries_;  // not written yet
  // Hashes that are not spilled: blocks of kHashesAtOnce, all but the last of blocks_used_ full.
  std::vector<std::vector<uint64_t>> blocks_;
  size_t blocks_used_ = 0;
  std::vector<SpoolFile> spooled_;  // none or one
  std::vector<uint8_t> postings_;
};

}  // namespace weir::signatures
