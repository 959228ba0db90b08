// Code to send: excerpts of a protected folder, and made-up code that belongs to nobody.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/lab/lab_random.h"
#include "core/result.h"

namespace weir::lab {

struct CodeExcerpt {
  std::string repository;  // empty: made up
  std::string path;        // relative to the repository
  uint32_t first_line = 1;
  std::vector<std::string> lines;  // without line ends
  bool whole_file = false;

  [[nodiscard]] uint32_t last_line() const noexcept {
    return first_line + static_cast<uint32_t>(lines.size()) - 1;
  }
};

class CodePool {
 public:
  // Text files below `directory` in order of their paths; hidden and binary ones, and those of
  // more than 1 MiB, are left out. Fails when nothing with five lines remains.
  static Result<CodePool> load(const std::string& directory);

  // 5 to 60 lines that hold at least 240 characters besides white space, or a whole file.
  [[nodiscard]] CodeExcerpt draw(LabRandom& random) const;

 private:
  std::vector<CodeExcerpt> files_;
};

// A function or two in one of four languages, with names drawn at random.
CodeExcerpt made_up_code(LabRandom& random);

}  // namespace weir::lab
