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
#include "signatures/fingerprint/index_layers.h"
#include "signatures/fingerprint/index_probe.h"
#include "signatures/fingerprint/sealed_names.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kMostInBucket = 256;

ByteSpan part(ByteSpan file, const SectionPlace& place) noexcept {
  return file.subspan(place.offset, place.size);  // decode() checked both
}

}  // namespace

namespace {

IndexView view_of(ByteSpan file, const IndexHeader& header, const Fingerprinter& fingerprinter) {
  IndexView view;
  view.fingerprinter = &fingerprinter;
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
  return view;
}

}  // namespace

struct CodeIndex::Impl {
  Impl(FileMapping m, const SiteKey& key) : mapping(std::move(m)), fingerprinter(key) {}
  FileMapping mapping;
  std::vector<FileMapping> layer_mappings;
  IndexLayers layers;
  Fingerprinter fingerprinter;
  IndexInfo info;
  IndexView view;
  DigestStack digests;
  DistinctNames names;
  std::optional<LiteralSet> critical;
  std::vector<CriticalLine> critical_lines;

  Status read_critical(ByteSpan section, uint64_t expected);
  Status add_layer(const std::string& path, const SiteKey& key);
  Status read_repositories(const IndexView& from);
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

Status CodeIndex::Impl::read_repositories(const IndexView& from) {
  for (size_t i = 0; i + 8 <= from.repositories.size(); i += 8) {
    const uint32_t offset = read32(from.repositories.data() + i);
    const uint32_t size = read32(from.repositories.data() + i + 4);
    if (offset > from.names.size() || size > from.names.size() - offset) {
      return Error{"index is damaged: repository names", {}};
    }
    std::string name(as_chars(from.names.subspan(offset, size)));
    const auto end = info.repositories.end();
    // The base may have a name twice, as the sources did; a layer adds what is new.
    if (&from == &view || std::find(info.repositories.begin(), end, name) == end) {
      info.repositories.push_back(std::move(name));
    }
  }
  return ok_status();
}

Status CodeIndex::Impl::add_layer(const std::string& path, const SiteKey& key) {
  Result<FileMapping> opened = FileMapping::open(path);
  if (!opened) return opened.error();
  const ByteSpan file = opened->bytes();
  const auto refuse = [&path](std::string why) { return Error{std::move(why), path}; };
  const Result<IndexHeader> header = IndexHeader::decode(file, file.size());
  if (!header) return refuse(header.error().message);
  if (header->key_check != key_check(key)) return refuse("index was made with another site key");
  if (!header->is_layer()) return refuse("this is no layer of an index");
  const Result<LayerPlace> place = LayerPlace::decode(part(file, header->place(Section::kLayer)));
  if (!place) return refuse(place.error().message);
  const ByteSpan below = layer_mappings.empty() ? mapping.bytes() : layer_mappings.back().bytes();
  if (place->below != index_stamp(below) || place->first_line != info.lines ||
      place->first_file != info.files) {
    return refuse(
        "this layer was made for another index than the one it stands on: remove it, or "
        "build the index anew");
  }
  IndexLayers::Layer layer{view_of(file, *header, fingerprinter), place->first_line,
                           place->first_file};
  if (Status read = read_repositories(layer.view); !read) return refuse(read.error().message);
  layers.files = info.files + header->files;
  layers.hidden.resize(layers.files);
  for (const uint32_t number : place->hidden) layers.hidden[number] = true;
  digests.add(DigestTable(digest_key(key), part(file, header->place(Section::kDigests))));
  digests.hide(&layers.hidden);
  ++info.layers;
  info.files += header->files;
  info.lines += header->lines;
  info.fingerprints += header->fingerprints;
  info.bytes += file.size();
  info.digests = digests.size();
  info.hidden_files =
      static_cast<uint64_t>(std::count(layers.hidden.begin(), layers.hidden.end(), true));
  layers.layers.push_back(layer);
  layer_mappings.push_back(std::move(opened).value());
  return ok_status();
}

CodeIndex::CodeIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CodeIndex::~CodeIndex() = default;
const IndexInfo& CodeIndex::info() const noexcept { return impl_->info; }
const DistinctNames& CodeIndex::names() const noexcept { return impl_->names; }
const DigestStack& CodeIndex::digests() const noexcept { return impl_->digests; }

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

