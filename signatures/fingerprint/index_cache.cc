#include "signatures/fingerprint/index_cache.h"

#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/byte_reader.h"
#include "signatures/fingerprint/index_format.h"
#include "signatures/fingerprint/names_reader.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kMagic = 0x32614370'72696557ULL;  // "WeirpCa2"
constexpr size_t kHead = 72;
constexpr uint64_t kContentLabel = 0x77656972'636f6e74ULL;
static_assert(sizeof(PlacedHash) == 16);

enum Flags : uint8_t {
  kTaken = 1,
  kPublicFile = 2,
  kWantsCritical = 4,
  kHasDigests = 8,
  kWantsNames = 16,
  kForeign = 32
};

// Something of all that a change of fingerprinting would treat in another way.
constexpr std::string_view kSample =
    "// Copyright 2001 The Weir Authors. Licensed under the Apache License, Version 2.0\n"
    "#include <vector>\nimport os.path as osp\n\n"
    "static int frobnicate_ledger(struct ledger* l, const char *name = \"walrus tusk\") {\n"
    "\tfor (int i = 0; i < l->total; ++i) { total += quokka_factor[i] * 0x7fL; }\n"
    "  12: return self.BrineFactor(pickleCount, gherkin_total) && !isPublic;\n"
    "+  if err != nil { return fmt.Errorf(\"cannot open %s: %w\", path, err) }\n"
    "> def compute_invoice(self, *, lines: list[Line]) -> Decimal:  # sum it up\n"
    "}\n}\n\nlet mut zebra_counter: HashMap<String, u64> = HashMap::with_capacity(4096);\r\n";

void put_text(std::vector<uint8_t>& out, std::string_view text) {
  put32(out, static_cast<uint32_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

Error damaged() { return {"cache is damaged", {}}; }

}  // namespace

ContentHash content_hash(const SiteKey& key, std::string_view content) noexcept {
  const uint64_t seed = key.derive(kContentLabel).words[0];
  const XXH128_hash_t hash = XXH3_128bits_withSeed(content.data(), content.size(), seed);
  return {hash.low64, hash.high64};
}

uint64_t fingerprint_check(const SiteKey& key) {
  FileReader reader(key);
  FileFingerprints found;
  std::vector<uint8_t> all;
  for (const bool weak : {false, true}) {
    reader.read(kSample, true, weak, found);
    all.insert(all.end(), found.tags.begin(), found.tags.end());
    all.insert(all.end(), found.shapes.begin(), found.shapes.end());
    for (const auto& placed : found.placed) {
      put64(all, placed.hash);
      put32(all, placed.line << kRarityBits | placed.rarity);
    }
    for (const auto& line : found.critical) put_text(all, line.normalised);
  }
  NameReader names(key);
  std::vector<NameReader::Name> read;
  names.read(kSample, read);
  for (const NameReader::Name& name : read) {
    put64(all, name.hash);
    put32(all, name.place);
  }
  return siphash(key.derive(kContentLabel), all);
}

Result<IndexCache> IndexCache::open(const std::string& path, const SiteKey& key) {
  Result<FileMapping> mapping = FileMapping::open(path);
  if (!mapping) return mapping.error();
  IndexCache cache(std::move(mapping).value());
  const ByteSpan all = cache.mapping_.bytes();
  if (all.size() < kHead) return damaged();
  ByteReader head(all.first(kHead));
  if (head.le64() != kMagic || head.le64() != key_check(key) ||
      head.le64() != fingerprint_check(key)) {
    return Error{"cache of another key or program", path};
  }
  const uint64_t files = head.le64();
  const uint64_t records = head.le64();
  cache.names_at_ = head.le64();
  cache.records_checksum_ = head.le64();
  const uint64_t table_checksum = head.le64();
  if (head.le64() != block_checksum(all.first(kHead - 8)) ||
      records > (all.size() - kHead) / sizeof(PlacedHash) || cache.names_at_ > records) {
    return damaged();
  }
  cache.records_ = all.subspan(kHead, records * sizeof(PlacedHash));
  const ByteSpan table = all.subspan(kHead + cache.records_.size());
  if (block_checksum(table) != table_checksum) return damaged();
  if (Status read = cache.read_files(table, files); !read) return read.error();
  return cache;
}

Status IndexCache::read_files(ByteSpan table, uint64_t count) {
  ByteReader reader(table);
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    const auto number = static_cast<uint32_t>(files_.size());
    ScannedFile& file = files_.emplace_back();
    const uint8_t flags = reader.u8();
    if ((flags & kTaken) == 0) {
      file.why = "left out";
      continue;
    }
    const ByteSpan origin = reader.take(reader.le32());
    const ByteSpan path = reader.take(reader.le32());
    file.source.path = as_chars(path);
    file.repository = (flags & kPublicFile) != 0 ? ScannedFile::kPublic : 0;
    file.source.foreign = (flags & kForeign) != 0;
    file.wants_critical = (flags & kWantsCritical) != 0;
    file.wants_names = (flags & kWantsNames) != 0;
    file.has_digests = (flags & kHasDigests) != 0;
    file.content.low = reader.le64();
    file.content.high = reader.le64();
    file.bytes = reader.le64();
    file.dropped = reader.le64();
    const ByteSpan tags = reader.take(reader.le32());
    file.tags.assign(tags.begin(), tags.end());
    const ByteSpan shapes = reader.take(reader.le32());
    file.shapes.assign(shapes.begin(), shapes.end());
    if (file.has_digests) {
      for (uint64_t& digest : file.digests) digest = reader.le64();
    }
    for (uint32_t lines = reader.le32(); lines > 0 && reader.ok(); --lines) {
      FileFingerprints::LongLine& line = file.critical.emplace_back();
      line.hash = reader.le64();
      line.line = reader.le32();
      line.distinctive = reader.le32();
      line.normalised = as_chars(reader.take(reader.le32()));
    }
    numbers_.emplace(std::string(as_chars(origin)) + '\0' + file.source.path, number);
  }
  return reader.ok() && reader.empty() ? ok_status() : Status(damaged());
}

