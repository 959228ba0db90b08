// The identifiers of a source file that may be distinctive of whose it is: long, of several words,
// some of them not everyone's, and not one that public packages share. Which of them are rare is
// seen when all files are read (names_picker.h). Identifiers are compared as written, case and all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/hash.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::signatures {

inline constexpr size_t kNameMin = 8;
inline constexpr size_t kNameMax = 64;
inline constexpr uint32_t kNameOffsetBits = 23;     // of kMaxSourceBytes
inline constexpr uint32_t kNameDefined = 1U << 31;  // in Name::place: the file defines it
inline constexpr uint32_t kNameScoreMax = 255;

[[nodiscard]] constexpr bool is_name_byte(uint8_t c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// How distinctive an identifier looks by itself: 0 for not at all, at most kNameScoreMax.
[[nodiscard]] uint32_t name_score(std::string_view name) noexcept;

// One a thread; keeps its memory.
class NameReader {
 public:
  explicit NameReader(const SiteKey& key);
  struct Name {
    uint64_t hash;  // keyed
    // kNameDefined or 0, score << kNameOffsetBits, offset of the first occurrence.
    uint32_t place;
  };
  // Each name once. `out` is overwritten.
  void read(std::string_view content, std::vector<Name>& out);
  [[nodiscard]] uint64_t hash(std::string_view name) const noexcept {
    return siphash(key_, as_bytes(name));
  }

 private:
  HashKey key_;
  std::unordered_map<std::string_view, size_t> seen_;  // where in `out`; kNone: not a name
  static constexpr size_t kNone = SIZE_MAX;
};

}  // namespace weir::signatures
