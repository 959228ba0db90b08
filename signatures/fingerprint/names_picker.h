// Chooses the distinctive names of each repository when all files are read: names that it
// defines, in few of its files, in no other repository of the build, and not in public code. Makes
// and reads the section that keeps them, in clear.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/fingerprint/record_sorter.h"
#include "signatures/fingerprint/source_scan.h"
#include "signatures/literal_set.h"

namespace weir::signatures {

// A name in more files than this says little of where text is from.
inline constexpr uint32_t kNameFiles = 4;
inline constexpr uint32_t kNamesOfFile = 16;  // at most, so that no file has all

struct DistinctName {
  uint32_t repository = 0;
  uint32_t file = 0;  // the first it stands in, as the index numbers them
  std::string text;
};

class NamePicker {
 public:
  NamePicker(const std::vector<ScannedFile>& files, size_t repositories, size_t budget)
      : files_(files), kept_(repositories), budget_(budget) {}
  // Records of names (PlacedHash::place as NameReader::Name::place), ascending.
  void take(const PlacedHash& record);
  // The most distinctive of each repository, `budget` in all, read again from their files; those
  // that stand elsewhere by now are left out. `numbers` of the files in the index.
  [[nodiscard]] std::vector<DistinctName> pick(const SiteKey& key,
                                               const std::vector<uint32_t>& numbers);

 private:
  void finish();

  const std::vector<ScannedFile>& files_;
  std::vector<std::vector<PlacedHash>> kept_;  // the best of each repository
  size_t budget_;
  PlacedHash first_;  // where it is defined, else stands first
  uint32_t last_file_ = 0;
  uint32_t in_files_ = 0;  // 0: nothing yet
  bool shared_ = false;
  bool defined_ = false;
  uint64_t foreign_hash_ = 0;
  std::vector<uint32_t>
      foreign_;  // of foreign_hash_: repositories that have it in a folder of others' code
};

// kDistinctNames: number of names; for each its repository, file, size and text; size and bytes of
// the compiled matcher database.
Result<std::vector<uint8_t>> names_section(const std::vector<DistinctName>& names);

// As an index keeps them open.
struct DistinctNames {
  std::vector<DistinctName> names;  // by the id that the matcher reports
  std::optional<LiteralSet> set;    // none when there are no names
};
Result<DistinctNames> read_names(ByteSpan section);

}  // namespace weir::signatures
