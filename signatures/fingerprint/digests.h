// Whole files by their usual digests, as tools and their telemetry send them. The index keeps
// digests keyed (SipHash of the digest's bytes under a key of the site's), so it cannot be compared
// with digests of known files by who has no key. Section kDigests: 12 bytes each, ascending: the
// keyed hash (8 bytes), then the kind in the two high bits of the file's number (4 bytes).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/hash.h"
#include "signatures/fingerprint/site_key.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace weir::signatures {

enum class DigestKind : uint32_t { kSha256, kSha1, kMd5, kGitBlob };
inline constexpr size_t kDigestKinds = 4;
inline constexpr size_t kDigestEntry = 12;
inline constexpr uint32_t kDigestFiles = 1U << 30;  // file numbers are below
// Shorter files may be anyone's.
inline constexpr size_t kDigestFileMin = 64;

// As evidence names it: "sha256", "sha1", "md5", "git-blob".
[[nodiscard]] std::string_view to_string(DigestKind kind) noexcept;

[[nodiscard]] HashKey digest_key(const SiteKey& key) noexcept;
// Of the 16, 20 or 32 bytes of a digest; its length is part of it.
[[nodiscard]] inline uint64_t keyed_digest(const HashKey& key, ByteSpan digest) noexcept {
  return siphash(key, digest);
}

// Computes digests of contents. One a thread.
class DigestMaker {
 public:
  explicit DigestMaker(const SiteKey& key);
  DigestMaker(const DigestMaker&) = delete;
  DigestMaker& operator=(const DigestMaker&) = delete;
  ~DigestMaker();
  // Keyed, by kind; 0 for a kind that the system's library refuses.
  [[nodiscard]] std::array<uint64_t, kDigestKinds> of(ByteSpan content);

 private:
  uint64_t one(const evp_md_st* method, ByteSpan head, ByteSpan content);

  HashKey key_;
  evp_md_ctx_st* context_;
  std::array<evp_md_st*, 3> methods_{};  // SHA-256, SHA-1, MD5
};

// Gathers the digests of all files of a build.
class DigestList {
 public:
  // `file` is kNoFile for public code: what stands there, too, is left out.
  static constexpr uint32_t kNoFile = 0xffffffff;
  void add(const std::array<uint64_t, kDigestKinds>& digests, uint32_t file);
  // Those of another index, whose files are numbered from `first_file` on here.
  void add_section(ByteSpan section, uint32_t first_file);
  // The section. Contents of more than `most_files` files are left out; of fewer, the first file
  // is told.
  [[nodiscard]] std::vector<uint8_t> section(uint32_t most_files);

 private:
  struct Row {
    uint64_t hash;
    uint32_t kind;
    uint32_t file;
  };
  std::vector<Row> rows_;
};

struct DigestMatch {
  DigestKind kind = DigestKind::kSha256;
  uint32_t file = 0;
};

// A mapped kDigests section. Damage costs hits, not safety.
class DigestTable {
 public:
  DigestTable() = default;
  DigestTable(const HashKey& key, ByteSpan section) noexcept
      : key_(key), entries_(section), count_(section.size() / kDigestEntry) {}
  [[nodiscard]] size_t size() const noexcept { return count_; }
  // `digest` is 16, 20 or 32 bytes as computed.
  [[nodiscard]] std::optional<DigestMatch> find(ByteSpan digest) const noexcept;
  // The keyed digests of this kind, by file, where `by_file` has room for it.
  void put_by_file(DigestKind kind, std::vector<uint64_t>& by_file) const;

 private:
  [[nodiscard]] uint64_t hash(size_t at) const noexcept;

  HashKey key_;
  ByteSpan entries_;
  size_t count_ = 0;
};

// Those of an index and of the layers on it, oldest first.
class DigestStack {
 public:
  void add(const DigestTable& table) { tables_.push_back(table); }
  // A bit for each file that is hidden; must outlive the stack.
  void hide(const std::vector<bool>* hidden) noexcept { hidden_ = hidden; }
  [[nodiscard]] size_t size() const noexcept;
  [[nodiscard]] std::optional<DigestMatch> find(ByteSpan digest) const noexcept;
  // Of `files` files: the keyed digest of this kind of each, 0 where none is known.
  [[nodiscard]] std::vector<uint64_t> by_file(DigestKind kind, size_t files) const;

 private:
  std::vector<DigestTable> tables_;
  const std::vector<bool>* hidden_ = nullptr;
};

}  // namespace weir::signatures