  if (header.is_layer()) return refuse("this is a layer of another index: open that one");

  IndexView& view = impl->view;
  view = view_of(file, header, impl->fingerprinter);
  impl->digests.add(DigestTable(digest_key(key), part(file, header.place(Section::kDigests))));

  IndexInfo& info = impl->info;
  info.format = kIndexFormat;
  info.files = header.files;
  info.lines = header.lines;
  info.fingerprints = header.fingerprints;
  info.bytes = file.size();
  info.critical_lines = header.critical_lines;
  info.sealed = header.place(Section::kSealedNames).size > 0;
  info.digests = impl->digests.size();
  if (Status read = impl->read_repositories(view); !read) return refuse(read.error().message);
  if (Status read =
          impl->read_critical(part(file, header.place(Section::kCritical)), header.critical_lines);
      !read) {
    return refuse(read.error().message);
  }
  Result<DistinctNames> names = read_names(part(file, header.place(Section::kDistinctNames)));
  if (!names) return refuse(names.error().message);
  impl->names = std::move(names).value();
  info.names = impl->names.names.size();
  const Result<uint32_t> layers = count_layers(path);
  if (!layers) return layers.error();
  for (uint32_t i = 1; i <= *layers; ++i) {
    if (Status added = impl->add_layer(layer_path(path, i), key); !added) return added.error();
  }
  return std::shared_ptr<const CodeIndex>(new CodeIndex(std::move(impl)));
}

Result<std::vector<std::pair<std::string, std::string>>> CodeIndex::sealed_names(
    const std::string& path, const SiteKey& private_key) {
  const Result<uint32_t> layers = count_layers(path);
  if (!layers) return layers.error();
  std::vector<std::pair<std::string, std::string>> out;
  for (uint32_t i = 0; i <= *layers; ++i) {
    const std::string one = i == 0 ? path : layer_path(path, i);
    const Result<FileMapping> mapping = FileMapping::open(one);
    if (!mapping) return mapping.error();
    const ByteSpan file = mapping->bytes();
    const Result<IndexHeader> header = IndexHeader::decode(file, file.size());
    if (!header) return Error{header.error().message, one};
    auto names = open_names(private_key, part(file, header->place(Section::kSealedNames)));
    if (!names) return Error{names.error().message, one};
    for (auto& name : names.value()) {
      if (std::find(out.begin(), out.end(), name) == out.end() || i == 0) {
        out.push_back(std::move(name));
      }
    }
  }
  return out;
}

namespace {

Status verify_file(const std::string& path) {
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

}  // namespace

Status CodeIndex::verify(const std::string& path) {
  const Result<uint32_t> layers = count_layers(path);
  if (!layers) return layers.error();
  Status done = verify_file(path);
  for (uint32_t i = 1; i <= *layers && done; ++i) done = verify_file(layer_path(path, i));
  return done;
}

IndexProbe::IndexProbe(const CodeIndex& index) noexcept
    : view_(index.impl_->view),
      blocks_(view_.bloom.size() / kBloomBlock),
      file_count_(view_.files.size() / kFileBytes) {
  if (index.impl_->layers.layers.empty()) return;
  layers_ = &index.impl_->layers;
  file_count_ = layers_->files;
}

size_t IndexProbe::sift_layers(std::span<const uint64_t> hashes, size_t passes,
                               std::array<uint32_t, kSiftMost>& passed) const noexcept {
  std::array<uint64_t, kSiftMost / 64> bits{};
  const auto mark = [&bits, &passed](size_t count) {
    for (size_t i = 0; i < count; ++i) bits[passed[i] / 64] |= uint64_t{1} << (passed[i] % 64);
  };
  mark(passes);
  for (const IndexLayers::Layer& layer : layers_->layers) {
    const ByteSpan bloom = layer.view.bloom;
    mark(bloom_sift({bloom.data(), bloom.size() / kBloomBlock}, hashes, passed.data()));
  }
  size_t count = 0;
  for (size_t word = 0; word < bits.size(); ++word) {
    for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
      passed[count++] =
          static_cast<uint32_t>(64 * word + static_cast<size_t>(__builtin_ctzll(left)));
    }
  }
  return count;
}

