// The fingerprints of one source file, as they go into an index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/normaliser.h"

namespace weir::signatures {

struct FileFingerprints {
  struct Placed {
    uint64_t hash;
    uint32_t line;    // from 0
    uint32_t rarity;  // of the words in it, 0..3
  };
  struct LongLine {
    uint64_t hash;
    uint32_t line;
    uint32_t distinctive;  // letters (distinctive_letters)
    std::string normalised;
  };
  std::vector<Placed> placed;
  std::vector<uint8_t> tags;       // one a line
  std::vector<LongLine> critical;  // candidates; only when asked for
  uint64_t dropped = 0;            // low in entropy, or part of a licence or import
};

// Normalised bytes that a critical line has at the least, and distinctive letters among them.
inline constexpr size_t kCriticalMin = 20;
inline constexpr uint32_t kCriticalLetters = 8;

// Keeps its memory from file to file.
class FileReader {
 public:
  explicit FileReader(const SiteKey& key) : fingerprinter_(key) {}
  // `out` is overwritten. All of a `weak` file has the least rarity, and its shape is left out.
  void read(std::string_view content, bool critical, bool weak, FileFingerprints& out);

 private:
  Fingerprinter fingerprinter_;
  Normaliser normaliser_;
  NormalText text_;
  NormalText shape_;
  std::vector<uint32_t> anchors_;
  // Of each line, and of each normalised byte, whether it is a letter of a distinctive word.
  std::vector<uint8_t> line_marks_;
  std::vector<uint8_t> marks_;
};

}  // namespace weir::signatures
