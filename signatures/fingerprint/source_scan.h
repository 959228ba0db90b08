// Reads and fingerprints the files of a build on several threads. Files are numbered as they are
// listed, before any is read, so nothing depends on which thread reads what.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/result.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/file_fingerprints.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/record_partitions.h"
#include "signatures/fingerprint/source_files.h"

namespace weir::signatures {

class IndexCache;

// Of a file's content, to see whether it changed; keyed.
struct ContentHash {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const ContentHash&, const ContentHash&) noexcept = default;
};

struct ScannedFile {
  static constexpr uint32_t kPublic = 0xffffffff;

  static constexpr uint32_t kFresh = 0xffffffff;

  uint32_t repository = 0;   // or kPublic
  uint32_t origin = 0;       // repository or public folder, counted through
  uint32_t cached = kFresh;  // its number in the cache, while it may be the same there
  SourceFile source;
  // In a folder of others' code in its repository: taken off the rest of that repository.
  [[nodiscard]] bool is_foreign() const noexcept { return source.foreign; }
  [[nodiscard]] bool is_own() const noexcept { return !is_public() && !is_foreign(); }
  bool wants_critical = false;
  bool wants_names = false;
  uint64_t known_digest = 0;  // keyed SHA-256 of what the index below a layer has; 0: nothing
  // After the scan. `cached` other than kFresh: its records are those of the cache.
  ContentHash content;     // when there is a cache to write
  std::string why;         // it was left out; empty when it was taken
  bool unchanged = false;  // it has the known digest, and was not read further
  uint64_t bytes = 0;
  uint64_t dropped = 0;         // fingerprints
  std::vector<uint8_t> tags;    // of its lines; none but for own code
  std::vector<uint8_t> shapes;  // likewise
  bool has_digests = false;     // short files, and files without fingerprints, have none
  std::array<uint64_t, kDigestKinds> digests{};
  std::vector<FileFingerprints::LongLine> critical;

  [[nodiscard]] bool is_public() const noexcept { return repository == kPublic; }
};

// PlacedHash::file is the file's place in `files`; `names` gets the records of NameReader. Of
// code of others only binary files are left out. Files that did not change since `cache` (which may
// be null) add no records. `progress` may be empty; the calling thread, which reads too, calls it.
Status scan_files(std::vector<ScannedFile>& files, const SiteKey& key, uint32_t threads,
                  RecordPartitions& records, RecordPartitions& names, const IndexCache* cache,
                  bool keep_content_hash,
                  const std::function<void(const IndexProgress&)>& progress);

}  // namespace weir::signatures
