#include "signatures/fingerprint/index_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weir::signatures {
namespace {

constexpr size_t kRowsAtOnce = size_t{1} << 16;

void store32(uint8_t* at, uint32_t value) noexcept {
  for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

}  // namespace

Result<IndexWriter> IndexWriter::create(const std::string& path) {
  Result<NewFile> file = NewFile::create(path, "index");
  if (!file) return file.error();
  return IndexWriter(std::move(file).value());
}

Status IndexWriter::flush_block() {
  put64(sums_, block_checksum(block_));
  Status done = file_.write_at(position_ - block_.size(), block_);
  block_.clear();
  return done;
}

Status IndexWriter::write(ByteSpan bytes) {
  while (!bytes.empty()) {
    const size_t step = std::min(bytes.size(), kChecksumBlock - block_.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(step));
    position_ += step;
    bytes = bytes.subspan(step);
    if (block_.size() == kChecksumBlock) {
      if (Status done = flush_block(); !done) return done;
    }
  }
  return ok_status();
}

Status IndexWriter::begin_section(Section section) {
  const std::vector<uint8_t> padding((kSectionAlign - position_ % kSectionAlign) % kSectionAlign);
  current_ = section;
  Status done = write(padding);
  header.place(section).offset = position_;
  return done;
}

void IndexWriter::end_section() {
  header.place(current_).size = position_ - header.place(current_).offset;
}

Status IndexWriter::section(Section which, ByteSpan bytes) {
  if (Status done = begin_section(which); !done) return done;
  Status done = write(bytes);
  end_section();
  return done;
}

Status IndexWriter::publish() {
  if (!block_.empty()) {
    if (Status done = flush_block(); !done) return done;
  }
  put64(sums_, block_checksum(sums_));
  header.place(Section::kChecksums) = {position_, sums_.size()};
  header.file_bytes = position_ + sums_.size();
  if (Status done = file_.write_at(position_, sums_); !done) return done;
  if (Status done = file_.write_at(0, header.encode()); !done) return done;
  return file_.publish();
}

Status TableWriter::add(uint64_t hash, const std::vector<uint32_t>& lines, uint32_t files,
                        uint32_t rarity) {
  uint32_t posting = lines.front();
  if (lines.size() > 1) {
    if (postings_.size() / 4 >= kManyPostings)
      return Error{"too many shared lines for one index", {}};
    posting = kManyPostings | static_cast<uint32_t>(postings_.size() / 4);
    put32(postings_, files << 16 | static_cast<uint32_t>(lines.size()));
    for (const uint32_t line : lines) put32(postings_, line);
  }
  rows_.push_back({hash, posting, rarity});
  ++count_;
  return rows_.size() < capacity_ ? ok_status() : spill();
}

Status TableWriter::spill() {
  if (spooled_.empty()) {
    Result<SpoolFile> file = SpoolFile::create(directory_);
    if (!file) return file.error();
    spooled_.push_back(std::move(file).value());
  }
  Status done = spooled_.front().append(rows_.data(), rows_.size() * sizeof(Row));
  rows_.clear();
  return done;
}

Status TableWriter::each_row(const std::function<void(const Row&)>& visit) {
  std::vector<Row> some(spooled_.empty() ? 0 : kRowsAtOnce);
  for (uint64_t offset = 0; !spooled_.empty();) {
    const Result<size_t> got =
        spooled_.front().read(offset, some.data(), some.size() * sizeof(Row));
    if (!got) return got.error();
    if (*got == 0) break;
    for (size_t i = 0; i < *got / sizeof(Row); ++i) visit(some[i]);
    offset += *got;
  }
  for (const Row& row : rows_) visit(row);
  return ok_status();
}

Status TableWriter::write_tails(IndexWriter& out, size_t bytes) {
  Status written = out.begin_section(Section::kHashTails);
  std::vector<uint8_t> tails(bytes << 14);
  size_t filled = 0;
  const Status read = each_row([&](const Row& row) {
    for (size_t i = 0; i < bytes; ++i) {
      tails[filled++] = static_cast<uint8_t>(row.hash >> (32 + 8 * i));
    }
    if (filled == tails.size()) {
      if (written) written = out.write(tails);
      filled = 0;
    }
  });
  if (!read) return read;
  if (written) written = out.write(ByteSpan(tails).first(filled));
  out.end_section();
  return written;
}

Status TableWriter::finish(IndexWriter& out) {
  if (count_ >= kManyPostings) return Error{"too many fingerprints for one index", {}};
  // About eight entries a bucket.
  const auto bits = static_cast<uint32_t>(std::bit_width(count_ / 8));
  const uint64_t buckets = uint64_t{1} << bits;
  const uint64_t blocks = (count_ * kBloomBits + 8 * kBloomBlock - 1) / (8 * kBloomBlock) + 1;
  std::vector<uint32_t> starts(buckets + 1, 0);
  std::vector<uint64_t> bloom(blocks * (kBloomBlock / 8), 0);
  std::vector<uint8_t> entries(kEntryBytes << 14);
  size_t filled = 0;
  Status written = out.begin_section(Section::kEntries);
  if (!written) return written;
  const Status read = each_row([&](const Row& row) {
    ++starts[(bits == 0 ? 0 : row.hash >> (64 - bits)) + 1];
    const std::array<uint64_t, 4> set = bloom_bits(row.hash);
    uint64_t* const block = bloom.data() + bloom_block(row.hash, blocks) * 4;
    for (size_t i = 0; i < 4; ++i) block[i] |= set[i];
    store32(entries.data() + filled, (static_cast<uint32_t>(row.hash) & ~kRarityMask) | row.rarity);
    store32(entries.data() + filled + 4, row.posting);
    filled += kEntryBytes;
    if (filled == entries.size()) {
      if (written) written = out.write(entries);
      filled = 0;
    }
  });
  if (!read) return read;
  if (written) written = out.write(ByteSpan(entries).first(filled));
  out.end_section();
  if (!written) return written;
  if (written = write_tails(out, tail_bytes(bits)); !written) return written;
  spooled_.clear();
  rows_ = {};
  entries.clear();
  uint32_t sum = 0;
  for (const uint32_t count : starts) put32(entries, sum += count);
  if (written = out.section(Section::kBuckets, entries); !written) return written;
  std::vector<uint8_t>().swap(entries);
  entries.reserve(bloom.size() * 8);
  for (const uint64_t word : bloom) put64(entries, word);
  if (written = out.section(Section::kBloom, entries); !written) return written;
  out.header.bucket_bits = bits;
  out.header.fingerprints = count_;
  return out.section(Section::kPostings, postings_);
}

}  // namespace weir::signatures
