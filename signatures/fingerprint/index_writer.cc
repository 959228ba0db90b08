#include "signatures/fingerprint/index_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weir::signatures {
namespace {

void store32(uint8_t* at, uint32_t value) noexcept {
  for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

// In little endian, a piece at a time: there is no room for all of it twice.
template <typename Number>
Status write_numbers(IndexWriter& out, Section section, const std::vector<Number>& numbers) {
  constexpr size_t kAtOnce = size_t{1} << 14;
  if (Status done = out.begin_section(section); !done) return done;
  std::vector<uint8_t> some;
  for (size_t at = 0; at < numbers.size(); at += kAtOnce) {
    some.clear();
    for (size_t i = at; i < std::min(at + kAtOnce, numbers.size()); ++i) {
      if constexpr (sizeof(Number) == 4) {
        put32(some, numbers[i]);
      } else {
        put64(some, numbers[i]);
      }
    }
    if (Status done = out.write(some); !done) return done;
  }
  out.end_section();
  return ok_status();
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

TableWriter::TableWriter(IndexWriter& out, std::string directory, uint64_t memory)
    : out_(out),
      directory_(std::move(directory)),
      most_blocks_(std::max<size_t>(memory / (8 * kHashesAtOnce), 1)),
      status_(out.begin_section(Section::kEntries)),
      entries_(kEntryBytes << 14) {}

Status TableWriter::add(uint64_t hash, std::span<const uint32_t> lines, uint32_t files,
                        uint32_t rarity) {
  uint32_t posting = lines.front();
  if (lines.size() > 1) {
    if (postings_.size() / 4 >= kManyPostings)
      return Error{"too many shared lines for one index", {}};
    posting = kManyPostings | static_cast<uint32_t>(postings_.size() / 4);
    put32(postings_, files << 16 | static_cast<uint32_t>(lines.size()));
    for (const uint32_t line : lines) put32(postings_, line);
  }
  store32(entries_.data() + filled_, (static_cast<uint32_t>(hash) & ~kRarityMask) | rarity);
  store32(entries_.data() + filled_ + 4, posting);
  filled_ += kEntryBytes;
  if (filled_ == entries_.size()) {
    if (Status done = flush_entries(); !done) return done;
  }
  if (blocks_used_ == 0 || blocks_[blocks_used_ - 1].size() == kHashesAtOnce) {
    if (Status done = next_block(); !done) return done;
  }
  blocks_[blocks_used_ - 1].push_back(hash);
  ++count_;
  return ok_status();
}

Status TableWriter::flush_entries() {
  if (status_) status_ = out_.write(ByteSpan(entries_).first(filled_));
  filled_ = 0;
  return status_;
}

Status TableWriter::next_block() {
  if (blocks_used_ == most_blocks_) {
    if (spooled_.empty()) {
      Result<SpoolFile> file = SpoolFile::create(directory_);
      if (!file) return file.error();
      spooled_.push_back(std::move(file).value());
    }
    for (std::vector<uint64_t>& block : blocks_) {
      if (Status put = spooled_.front().append(block.data(), 8 * block.size()); !put) return put;
      block.clear();
    }
    blocks_used_ = 0;
  }
  if (blocks_used_ == blocks_.size()) blocks_.emplace_back().reserve(kHashesAtOnce);
  ++blocks_used_;
  return ok_status();
}

// In the order in which they came.
template <typename Visit>
Status TableWriter::each_hash(Visit&& visit) const {
  std::vector<uint64_t> some(spooled_.empty() ? 0 : kHashesAtOnce);
  for (uint64_t offset = 0; !spooled_.empty();) {
    const Result<size_t> got = spooled_.front().read(offset, some.data(), 8 * some.size());
    if (!got) return got.error();
    if (*got == 0) break;
    for (size_t i = 0; i < *got / 8; ++i) visit(some[i]);
    offset += *got;
  }
  for (size_t b = 0; b < blocks_used_; ++b) {
    for (const uint64_t hash : blocks_[b]) visit(hash);
  }
  return ok_status();
}

Status TableWriter::write_tails(size_t bytes) {
  Status written = out_.begin_section(Section::kHashTails);
  std::vector<uint8_t> tails((bytes << 14) + 8);
  size_t filled = 0;
  const Status read = each_hash([&](uint64_t hash) {
    // Four bytes at once; what is too much is overwritten by the next.
    store32(tails.data() + filled, static_cast<uint32_t>(hash >> 32));
    filled += bytes;
    if (filled == bytes << 14) {
      if (written) written = out_.write(ByteSpan(tails).first(filled));
      filled = 0;
    }
  });
  if (!read) return read;
  if (written) written = out_.write(ByteSpan(tails).first(filled));
  out_.end_section();
  return written;
}

Status TableWriter::finish() {
  if (count_ >= kManyPostings) return Error{"too many fingerprints for one index", {}};
  if (Status done = flush_entries(); !done) return done;
  out_.end_section();
  // About eight entries a bucket.
  const auto bits = static_cast<uint32_t>(std::bit_width(count_ / 8));
  if (Status done = write_tails(tail_bytes(bits)); !done) return done;
  const uint64_t buckets = uint64_t{1} << bits;
  const uint64_t blocks = (count_ * kBloomBits + 8 * kBloomBlock - 1) / (8 * kBloomBlock) + 1;
  std::vector<uint32_t> starts(buckets + 1, 0);
  std::vector<uint64_t> bloom(blocks * (kBloomBlock / 8), 0);
  const Status read = each_hash([&](uint64_t hash) {
    ++starts[(bits == 0 ? 0 : hash >> (64 - bits)) + 1];
    const std::array<uint64_t, 4> set = bloom_bits(hash);
    uint64_t* const block = bloom.data() + bloom_block(hash, blocks) * 4;
    for (size_t i = 0; i < 4; ++i) block[i] |= set[i];
  });
  if (!read) return read;
  spooled_.clear();
  blocks_ = {};
  uint32_t sum = 0;
  for (uint32_t& start : starts) start = sum += start;
  if (Status done = write_numbers(out_, Section::kBuckets, starts); !done) return done;
  if (Status done = write_numbers(out_, Section::kBloom, bloom); !done) return done;
  out_.header.bucket_bits = bits;
  out_.header.fingerprints = count_;
  return out_.section(Section::kPostings, postings_);
}

}  // namespace weir::signatures
