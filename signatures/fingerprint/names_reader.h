// The identifiers of a source file that may be distinctive of whose it is: long, of several words,
// some of them not everyone's, and not one that public packages share. Which of them are rare is
// seen when all files are read (names_picker.h). Identifiers are compared as written, case and all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
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
  // A name that was seen in this file, in an open table: most are seen again and again.
  struct Seen {
    uint64_t mixed = 0;  // of its bytes; not keyed
    uint32_t begin = 0;
    uint32_t size = 0;  // 0: a free place
    uint32_t number = 0;
  };
  static constexpr uint32_t kNone = 0xffffffff;  // not a name
  Seen& find(std::string_view content, size_t begin, size_t size);
  void grow();

  HashKey key_;
  std::vector<Seen> seen_;  // a power of two, no more than half of it taken
  size_t seen_count_ = 0;
  unsigned shift_ = 0;  // of a hash, for its place
};

}  // namespace weir::signatures
