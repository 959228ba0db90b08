// Layout of a .wfi file, as docs/index-format.md tells it: header, sections, block checksums.
// All integers little-endian. Everything read from a mapped file is checked where it is used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::signatures {

inline constexpr uint64_t kIndexMagic = 0x31694670'72696557ULL;  // "WeirpFi1"
inline constexpr uint32_t kIndexFormat = 4;
// Of a delta layer (index_layers.h): one section more, and of no use without its base.
inline constexpr uint32_t kLayerFormat = 5;
inline constexpr size_t kHeaderBytes = 512;
inline constexpr size_t kChecksumBlock = size_t{1} << 20;
inline constexpr size_t kSectionAlign = 64;

enum class Section : uint32_t {
  kBloom,         // blocks of 32 bytes
  kBuckets,       // u32 x (buckets + 1): first entry of each bucket
  kEntries,       // u32 hash bits and rarity, u32 posting; ascending by hash
  kPostings,      // u32 words: files << 16 | count, then count global lines
  kLineTags,      // u8 per global line
  kFiles,         // FileRecord
  kRepositories,  // u32 offset, u32 size in kNames
  kNames,         // bytes
  kCritical,      // critical lines in clear and their compiled form; may be empty
  kChecksums,     // XXH3-64 of each kChecksumBlock bytes of the file from its start to this section
  kDigests,       // digests of whole files (digests.h); may be empty
  kDistinctNames,  // identifiers in clear and their compiled form (names_picker.h); may be empty
  kHashTails,      // of each entry, the hash bits between bucket and entry: for merging alone
  kSealedNames,    // what opaque names of repositories and files stand for (sealed_names.h)
  kLineShapes,     // u8 per global line: tag of its shape (line_marks.h)
  kLayer,          // what a delta layer stands on; in such files alone
  kCount,
};
inline constexpr size_t kSections = static_cast<size_t>(Section::kCount);  // of a layer

inline constexpr size_t kBloomBlock = 32;
inline constexpr size_t kEntryBytes = 8;
inline constexpr size_t kFileBytes = 24;
// The low bits of an entry's first word hold the rarity of its words, the others those of the hash.
inline constexpr uint32_t kRarityMask = kMostRarity;
inline constexpr uint32_t kManyPostings = 0x80000000U;  // the rest is a word offset in kPostings

// A section that nobody wrote is at 0 and empty.
struct SectionPlace {
  uint64_t offset = 0;
  uint64_t size = 0;
};

struct IndexHeader {
  uint64_t file_bytes = 0;
  uint64_t key_check = 0;  // tells one site key from another
  uint64_t files = 0;
  uint64_t lines = 0;
  uint64_t fingerprints = 0;
  uint64_t critical_lines = 0;
  uint32_t bucket_bits = 0;
  uint32_t window = 0;
  uint32_t anchor_bits = 0;
  std::array<SectionPlace, kSections> sections{};

  // Always kHeaderBytes; the header's checksum is its last 8 bytes. The block checksums leave the
  // header out: it is written last.
  [[nodiscard]] std::vector<uint8_t> encode() const;
  // Of the first bytes of a file; tells apart what is wrong. `actual_bytes` is the file's size.
  static Result<IndexHeader> decode(ByteSpan head, uint64_t actual_bytes);
  [[nodiscard]] bool is_layer() const noexcept { return place(Section::kLayer).size > 0; }
  [[nodiscard]] const SectionPlace& place(Section s) const noexcept {
    return sections[static_cast<size_t>(s)];
  }
  SectionPlace& place(Section s) noexcept { return sections[static_cast<size_t>(s)]; }
};

struct FileRecord {
  uint32_t repository = 0;
  uint32_t name_offset = 0;
  uint32_t name_size = 0;
  uint32_t first_line = 0;  // global line number of its line 1
  uint32_t lines = 0;
};

// Checksum of a block; not against forgery.
[[nodiscard]] uint64_t block_checksum(ByteSpan bytes) noexcept;
[[nodiscard]] uint64_t key_check(const SiteKey& key) noexcept;

// Little-endian access.
inline uint32_t read32(const uint8_t* at) noexcept {
  return static_cast<uint32_t>(at[0]) | static_cast<uint32_t>(at[1]) << 8 |
         static_cast<uint32_t>(at[2]) << 16 | static_cast<uint32_t>(at[3]) << 24;
}
void put32(std::vector<uint8_t>& out, uint32_t value);
void put64(std::vector<uint8_t>& out, uint64_t value);

// Bytes of each hash in kHashTails: with the bucket and the entry, all but the lowest two bits.
[[nodiscard]] inline constexpr size_t tail_bytes(uint32_t bucket_bits) noexcept {
  return bucket_bits < 8 ? 4 : 3;
}

// The Bloom filter, over hashes without their lowest two bits, which an index does not keep: a
// block by the high bits, eight bits of it, two in each of four words.

[[nodiscard]] inline uint64_t bloom_block(uint64_t hash, uint64_t blocks) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(hash & ~uint64_t{kRarityMask}) * blocks >> 64);
}
// The block took the high bits: stir, so that the rest does not hang on them.
[[nodiscard]] inline uint64_t bloom_stir(uint64_t hash) noexcept {
  return (hash & ~uint64_t{kRarityMask}) * 0x9e3779b97f4a7c15ULL;
}
[[nodiscard]] inline std::array<uint64_t, 4> bloom_bits(uint64_t hash) noexcept {
  const uint64_t h = bloom_stir(hash);
  std::array<uint64_t, 4> out;
  for (size_t i = 0; i < 4; ++i) {
    out[i] = uint64_t{1} << (h >> (16 + 12 * i) & 63) | uint64_t{1} << (h >> (22 + 12 * i) & 63);
  }
  return out;
}
// Bits per fingerprint.
inline constexpr uint64_t kBloomBits = 12;

}  // namespace weir::signatures