uint8_t IndexProbe::layer_byte(uint64_t global_line, bool shape) const noexcept {
  for (const IndexLayers::Layer& layer : layers_->layers) {
    const ByteSpan bytes = shape ? layer.view.shapes : layer.view.tags;
    if (global_line >= layer.first_line && global_line - layer.first_line < bytes.size()) {
      return bytes[global_line - layer.first_line];
    }
  }
  return 0;
}

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
  if (layers_ != nullptr) {
    for (size_t i = layers_->layers.size(); i > 0; --i) {
      const Postings found = find_in(layers_->layers[i - 1].view, hash);
      if (found.count() > 0) return found;
    }
  }
  return find_in(view_, hash);
}

Postings IndexProbe::find_in(const IndexView& view, uint64_t hash) noexcept {
  const size_t number =
      view.bucket_bits == 0 ? 0 : static_cast<size_t>(hash >> (64 - view.bucket_bits));
  const uint8_t* const bucket = view.buckets.data() + 4 * number;
  const uint64_t entries = view.entries.size() / kEntryBytes;
  const uint64_t begin = read32(bucket);
  // A bucket holds about eight; a damaged one must not cost more than a few cache lines.
  const uint64_t end = std::min({uint64_t{read32(bucket + 4)}, entries, begin + kMostInBucket});
  const uint32_t tag = static_cast<uint32_t>(hash) & ~kRarityMask;
  for (uint64_t i = begin; i < end; i += kEntriesAtOnce) {
    const uint8_t* const some = view.entries.data() + i * kEntryBytes;
    const size_t count = std::min<uint64_t>(kEntriesAtOnce, end - i);
    const size_t found = entries - i >= kEntriesAtOnce ? first_with_tag(some, count, tag)
                                                       : first_with_tag_plain(some, count, tag);
    if (found < count) return postings_of(view, some + found * kEntryBytes);
  }
  return {};
}

Postings IndexProbe::postings_of(const IndexView& view, const uint8_t* entry) noexcept {
  const uint32_t rarity = read32(entry) & kRarityMask;
  const uint32_t posting = read32(entry + 4);
  if ((posting & kManyPostings) == 0) return {posting, rarity};
  const uint64_t at = uint64_t{4} * (posting & ~kManyPostings);
  if (at + 4 > view.postings.size()) return {};
  const uint32_t head = read32(view.postings.data() + at);
  const uint32_t count = head & 0xffff;
  if (uint64_t{4} * count > view.postings.size() - at - 4) return {};
  return {view.postings.data() + at + 4, count, std::max<uint32_t>(1, head >> 16), rarity};
}

FileRecord IndexProbe::record(size_t number) const noexcept {
  const IndexView* view = &view_;
  if (layers_ != nullptr) view = &layers_->view_of(number, view_);
  const uint8_t* const at = view->files.data() + number * kFileBytes;
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
  if (is_hidden(static_cast<uint32_t>(low - 1))) return std::nullopt;
  return static_cast<uint32_t>(low - 1);
}

std::optional<IndexedFile> IndexProbe::file(uint32_t number) const noexcept {
  if (number >= file_count_) return std::nullopt;
  const FileRecord found = record(number);
  size_t within = number;
  const IndexView& view = layers_ == nullptr ? view_ : layers_->view_of(within, view_);
  const size_t names = view.names.size();
  IndexedFile out;
  out.first_line = found.first_line;
  out.lines = found.lines;
  if (found.name_offset <= names && found.name_size <= names - found.name_offset) {
    out.path = as_chars(view.names.subspan(found.name_offset, found.name_size));
  }
  if (uint64_t{8} * found.repository + 8 <= view.repositories.size()) {
    const uint8_t* const at = view.repositories.data() + uint64_t{8} * found.repository;
    const uint32_t offset = read32(at);
    const uint32_t size = read32(at + 4);
    if (offset <= names && size <= names - offset) {
      out.repository = as_chars(view.names.subspan(offset, size));
    }
  }
  return out;
}

}  // namespace weir::signatures
