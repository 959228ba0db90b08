// What a build keeps beside an index so that the next one need not fingerprint files that did not
// change: for each file its content hash, line tags, digests and critical candidates, and all
// fingerprints, sorted (16 bytes each). Everything is keyed like the index, but names and critical
// lines of files are in clear, and common lines are still in it: mode 0600, for the build host.
// Layout: header of 72 bytes, records, file table; docs/index-format.md.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/fingerprint/file_mapping.h"
#include "signatures/fingerprint/new_file.h"
#include "signatures/fingerprint/record_sorter.h"
#include "signatures/fingerprint/site_key.h"
#include "signatures/fingerprint/source_scan.h"

namespace weir::signatures {

class IndexCache {
 public:
  // An error when there is none, when it belongs to another key or program version, and when it is
  // damaged where it is read now; check_records() tells of the rest.
  static Result<IndexCache> open(const std::string& path, const SiteKey& key);

  // The number of a file, or kNone. `origin` tells repositories and public folders apart.
  static constexpr uint32_t kNone = 0xffffffff;
  [[nodiscard]] uint32_t find(std::string_view origin, std::string_view path) const;
  [[nodiscard]] const ScannedFile& file(uint32_t number) const { return files_[number]; }
  [[nodiscard]] size_t files() const noexcept { return files_.size(); }
  // The records of fingerprints, then from names_at() those of names; each ascending.
  // PlacedHash::file is the number of the file.
  [[nodiscard]] size_t records() const noexcept { return records_.size() / sizeof(PlacedHash); }
  [[nodiscard]] size_t names_at() const noexcept { return names_at_; }
  [[nodiscard]] PlacedHash record(size_t i) const noexcept {
    PlacedHash out;
    std::memcpy(&out, records_.data() + i * sizeof(PlacedHash), sizeof(out));
    return out;
  }
  [[nodiscard]] Status check_records() const;

 private:
  explicit IndexCache(FileMapping mapping) : mapping_(std::move(mapping)) {}
  Status read_files(ByteSpan table, uint64_t count);

  FileMapping mapping_;
  ByteSpan records_;
  size_t names_at_ = 0;
  uint64_t records_checksum_ = 0;
  std::vector<ScannedFile> files_;
  std::unordered_map<std::string, uint32_t> numbers_;
};

// add() all records in order, begin_names() between the two kinds, then publish(). Without
// publish() nothing stays behind.
class IndexCacheWriter {
 public:
  static Result<IndexCacheWriter> create(const std::string& path);
  IndexCacheWriter(IndexCacheWriter&&) noexcept;
  IndexCacheWriter& operator=(IndexCacheWriter&&) = delete;
  ~IndexCacheWriter();
  [[nodiscard]] Status add(const PlacedHash& record) {
    buffer_.push_back(record);
    return buffer_.size() < kBuffered ? ok_status() : flush();
  }
  void begin_names() noexcept { names_at_ = records_ + buffer_.size(); }
  // `origins` of the repositories; files that were left out are not kept, and PlacedHash::file is
  // the place of a file in `files`.
  [[nodiscard]] Status publish(const std::vector<ScannedFile>& files,
                               const std::vector<std::string>& origins, const SiteKey& key);

 private:
  static constexpr size_t kBuffered = size_t{1} << 16;
  struct Sum;
  explicit IndexCacheWriter(NewFile file);
  Status flush();
  Status put(ByteSpan bytes);

  NewFile file_;
  uint64_t position_ = 0;
  std::unique_ptr<Sum> sum_;
  std::vector<PlacedHash> buffer_;
  uint64_t records_ = 0;
  uint64_t names_at_ = 0;
};

[[nodiscard]] ContentHash content_hash(const SiteKey& key, std::string_view content) noexcept;
// Of everything that fingerprints hang on besides the content: another one makes a cache useless.
[[nodiscard]] uint64_t fingerprint_check(const SiteKey& key);

}  // namespace weir::signatures
