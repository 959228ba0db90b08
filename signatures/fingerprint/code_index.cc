// Opening maps the file and reads the header, the repository names and the critical lines; all else
// is read where a probe needs it.
#include "signatures/fingerprint/code_index.h"

#include <emmintrin.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/byte_reader.h"
#include "signatures/fingerprint/file_mapping.h"
#include "signatures/fingerprint/fingerprint.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/sealed_names.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kMostInBucket = 256;

ByteSpan part(ByteSpan file, const SectionPlace& place) noexcept {
  return file.subspan(place.offset, place.size);  // decode() checked both
}

}  // namespace

struct CodeIndex::Impl {
  Impl(FileMapping m, const SiteKey& key) : mapping(std::move(m)), fingerprinter(key) {}
  FileMapping mapping;
  Fingerprinter fingerprinter;
  IndexInfo info;
  IndexView view;
  DigestTable digests;
  DistinctNames names;
  std::optional<LiteralSet> critical;
  std::vector<CriticalLine> critical_lines;

  Status read_critical(ByteSpan section, uint64_t expected);
};

// u32 count; count times {u32 global line, u32 size, bytes}; u32 size, the compiled set. Lines are
// compiled anew when the compiled form is refused, as it is after an update of the matcher.
Status CodeIndex::Impl::read_critical(ByteSpan section, uint64_t expected) {
  if (section.empty() && expected == 0) return ok_status();
  ByteReader reader(section);
  const uint32_t count = reader.le32();
  std::vector<Literal> literals;
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    CriticalLine line;
    line.global_line = reader.le32();
    line.size = reader.le32();
    const ByteSpan bytes = reader.take(line.size);
    std::copy_n(bytes.begin(), std::min(bytes.size(), line.head.size()), line.head.begin());
    literals.push_back({i, as_chars(bytes)});
    critical_lines.push_back(line);
  }
  const ByteSpan compiled = reader.take(reader.le32());
  if (!reader.ok() || !reader.empty() || count != expected) {
    return Error{"index is damaged: critical lines", {}};
  }
  if (count == 0) return ok_status();
  Result<LiteralSet> set = LiteralSet::deserialise(compiled);
  if (!set) set = LiteralSet::compile(literals);
  if (!set) return Error{"critical lines do not compile: " + set.error().message, {}};
  critical.emplace(std::move(set).value());
  view.critical = &*critical;
  view.critical_lines = critical_lines;
  return ok_status();
}

CodeIndex::CodeIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CodeIndex::~CodeIndex() = default;
const IndexInfo& CodeIndex::info() const noexcept { return impl_->info; }
const DistinctNames& CodeIndex::names() const noexcept { return impl_->names; }
const DigestTable& CodeIndex::digests() const noexcept { return impl_->digests; }

Result<std::shared_ptr<const CodeIndex>> CodeIndex::open(const std::string& path,
                                                         const SiteKey& key) {
  Result<FileMapping> mapping = FileMapping::open(path);
  if (!mapping) return mapping.error();
  auto impl = std::make_unique<Impl>(std::move(mapping).value(), key);
  const ByteSpan file = impl->mapping.bytes();
  const auto refuse = [&path](std::string why) { return Error{std::move(why), path}; };
  const Result<IndexHeader> decoded = IndexHeader::decode(file, file.size());
  if (!decoded) return refuse(decoded.error().message);
  const IndexHeader& header = *decoded;
  if (header.key_check != key_check(key)) return refuse("index was made with another site key");

  IndexView& view = impl->view;
  view.fingerprinter = &impl->fingerprinter;
  view.bloom = part(file, header.place(Section::kBloom));
  view.buckets = part(file, header.place(Section::kBuckets));
  view.entries = part(file, header.place(Section::kEntries));
  view.postings = part(file, header.place(Section::kPostings));
  view.tags = part(file, header.place(Section::kLineTags));
  view.shapes = part(file, header.place(Section::kLineShapes));
  view.files = part(file, header.place(Section::kFiles));
  view.repositories = part(file, header.place(Section::kRepositories));
  view.names = part(file, header.place(Section::kNames));
  view.bucket_bits = header.bucket_bits;
  impl->digests = DigestTable(digest_key(key), part(file, header.place(Section::kDigests)));

  IndexInfo& info = impl->info;
  info.format = kIndexFormat;
  info.files = header.files;
  info.lines = header.lines;
  info.fingerprints = header.fingerprints;
  info.bytes = file.size();
  info.critical_lines = header.critical_lines;
  info.sealed = header.place(Section::kSealedNames).size > 0;
  info.digests = impl->digests.size();
  for (size_t i = 0; i + 8 <= view.repositories.size(); i += 8) {
    const uint32_t offset = read32(view.repositories.data() + i);
    const uint32_t size = read32(view.repositories.data() + i + 4);
    if (offset > view.names.size() || size > view.names.size() - offset) {
      return refuse("index is damaged: repository names");
    }
    info.repositories.emplace_back(as_chars(view.names.subspan(offset, size)));
  }
  if (Status read =
          impl->read_critical(part(file, header.place(Section::kCritical)), header.critical_lines);
      !read) {
    return refuse(read.error().message);
  }
  Result<DistinctNames> names = read_names(part(file, header.place(Section::kDistinctNames)));
  if (!names) return refuse(names.error().message);
  impl->names = std::move(names).value();
  info.names = impl->names.names.size();
  return std::shared_ptr<const CodeIndex>(new CodeIndex(std::move(impl)));
}

