// Writes an index file: sections in order with their checksums, then the header, then the name.
#pragma once

#include <algorithm>
#include <cstdint>
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

// Takes fingerprints in ascending order of hash and writes kEntries, kHashTails, kBuckets, kBloom,
// kPostings.
class TableWriter {
  struct Row {
    uint64_t hash;
    uint32_t posting;
    uint32_t rarity;
  };

 public:
  // Rows go to a temporary file in `directory` when they need more than `memory`.
  explicit TableWriter(std::string directory, uint64_t memory = 1 << 20)
      : directory_(std::move(directory)),
        capacity_(std::max<size_t>(memory / sizeof(Row), size_t{1} << 16)) {}
  // Global lines, ascending; `files` of them. At most 0xffff lines.
  [[nodiscard]] Status add(uint64_t hash, const std::vector<uint32_t>& lines, uint32_t files,
                           uint32_t rarity);
  [[nodiscard]] uint64_t size() const noexcept { return count_; }
  [[nodiscard]] Status finish(IndexWriter& out);

 private:
  Status spill();
  Status write_tails(IndexWriter& out, size_t bytes);
  Status each_row(const std::function<void(const Row&)>& visit);

  std::string directory_;
  size_t capacity_;
  uint64_t count_ = 0;
  std::vector<Row> rows_;           // not spilled yet
  std::vector<SpoolFile> spooled_;  // none or one
  std::vector<uint8_t> postings_;
};

}  // namespace weir::signatures
