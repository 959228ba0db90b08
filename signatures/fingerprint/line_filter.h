// How much a line of a source file says of whose code it is. Licence and copyright texts are left
// out of an index; imports and lines made of words that stand in everyone's code count little.
// A whole file is looked at once, 64 bytes at a time, as bits: letters, capitals, blanks, ends of
// lines. tests/signatures/fingerprint/line_filter_reference.h says the same line by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::signatures {

enum class LineKind : uint8_t { kCode, kImport, kLicence };

// Keeps its memory from file to file.
class LineFilter {
 public:
  // A stretch of the content.
  struct Word {
    uint32_t begin;
    uint32_t end;
  };

  void read(std::string_view content);
  // Lines are cut at '\n'; as many as the normaliser counts.
  [[nodiscard]] size_t lines() const noexcept { return lines_.size(); }
  [[nodiscard]] Word line(size_t i) const noexcept { return lines_[i]; }  // without its '\n'
  [[nodiscard]] const std::vector<LineKind>& kinds() const noexcept { return kinds_; }
  // In order: the words that are not everyone's: identifiers and the words of strings and comments,
  // without keywords and the most common names. CamelCase is several words; the third of one
  // name and those behind it are not everyone's, whatever they are.
  [[nodiscard]] const std::vector<Word>& distinctive() const noexcept { return words_; }
  // How many bytes before `at` are no white space.
  [[nodiscard]] uint32_t dense_before(size_t at) const noexcept {
    const Block& block = blocks_[at / 64];
    const uint64_t before = block.dense & ((uint64_t{1} << (at % 64)) - 1);
    return block.dense_before + static_cast<uint32_t>(__builtin_popcountll(before));
  }

 private:
  struct Block {
    uint64_t dense;
    uint32_t dense_before;  // in all blocks before
  };
  struct Phrase {
    uint32_t at;
    uint32_t bits;  // of a phrase or a word of licences
  };
  void map(size_t size);
  void word(size_t begin, size_t end);
  void find_phrases(size_t size);
  void judge(std::string_view content);

  std::string lower_;  // the content in small letters, zeros behind
  std::vector<Block> blocks_;
  std::vector<Word> lines_;
  std::vector<Word> words_;
  std::vector<Phrase> phrases_;
  std::vector<LineKind> kinds_;
  size_t last_end_ = 0;  // of the last word, common or not
  size_t parts_ = 0;     // of the name up to there; 0: no word yet
};

// Letters in the words of a line that are not everyone's.
[[nodiscard]] uint32_t distinctive_letters(std::string_view line) noexcept;

}  // namespace weir::signatures