Result<std::vector<std::pair<std::string, std::string>>> CodeIndex::sealed_names(
    const std::string& path, const SiteKey& private_key) {
  const Result<FileMapping> mapping = FileMapping::open(path);
  if (!mapping) return mapping.error();
  const ByteSpan file = mapping->bytes();
  const Result<IndexHeader> header = IndexHeader::decode(file, file.size());
  if (!header) return Error{header.error().message, path};
  auto names = open_names(private_key, part(file, header->place(Section::kSealedNames)));
  if (!names) return Error{names.error().message, path};
  return names;
}

Status CodeIndex::verify(const std::string& path) {
  const Result<FileMapping> mapping = FileMapping::open(path);
  if (!mapping) return mapping.error();
  const ByteSpan file = mapping->bytes();
  const auto refuse = [&path](std::string why) { return Error{std::move(why), path}; };
  const Result<IndexHeader> header = IndexHeader::decode(file, file.size());
  if (!header) return refuse(header.error().message);
  const SectionPlace& sums = header->place(Section::kChecksums);
  const uint64_t blocks = (sums.offset - kHeaderBytes + kChecksumBlock - 1) / kChecksumBlock;
  // One checksum for each block, then one of the checksums themselves, to the end of the file.
  if (sums.size != 8 * (blocks + 1) || sums.offset + sums.size != file.size()) {
    return refuse("index is damaged: checksums");
  }
  const ByteSpan table = file.subspan(sums.offset, sums.size);
  if (ByteReader own(table.last(8)); own.le64() != block_checksum(table.first(8 * blocks))) {
    return refuse("index is damaged: checksum of the checksums");
  }
  ByteReader expected(table);
  for (uint64_t i = 0; i < blocks; ++i) {
    const uint64_t begin = kHeaderBytes + i * kChecksumBlock;
    const uint64_t end = std::min<uint64_t>(begin + kChecksumBlock, sums.offset);
    if (expected.le64() != block_checksum(file.subspan(begin, end - begin))) {
      return refuse("index is damaged: checksum of bytes " + std::to_string(begin) + " to " +
                    std::to_string(end));
    }
  }
  return ok_status();
}

IndexProbe::IndexProbe(const CodeIndex& index) noexcept
    : view_(index.impl_->view),
      blocks_(view_.bloom.size() / kBloomBlock),
      file_count_(view_.files.size() / kFileBytes) {}

