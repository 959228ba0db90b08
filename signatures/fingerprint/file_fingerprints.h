// The fingerprints of one source file, as they go into an index.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/line_filter.h"
#include "signatures/fingerprint/line_marks.h"
#include "signatures/fingerprint/normaliser.h"
#include "signatures/fingerprint/shape_variety.h"

namespace weir::signatures {

struct FileFingerprints {
  struct Placed {
    uint64_t hash;
    uint32_t line;    // from 0
    uint32_t rarity;  // of the words in it, 0..kMostRarity
  };
  struct LongLine {
    uint64_t hash;
    uint32_t line;
    uint32_t distinctive;  // letters (distinctive_letters)
    std::string normalised;
  };
  std::vector<Placed> placed;
  std::vector<uint8_t> tags;       // one a line
  std::vector<uint8_t> shapes;     // likewise, of its shape (line_marks.h)
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
  uint32_t mark_words(size_t line, size_t prefix, uint32_t begin, uint32_t end);
  [[nodiscard]] uint32_t letters_in_window(size_t at) const noexcept;
  void read_lines(std::string_view content, bool critical, bool weak, FileFingerprints& out);
  void read_windows(bool weak, FileFingerprints& out);
  void read_shapes(bool weak, FileFingerprints& out);
  void hash_lines(const NormalText& text, size_t count, bool without_first_word);
  void put_combined(uint64_t flip, FileFingerprints& out);
  void put_windows(ByteSpan bytes, bool of_shape, FileFingerprints& out);

  Fingerprinter fingerprinter_;
  LineFilter filter_;
  size_t next_word_ = 0;  // of the filter's
  Normaliser normaliser_;
  NormalText text_;
  NormalText shape_;
  std::vector<LineKind> kinds_;
  std::vector<uint32_t> anchors_;
  // Hashes are made many at a time: of lines, of two hashes, of windows.
  std::vector<uint32_t> begins_;
  std::vector<uint32_t> ends_;
  std::vector<uint64_t> hashes_;
  std::vector<uint64_t> firsts_;
  std::vector<uint64_t> seconds_;
  std::vector<FileFingerprints::Placed> waiting_;  // for their hashes
  ShapeVariety variety_;
  std::vector<uint64_t> marks_;  // a bit a normalised byte: a letter of a distinctive word
  MaskedLine masked_;
};

}  // namespace weir::signatures
