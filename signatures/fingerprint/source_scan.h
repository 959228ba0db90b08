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

struct ScannedFile {
  static constexpr uint32_t kPublic = 0xffffffff;

  uint32_t repository = 0;  // or kPublic
  SourceFile source;
  bool wants_critical = false;
  // After the scan.
  std::string why;  // it was left out; empty when it was taken
  uint64_t bytes = 0;
  uint64_t dropped = 0;       // fingerprints
  std::vector<uint8_t> tags;  // of its lines; none for public code
  bool has_digests = false;   // short files, and files without fingerprints, have none
  std::array<uint64_t, kDigestKinds> digests{};
  std::vector<FileFingerprints::LongLine> critical;

  [[nodiscard]] bool is_public() const noexcept { return repository == kPublic; }
};

// PlacedHash::file is the file's place in `files`. Of public code only binary files are left out.
// `progress` may be empty; the calling thread, which reads too, calls it.
Status scan_files(std::vector<ScannedFile>& files, const SiteKey& key, uint32_t threads,
                  RecordPartitions& records,
                  const std::function<void(const IndexProgress&)>& progress);

}  // namespace weir::signatures
