#include "signatures/fingerprint/digests.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "core/check.h"
#include "signatures/fingerprint/index_format.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kDigestLabel = 0x77656972'64696765ULL;

}  // namespace

std::string_view to_string(DigestKind kind) noexcept {
  switch (kind) {
    case DigestKind::kSha256:
      return "sha256";
    case DigestKind::kSha1:
      return "sha1";
    case DigestKind::kMd5:
      return "md5";
    case DigestKind::kGitBlob:
      return "git-blob";
  }
  return {};
}

HashKey digest_key(const SiteKey& key) noexcept { return key.derive(kDigestLabel); }

DigestMaker::DigestMaker(const SiteKey& key) : key_(digest_key(key)), context_(EVP_MD_CTX_new()) {
  WEIR_CHECK(context_ != nullptr);
  methods_ = {EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
              EVP_MD_fetch(nullptr, "MD5", nullptr)};
}

DigestMaker::~DigestMaker() {
  for (EVP_MD* method : methods_) EVP_MD_free(method);
  EVP_MD_CTX_free(context_);
}

uint64_t DigestMaker::one(const evp_md_st* method, ByteSpan head, ByteSpan content) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (method == nullptr || EVP_DigestInit_ex2(context_, method, nullptr) != 1 ||
      EVP_DigestUpdate(context_, head.data(), head.size()) != 1 ||
      EVP_DigestUpdate(context_, content.data(), content.size()) != 1 ||
      EVP_DigestFinal_ex(context_, out.data(), &size) != 1) {
    return 0;
  }
  return keyed_digest(key_, ByteSpan(out).first(size));
}

std::array<uint64_t, kDigestKinds> DigestMaker::of(ByteSpan content) {
  std::string blob = "blob " + std::to_string(content.size());
  blob.push_back('\0');
  return {one(methods_[0], {}, content), one(methods_[1], {}, content),
          one(methods_[2], {}, content), one(methods_[1], as_bytes(blob), content)};
}

void DigestList::add(const std::array<uint64_t, kDigestKinds>& digests, uint32_t file) {
  for (uint32_t kind = 0; kind < kDigestKinds; ++kind) {
    if (digests[kind] != 0) rows_.push_back({digests[kind], kind, file});
  }
}

void DigestList::add_section(ByteSpan section, uint32_t first_file) {
  for (size_t at = 0; at + kDigestEntry <= section.size(); at += kDigestEntry) {
    const uint8_t* const entry = section.data() + at;
    const uint32_t place = read32(entry + 8);
    rows_.push_back({uint64_t{read32(entry)} | uint64_t{read32(entry + 4)} << 32, place >> 30,
                     (place & (kDigestFiles - 1)) + first_file});
  }
}

std::vector<uint8_t> DigestList::section(uint32_t most_files) {
  std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) {
    return std::tie(a.hash, a.kind, a.file) < std::tie(b.hash, b.kind, b.file);
  });
  std::vector<uint8_t> out;
  for (size_t first = 0; first < rows_.size();) {
    size_t next = first + 1;
    while (next < rows_.size() && rows_[next].hash == rows_[first].hash &&
           rows_[next].kind == rows_[first].kind) {
      ++next;
    }
    const Row& row = rows_[first];
    // kNoFile sorts last.
    if (next - first <= most_files && rows_[next - 1].file < kDigestFiles) {
      put64(out, row.hash);
      put32(out, row.kind << 30 | row.file);
    }
    first = next;
  }
  return out;
}

void DigestTable::put_by_file(DigestKind kind, std::vector<uint64_t>& by_file) const {
  for (size_t i = 0; i < count_; ++i) {
    const uint32_t place = read32(entries_.data() + i * kDigestEntry + 8);
    const size_t file = place & (kDigestFiles - 1);
    if (static_cast<DigestKind>(place >> 30) == kind && file < by_file.size()) {
      by_file[file] = hash(i);
    }
  }
}

size_t DigestStack::size() const noexcept {
  size_t sum = 0;
  for (const DigestTable& table : tables_) sum += table.size();
  return sum;
}

std::optional<DigestMatch> DigestStack::find(ByteSpan digest) const noexcept {
  for (size_t i = tables_.size(); i > 0; --i) {
    const std::optional<DigestMatch> found = tables_[i - 1].find(digest);
    if (!found) continue;
    const bool hidden =
        hidden_ != nullptr && found->file < hidden_->size() && (*hidden_)[found->file];
    if (!hidden) return found;
  }
  return std::nullopt;
}

std::vector<uint64_t> DigestStack::by_file(DigestKind kind, size_t files) const {
  std::vector<uint64_t> out(files, 0);
  for (const DigestTable& table : tables_) table.put_by_file(kind, out);
  return out;
}

uint64_t DigestTable::hash(size_t at) const noexcept {
  const uint8_t* const entry = entries_.data() + at * kDigestEntry;
  return uint64_t{read32(entry)} | uint64_t{read32(entry + 4)} << 32;
}

std::optional<DigestMatch> DigestTable::find(ByteSpan digest) const noexcept {
  if (count_ == 0) return std::nullopt;
  const uint64_t wanted = keyed_digest(key_, digest);
  // Keyed hashes are spread evenly: begin where the wanted one should stand, and go out from there
  // in growing steps before halving.
  __extension__ using Wide = unsigned __int128;
  const auto guess = static_cast<size_t>(static_cast<Wide>(wanted) * count_ >> 64);
  size_t low = guess;
  size_t high = guess;
  for (size_t step = 16; low > 0 && hash(low) >= wanted; step *= 2) low -= std::min(low, step);
  for (size_t step = 16; high < count_ && hash(high) < wanted; step *= 2) {
    high += std::min(count_ - high, step);
  }
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (hash(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count_ || hash(low) != wanted) return std::nullopt;
  const uint32_t place = read32(entries_.data() + low * kDigestEntry + 8);
  return DigestMatch{static_cast<DigestKind>(place >> 30), place & (kDigestFiles - 1)};
}

}  // namespace weir::signatures
