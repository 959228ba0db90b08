// The keyed hashes that an index is made of, over normalised text.
// - Windows: kWindow bytes from each anchor, a place whose first 8 bytes hash to 0 mod
// kAnchorEvery.
//   Chosen by content, so both sides choose alike, whatever lines were broken or joined.
// - Lines: each whole line of kLineMin to kLineMax bytes, which short excerpts and edited ones
// need.
// - Tags: 8 bits a line, any length, to follow a match up and down line by line.
// The hash folds 128-bit products keyed by secrets that derive from the site key. It is not a
// cryptographic MAC: it keeps who steals an index from looking up guessed lines without the key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/bytes.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::signatures {

inline constexpr size_t kWindow = 32;
inline constexpr uint32_t kAnchorBits = 4;
inline constexpr size_t kAnchorEvery = size_t{1} << kAnchorBits;
inline constexpr uint32_t kShapeAnchorBits = 3;
inline constexpr size_t kLineMin = 10;
inline constexpr size_t kLineMax = 512;
// Rarity of the words of a fingerprint: 0 for files that say little, then by distinctive letters.
inline constexpr uint32_t kRarityBits = 3;
inline constexpr uint32_t kMostRarity = (1U << kRarityBits) - 1;
inline constexpr uint8_t kTagUnknown = 0xff;  // equals no tag, itself included

class Fingerprinter {
 public:
  explicit Fingerprinter(const SiteKey& key) noexcept;

  // Appends to `out` every anchor in [from, last], last = bytes.size() - kWindow: so none twice
  // when a caller keeps the last kWindow - 1 bytes and goes on.
  void anchors(ByteSpan bytes, size_t from, std::vector<uint32_t>& out,
               uint32_t bits = kAnchorBits) const;
  // The same without vectors, which is its reference.
  void anchors_one_by_one(ByteSpan bytes, size_t from, std::vector<uint32_t>& out,
                          uint32_t bits = kAnchorBits) const;
  // Whether a window begins at `at`, which must have 8 bytes.
  [[nodiscard]] bool is_anchor(const uint8_t* at, uint32_t bits = kAnchorBits) const noexcept {
    return load(at) * anchor_multiplier_ >> (64 - bits) == 0;
  }
  // `at` must have kWindow bytes.
  [[nodiscard]] uint64_t window(const uint8_t* at) const noexcept {
    const uint64_t a = fold(load(at) ^ secrets_[0], load(at + 8) ^ secrets_[1]);
    const uint64_t b = fold(load(at + 16) ^ secrets_[2], load(at + 24) ^ secrets_[3]);
    return fold(a ^ secrets_[8], b ^ secrets_[9]);
  }
  // The same of shape bytes (shape.h): another hash, so that neither is taken for the other.
  [[nodiscard]] uint64_t shape(const uint8_t* at) const noexcept {
    return fold(window(at) ^ secrets_[4], secrets_[9]);
  }
  [[nodiscard]] uint64_t line(ByteSpan normalised) const noexcept;
  // The same, for bytes that stand in a buffer with kLineReach bytes more behind them and eight
  // before: most lines without a branch that hangs on their size.
  [[nodiscard]] uint64_t line_within(const uint8_t* at, size_t size) const noexcept {
    if (size > 48) return line({at, size});
    uint64_t h = secrets_[7] ^ size;
    const uint64_t one = fold(load(at) ^ secrets_[0], load(at + 8) ^ secrets_[1] ^ h);
    const uint64_t two = fold(load(at + 16) ^ secrets_[0], load(at + 24) ^ secrets_[1] ^ one);
    h = size > 16 ? one : h;
    h = size > 32 ? two : h;
    // What is left, 1 to 16 bytes, none of an empty line.
    const size_t whole = size > 32 ? 32 : size > 16 ? 16 : 0;
    const size_t left = size - whole;
    const uint64_t mask = left >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * left)) - 1;
    const uint64_t low = load(at + whole) & mask;
    const uint64_t high = load(at + whole + left - 8) & (left > 8 ? ~uint64_t{0} : 0);
    h = fold(low ^ secrets_[2], high ^ secrets_[3] ^ h);
    return fold(h ^ secrets_[5], secrets_[6]);
  }
  static constexpr size_t kLineReach = 48;
  // Of two numbers, in this order: for kinds of hashes that are made of others.
  [[nodiscard]] uint64_t combine(uint64_t a, uint64_t b) const noexcept {
    return fold(fold(a ^ secrets_[8], secrets_[1]) ^ secrets_[4], b ^ secrets_[9]);
  }
  // line() of each [begins[i], ends[i]), which stand in a buffer with kLinesReach bytes more
  // behind.
  void lines(const uint8_t* base, const uint32_t* begins, const uint32_t* ends, size_t count,
             uint64_t* out) const noexcept;
  static constexpr size_t kLinesReach = 64;
  // window() of each base + at[i], or shape(); in a buffer like that.
  void windows(const uint8_t* base, const uint32_t* at, size_t count, bool of_shape,
               uint64_t* out) const noexcept;
  // combine() of each first[i] and second[i] ^ flip.
  void combine_each(const uint64_t* first, const uint64_t* second, uint64_t flip, size_t count,
                    uint64_t* out) const noexcept;
  // Of a whole line and its hash: 0 for a line without bytes, kTagUnknown for a very long one.
  // Without a branch: how long a line is cannot be foreseen.
  [[nodiscard]] static uint8_t tag(size_t size, uint64_t line_hash) noexcept {
    const uint32_t some = 1 + static_cast<uint32_t>(line_hash >> 20 & 0xffff) % 254;
    const uint32_t none = size == 0 ? 1 : 0;
    const uint32_t unknown = size > kLineMax ? 1 : 0;
    return static_cast<uint8_t>((some & (none - 1)) | (0U - unknown));
  }

 private:
  void anchors_wide(ByteSpan bytes, size_t from, std::vector<uint32_t>& out, uint32_t bits) const;
  void lines_wide(const uint8_t* base, const uint32_t* begins, const uint32_t* ends, size_t eights,
                  uint64_t* out) const noexcept;
  void windows_wide(const uint8_t* base, const uint32_t* at, size_t eights, bool of_shape,
                    uint64_t* out) const noexcept;
  void combine_wide(const uint64_t* first, const uint64_t* second, uint64_t flip, size_t eights,
                    uint64_t* out) const noexcept;

  __extension__ using Wide = unsigned __int128;
  static uint64_t load(const uint8_t* at) noexcept {
    uint64_t out;
    std::memcpy(&out, at, sizeof(out));
    return out;
  }
  static uint64_t fold(uint64_t a, uint64_t b) noexcept {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  std::array<uint64_t, 10> secrets_{};
  uint64_t anchor_multiplier_ = 0;
};

static_assert(kWindow == 32, "window() reads four words");

// True when a window or line tells too little to be indexed: few different bytes, few letters
// other than hexadecimal digits.
[[nodiscard]] bool low_in_entropy(ByteSpan normalised) noexcept;
// True when at least `least` different bytes stand in it: what is asked of rows of numbers.
[[nodiscard]] bool has_different_bytes(ByteSpan normalised, size_t least) noexcept;

}  // namespace weir::signatures