namespace {

constexpr size_t kEntriesAtOnce = 8;

// Of `count` entries the first with the tag; kEntriesAtOnce when there is none.
size_t first_with_tag_plain(const uint8_t* entries, size_t count, uint32_t tag) noexcept {
  for (size_t i = 0; i < count; ++i) {
    if ((read32(entries + i * kEntryBytes) & ~kRarityMask) == tag) return i;
  }
  return kEntriesAtOnce;
}

// Reads kEntriesAtOnce entries, and has no branch on which of them it is.
size_t first_with_tag(const uint8_t* entries, size_t count, uint32_t tag) noexcept {
  const auto four = [&](size_t from) {
    const auto* const at = reinterpret_cast<const __m128i*>(entries + from * kEntryBytes);
    const __m128 firsts = _mm_shuffle_ps(_mm_castsi128_ps(_mm_loadu_si128(at)),
                                         _mm_castsi128_ps(_mm_loadu_si128(at + 1)), 0x88);
    const __m128i bits =
        _mm_and_si128(_mm_castps_si128(firsts), _mm_set1_epi32(static_cast<int32_t>(~kRarityMask)));
    const __m128i same = _mm_cmpeq_epi32(bits, _mm_set1_epi32(static_cast<int32_t>(tag)));
    return static_cast<uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(same)));
  };
  const uint32_t there = (1U << count) - 1;
  const uint32_t found = (four(0) | four(4) << 4) & there;
  return static_cast<size_t>(__builtin_ctz(found | 1U << kEntriesAtOnce));
}

}  // namespace

Postings IndexProbe::find(uint64_t hash) const noexcept {
  const uint8_t* const bucket = view_.buckets.data() + 4 * bucket_of(hash);
  const uint64_t entries = view_.entries.size() / kEntryBytes;
  const uint64_t begin = read32(bucket);
  // A bucket holds about eight; a damaged one must not cost more than a few cache lines.
  const uint64_t end = std::min({uint64_t{read32(bucket + 4)}, entries, begin + kMostInBucket});
  const uint32_t tag = static_cast<uint32_t>(hash) & ~kRarityMask;
  for (uint64_t i = begin; i < end; i += kEntriesAtOnce) {
    const uint8_t* const some = view_.entries.data() + i * kEntryBytes;
    const size_t count = std::min<uint64_t>(kEntriesAtOnce, end - i);
    const size_t found = entries - i >= kEntriesAtOnce ? first_with_tag(some, count, tag)
                                                       : first_with_tag_plain(some, count, tag);
    if (found < count) return postings_of(some + found * kEntryBytes);
  }
  return {};
}

Postings IndexProbe::postings_of(const uint8_t* entry) const noexcept {
  const uint32_t rarity = read32(entry) & kRarityMask;
  const uint32_t posting = read32(entry + 4);
  if ((posting & kManyPostings) == 0) return {posting, rarity};
  const uint64_t at = uint64_t{4} * (posting & ~kManyPostings);
  if (at + 4 > view_.postings.size()) return {};
  const uint32_t head = read32(view_.postings.data() + at);
  const uint32_t count = head & 0xffff;
  if (uint64_t{4} * count > view_.postings.size() - at - 4) return {};
  return {view_.postings.data() + at + 4, count, std::max<uint32_t>(1, head >> 16), rarity};
}

FileRecord IndexProbe::record(size_t number) const noexcept {
  const uint8_t* const at = view_.files.data() + number * kFileBytes;
  return {read32(at), read32(at + 4), read32(at + 8), read32(at + 12), read32(at + 16)};
}

std::optional<uint32_t> IndexProbe::file_of(uint32_t global_line) const noexcept {
  // The last file that begins at or before the line; files without lines are skipped by that.
  size_t low = 0;
  size_t high = file_count_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (record(middle).first_line <= global_line) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  const FileRecord found = record(low - 1);
  if (global_line - found.first_line >= found.lines) return std::nullopt;
  return static_cast<uint32_t>(low - 1);
}

std::optional<IndexedFile> IndexProbe::file(uint32_t number) const noexcept {
  if (number >= file_count_) return std::nullopt;
  const FileRecord found = record(number);
  const size_t names = view_.names.size();
  IndexedFile out;
  out.first_line = found.first_line;
  out.lines = found.lines;
  if (found.name_offset <= names && found.name_size <= names - found.name_offset) {
    out.path = as_chars(view_.names.subspan(found.name_offset, found.name_size));
  }
  if (uint64_t{8} * found.repository + 8 <= view_.repositories.size()) {
    const uint8_t* const at = view_.repositories.data() + uint64_t{8} * found.repository;
    const uint32_t offset = read32(at);
    const uint32_t size = read32(at + 4);
    if (offset <= names && size <= names - offset) {
      out.repository = as_chars(view_.names.subspan(offset, size));
    }
  }
  return out;
}

}  // namespace weir::signatures
