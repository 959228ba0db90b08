// The key that a site's fingerprints are made with: without it an index tells nothing of the code.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/hash.h"
#include "core/result.h"

namespace weir::signatures {

struct SiteKey {
  std::array<uint8_t, 32> bytes{};

  // A file of 64 hexadecimal digits and an optional newline, a regular file that its owner alone
  // can read (mode 0600 or 0400); anything else is an error that says what to do.
  static Result<SiteKey> load(const std::string& path);
  // Makes a new random key at `path`, mode 0600; an error when it exists.
  static Status create(const std::string& path);
  // Independent keys for each use, by label.
  [[nodiscard]] HashKey derive(uint64_t label) const noexcept;
};

}  // namespace weir::signatures
