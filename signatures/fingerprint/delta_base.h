// What a delta layer is built on: an index with the layers that it has. Knows each of its files by
// repository and path, and by the digest of its content; gathers which of them stay as they are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/result.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/index_layers.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/source_scan.h"

namespace weir::signatures {

class DeltaBase {
 public:
  // `out` must be where the next layer goes.
  static Result<DeltaBase> open(const IndexBuildOptions& options, const SiteKey& key,
                                const std::string& out);
  [[nodiscard]] uint32_t files() const noexcept { return place_.first_file; }
  [[nodiscard]] uint32_t lines() const noexcept { return place_.first_line; }
  // Keyed SHA-256 of the file of this name; 0 when there is none or it is not known: short files,
  // and all but the first of those with the same content.
  [[nodiscard]] uint64_t known_digest(const std::string& repository, const std::string& path) const;
  // Of a file whose digest is not known by its name: its lines are those that it has below, and its
  // content is known under another name, or is too short for a digest.
  [[nodiscard]] bool same_lines(const std::string& repository, const ScannedFile& file) const;
  // This file did not change. Of the repositories of the build, all others become hidden.
  void keep(const std::string& repository, const std::string& path);
  [[nodiscard]] const std::vector<uint32_t>& hidden();
  [[nodiscard]] const LayerPlace& place() {
    (void)hidden();
    return place_;
  }
  // Puts before `lines` where the fingerprint stands below, in files that are not hidden; returns
  // in how many. After the last keep().
  uint32_t add_places(uint64_t hash, std::vector<uint32_t>& lines, uint32_t& rarity);

 private:
  DeltaBase(std::shared_ptr<const CodeIndex> index, const SiteKey& key, bool sealed)
      : index_(std::move(index)), probe_(*index_), key_(key), sealed_(sealed) {}
  [[nodiscard]] std::string name_of(const std::string& repository, const std::string& path) const;

  std::shared_ptr<const CodeIndex> index_;
  IndexProbe probe_;
  SiteKey key_;
  bool sealed_;
  LayerPlace place_;
  bool settled_ = false;
  std::vector<bool> replaced_;  // by file: in a repository of the build, and not kept
  std::vector<uint64_t> digests_;
  std::unordered_set<uint64_t> contents_;  // all of them
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<uint32_t> before_;
};

}  // namespace weir::signatures
