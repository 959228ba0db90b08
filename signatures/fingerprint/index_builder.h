// Makes a fingerprint index from folders of source code.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "signatures/fingerprint/sealed_names.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::signatures {

// In more files than this, a fingerprint is taken for common.
inline constexpr uint32_t kMostFiles = 16;

struct IndexSource {
  std::string name;  // of the repository
  std::string directory;
};

struct IndexBuildOptions {
  std::vector<IndexSource> repositories;
  std::vector<std::string> public_directories;  // what also stands there is left out
  std::vector<std::string> critical;            // globs over paths relative to the repository
  std::vector<std::string> exclude;             // globs of files and folders left out
  bool include_vendored = false;                // folders of foreign code by their names, too
  // What stands in folders of others' code in a repository, too, is left out of that repository.
  bool subtract_vendored = true;
  // Opaque names of repositories and files; the names themselves sealed to this key. Nothing is in
  // clear then, as with hashes_only.
  std::optional<SealKey> seal_names;
  bool hashes_only = false;  // nothing in clear but file names: no critical lines, no names
  // Reuse what OUT.cache says of files that did not change, and write it anew (index_cache.h).
  bool incremental = false;
  // Make a delta layer on this index and the layers that it has: what is new or changed in
  // `repositories`, and what is gone (index_layers.h). Nothing is in clear then but names of files.
  std::string delta_of;
  uint64_t memory = 1ULL << 30;  // bytes for sorting
  uint32_t threads = 1;
};

struct IndexBuildReport {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t reused =
      0;  // files whose fingerprints came from the cache, or that a layer leaves as they are
  uint64_t hidden = 0;  // files below that a layer replaces or takes away
  uint64_t lines = 0;
  uint64_t fingerprints = 0;
  uint64_t critical_lines = 0;
  uint64_t names = 0;                // distinctive identifiers, in clear
  uint64_t digests = 0;              // of whole files, four each
  uint64_t dropped_common = 0;       // fingerprints left out as low in entropy, frequent or public
  std::vector<std::string> skipped;  // "path: why", at most 1000
  uint64_t skipped_count = 0;
  std::map<std::string, uint64_t> skipped_reasons;  // how many files and folders for each
};

struct IndexProgress {
  uint64_t files_done = 0;
  uint64_t files_total = 0;
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
};

// Writes `out` atomically (a crash leaves an old file untouched). The same input and key give the
// same bytes. A layer goes to `out` = layer_path(delta_of, next number), and not at all when
// nothing changed; a whole index takes away the layers of the one it replaces. `progress` may be
// empty; it is called from one thread.
Result<IndexBuildReport> build_index(const IndexBuildOptions& options, const SiteKey& key,
                                     const std::string& out,
                                     const std::function<void(const IndexProgress&)>& progress);

}  // namespace weir::signatures
