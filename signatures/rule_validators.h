// What a candidate must stand up to before it is evidence: entropy, checksums, words nearby, values
// that only stand for a secret. All look at the matched text itself and allocate nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::signatures {

// A set of bytes, written like a character class without its brackets: "A-Za-z0-9+/=_-".
class ByteSet {
 public:
  ByteSet() = default;
  // Empty, or a range that runs backwards: nothing.
  static std::optional<ByteSet> parse(std::string_view text);
  [[nodiscard]] bool has(char c) const noexcept { return bits_[static_cast<uint8_t>(c)]; }
  void add(char c) noexcept { bits_[static_cast<uint8_t>(c)] = true; }
  [[nodiscard]] bool empty() const noexcept;

 private:
  std::array<bool, 256> bits_{};
};

// Where in a match the secret itself stands. Default: all of it.
struct ValueRegion {
  ByteSet trim;   // bytes taken off the end first
  ByteSet chars;  // not empty: the longest run of these at the end
  ByteSet after;  // not empty: what follows the first of these, without blanks and quotes
  [[nodiscard]] std::string_view find(std::string_view match) const noexcept;
};

enum class Checksum : uint8_t { kNone, kLuhn, kGithub };
std::optional<Checksum> parse_checksum(std::string_view name) noexcept;

// Bits: what kinds of characters a value holds.
enum CharacterClass : uint8_t { kLower = 1, kUpper = 2, kLetter = 4, kDigit = 8, kSymbol = 16 };
std::optional<uint8_t> parse_character_class(std::string_view name) noexcept;
[[nodiscard]] uint8_t character_classes(std::string_view value) noexcept;

struct RuleValidators {
  uint8_t needs = 0;   // character classes, all of them
  double entropy = 0;  // bits a byte, at least; 0: any
  Checksum checksum = Checksum::kNone;
  double checksum_failed = 0;  // score of a match whose checksum is wrong; 0: refused
  std::vector<std::string> near_words;
  uint32_t near_distance = 0;       // bytes before the match and after it
  std::vector<std::string> not_in;  // a value that holds one of these, in any case, is refused
  // Set: the match begins its line, but for comment signs, line numbers, quotes, and at most so
  // many words that begin with a capital letter (a company's name).
  std::optional<uint32_t> line_start;
  bool placeholders = false;  // values such as <your-key>, xxxx, EXAMPLE are refused
};

// Shannon entropy of the bytes, in bits a byte.
[[nodiscard]] double entropy(std::string_view value) noexcept;
// Digits with any of " -" between them.
[[nodiscard]] bool luhn(std::string_view value) noexcept;
// The last six characters are the CRC-32 of what stands between the last "_" and them, in base 62
// (GitHub and npm tokens).
[[nodiscard]] bool github_checksum(std::string_view token) noexcept;
[[nodiscard]] bool is_placeholder(std::string_view value) noexcept;
// `before` is what stands before a match: whether its last line is only a lead, as line_start says.
// A line begins after a line break, after ": " (the glue after a label), or with `before` itself
// where nothing stood before that; `from_start` says so.
[[nodiscard]] bool begins_line(std::string_view before, uint32_t words, bool from_start) noexcept;
[[nodiscard]] bool contains_any_case(std::string_view text, std::string_view word) noexcept;

// The score of the match, or nothing when it is refused. `before` and `after` are what stands
// around it; a `before` of less than kRuleNear bytes is all there is.
[[nodiscard]] std::optional<double> validate(const RuleValidators& validators, double score,
                                             std::string_view value, std::string_view before,
                                             std::string_view after) noexcept;

// At most the first four and the last two characters, fewer of a short value; never more than a
// quarter of it at the head, nor anything at the end of one shorter than 16.
[[nodiscard]] std::string mask(std::string_view value);

}  // namespace weir::signatures
