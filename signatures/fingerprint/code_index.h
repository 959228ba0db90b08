// A fingerprint index as a sensor uses it: mapped, verified, shared by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/names_picker.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::signatures {

struct IndexInfo {
  uint32_t format = 0;
  uint64_t files = 0;
  uint64_t lines = 0;
  uint64_t fingerprints = 0;
  uint64_t bytes = 0;  // of the file
  uint64_t critical_lines = 0;
  uint64_t names = 0;    // distinctive identifiers
  uint64_t digests = 0;  // of whole files, four each
  uint32_t layers = 0;   // delta layers on it, whose files, lines and the rest are in the counts
  uint64_t hidden_files = 0;  // of `files`: those that a newer layer replaces or takes away
  bool sealed = false;        // names of repositories and files are opaque
  std::vector<std::string> repositories;
};

class CodeIndex {
 public:
  // Refuses another format version, another key, a file cut short or damaged where it is read at
  // load (headers, section table, key check), each with its own reason. Delta layers beside it
  // (index_layers.h) are opened with it; they stand on one another or are refused. Critical lines
  // and names are those of the base.
  static Result<std::shared_ptr<const CodeIndex>> open(const std::string& path, const SiteKey& key);
  // Reads all of the file, of its layers too, and compares every checksum.
  static Status verify(const std::string& path);
  // Opaque names of repositories and files with what they stand for; empty when none are sealed.
  static Result<std::vector<std::pair<std::string, std::string>>> sealed_names(
      const std::string& path, const SiteKey& private_key);
  ~CodeIndex();
  [[nodiscard]] const IndexInfo& info() const noexcept;
  [[nodiscard]] const DigestStack& digests() const noexcept;
  [[nodiscard]] const DistinctNames& names() const noexcept;

 private:
  struct Impl;
  explicit CodeIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  friend class IndexProbe;
};

}  // namespace weir::signatures
