#include "signatures/fingerprint/index_format.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/byte_reader.h"
#include "signatures/fingerprint/digests.h"
#include "signatures/fingerprint/fingerprint.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kCheckLabel = 0x77656972'6b657921ULL;

Error error(std::string message) { return {std::move(message), {}}; }

}  // namespace

uint64_t block_checksum(ByteSpan bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t key_check(const SiteKey& key) noexcept {
  return siphash(key.derive(kCheckLabel), as_bytes("weir fingerprint index"));
}

void put32(std::vector<uint8_t>& out, uint32_t value) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void put64(std::vector<uint8_t>& out, uint64_t value) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

std::vector<uint8_t> IndexHeader::encode() const {
  std::vector<uint8_t> out;
  out.reserve(kHeaderBytes);
  put64(out, kIndexMagic);
  const size_t count = is_layer() ? kSections : kSections - 1;
  put32(out, is_layer() ? kLayerFormat : kIndexFormat);
  put32(out, static_cast<uint32_t>(count));
  for (const uint64_t value : {file_bytes, key_check, files, lines, fingerprints, critical_lines}) {
    put64(out, value);
  }
  for (const uint32_t value : {bucket_bits, window, anchor_bits, uint32_t{0}}) put32(out, value);
  for (size_t i = 0; i < count; ++i) {
    put64(out, sections[i].offset);
    put64(out, sections[i].size);
  }
  out.resize(kHeaderBytes - 8, 0);
  put64(out, block_checksum(out));
  return out;
}

Result<IndexHeader> IndexHeader::decode(ByteSpan head, uint64_t actual_bytes) {
  ByteReader reader(head);
  if (reader.le64() != kIndexMagic || !reader.ok()) return error("not a fingerprint index");
  const uint32_t format = reader.le32();
  if (reader.ok() && format != kIndexFormat && format != kLayerFormat) {
    return error("index of format " + std::to_string(format) + ", this program reads format " +
                 std::to_string(kIndexFormat) + ": build it anew");
  }
  if (head.size() < kHeaderBytes) return error("index is cut short: in its header");
  head = head.first(kHeaderBytes);
  if (ByteReader sum(head.last(8)); sum.le64() != block_checksum(head.first(kHeaderBytes - 8))) {
    return error("index is damaged: checksum of the header");
  }
  const size_t count = format == kLayerFormat ? kSections : kSections - 1;
  if (reader.le32() != count) return error("index is damaged: number of sections");
  IndexHeader h;
  for (uint64_t* value :
       {&h.file_bytes, &h.key_check, &h.files, &h.lines, &h.fingerprints, &h.critical_lines}) {
    *value = reader.le64();
  }
  for (uint32_t* value : {&h.bucket_bits, &h.window, &h.anchor_bits}) *value = reader.le32();
  reader.skip(4);
  for (size_t i = 0; i < count; ++i) {
    h.sections[i].offset = reader.le64();
    h.sections[i].size = reader.le64();
  }
  if (format == kLayerFormat && !h.is_layer()) return error("index is damaged: no layer");
  if (h.file_bytes != actual_bytes) {
    return error("index is cut short or was added to: " + std::to_string(actual_bytes) +
                 " bytes, " + std::to_string(h.file_bytes) + " expected");
  }
  for (const SectionPlace& place : h.sections) {
    if (place.offset > actual_bytes || place.size > actual_bytes - place.offset ||
        (place.offset < kHeaderBytes && (place.offset != 0 || place.size != 0))) {
      return error("index is damaged: a section lies outside the file");
    }
  }
  if (h.window != kWindow || h.anchor_bits != kAnchorBits) {
    return error("index was made with other fingerprint settings: build it anew");
  }
  const auto size = [&h](Section s) { return h.place(s).size; };
  constexpr uint64_t kMost = 1ULL << 40;  // so that the products below cannot wrap
  if (h.bucket_bits > 31 || h.files > kMost || h.fingerprints > kMost || h.lines > 0x7fffffff ||
      size(Section::kBloom) % kBloomBlock != 0 || size(Section::kBloom) == 0 ||
      size(Section::kBuckets) != 4 * ((uint64_t{1} << h.bucket_bits) + 1) ||
      size(Section::kEntries) != h.fingerprints * kEntryBytes ||
      size(Section::kPostings) % 4 != 0 || size(Section::kLineTags) != h.lines ||
      size(Section::kLineShapes) != h.lines || size(Section::kFiles) != h.files * kFileBytes ||
      size(Section::kRepositories) % 8 != 0 ||
      (size(Section::kHashTails) != 0 &&
       size(Section::kHashTails) != h.fingerprints * tail_bytes(h.bucket_bits)) ||
      size(Section::kDigests) % kDigestEntry != 0) {
    return error("index is damaged: sections do not have the size that the header tells");
  }
  return h;
}

}  // namespace weir::signatures