uint32_t IndexCache::find(std::string_view origin, std::string_view path) const {
  std::string name(origin);
  name += '\0';
  name += path;
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? kNone : found->second;
}

Status IndexCache::check_records() const {
  return block_checksum(records_) == records_checksum_ ? ok_status() : Status(damaged());
}

struct IndexCacheWriter::Sum {
  XXH3_state_t* state = XXH3_createState();
  Sum() { XXH3_64bits_reset(state); }
  Sum(const Sum&) = delete;
  Sum& operator=(const Sum&) = delete;
  ~Sum() { XXH3_freeState(state); }
};

IndexCacheWriter::IndexCacheWriter(NewFile file)
    : file_(std::move(file)), sum_(std::make_unique<Sum>()) {}
IndexCacheWriter::IndexCacheWriter(IndexCacheWriter&&) noexcept = default;
IndexCacheWriter::~IndexCacheWriter() = default;

Result<IndexCacheWriter> IndexCacheWriter::create(const std::string& path) {
  Result<NewFile> file = NewFile::create(path, "cache");
  if (!file) return file.error();
  IndexCacheWriter writer(std::move(file).value());
  writer.position_ = kHead;
  return writer;
}

Status IndexCacheWriter::put(ByteSpan bytes) {
  Status done = file_.write_at(position_, bytes);
  position_ += bytes.size();
  return done;
}

Status IndexCacheWriter::flush() {
  const ByteSpan bytes(reinterpret_cast<const uint8_t*>(buffer_.data()),
                       buffer_.size() * sizeof(PlacedHash));
  XXH3_64bits_update(sum_->state, bytes.data(), bytes.size());
  records_ += buffer_.size();
  Status done = put(bytes);
  buffer_.clear();
  return done;
}

Status IndexCacheWriter::publish(const std::vector<ScannedFile>& files,
                                 const std::vector<std::string>& origins, const SiteKey& key) {
  if (Status done = flush(); !done) return done;
  std::vector<uint8_t> table;
  for (const ScannedFile& file : files) {
    if (!file.why.empty()) {
      table.push_back(0);
      continue;
    }
    table.push_back(static_cast<uint8_t>(
        kTaken | (file.is_public() ? kPublicFile : 0) | (file.wants_critical ? kWantsCritical : 0) |
        (file.wants_names ? kWantsNames : 0) | (file.has_digests ? kHasDigests : 0) |
        (file.is_foreign() ? kForeign : 0)));
    put_text(table, origins[file.origin]);
    put_text(table, file.source.path);
    for (const uint64_t value : {file.content.low, file.content.high, file.bytes, file.dropped}) {
      put64(table, value);
    }
    put_text(table, as_chars(file.tags));
    put_text(table, as_chars(file.shapes));
    if (file.has_digests) {
      for (const uint64_t digest : file.digests) put64(table, digest);
    }
    put32(table, static_cast<uint32_t>(file.critical.size()));
    for (const FileFingerprints::LongLine& line : file.critical) {
      put64(table, line.hash);
      put32(table, line.line);
      put32(table, line.distinctive);
      put_text(table, line.normalised);
    }
  }
  if (Status done = put(table); !done) return done;
  std::vector<uint8_t> head;
  for (const uint64_t value :
       {kMagic, key_check(key), fingerprint_check(key), uint64_t{files.size()}, records_, names_at_,
        uint64_t{XXH3_64bits_digest(sum_->state)}, block_checksum(table)}) {
    put64(head, value);
  }
  put64(head, block_checksum(head));
  if (Status done = file_.write_at(0, head); !done) return done;
  return file_.publish();
}

}  // namespace weir::signatures
