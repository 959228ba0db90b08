#include "signatures/fingerprint/record_partitions.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

namespace weir::signatures {
namespace {

constexpr size_t kPiece = size_t{1} << 16;  // records read or written at once
constexpr size_t kHugePage = size_t{2} << 20;
constexpr unsigned kPartedBits = 8;  // those that all records of a part share

// Records of one part: by as many bits as tell most of them apart, then what is left to compare.
void sort_part(std::vector<PlacedHash>& records, std::vector<PlacedHash>& scratch) {
  const size_t count = records.size();
  if (count < 128) {
    std::sort(records.begin(), records.end());
    return;
  }
  const unsigned digits = std::min(7U, (static_cast<unsigned>(std::bit_width(count)) + 10) / 8);
  const unsigned low = 64 - kPartedBits - 8 * digits;
  std::vector<std::array<size_t, 256>> places(digits);
  for (auto& row : places) row.fill(0);
  for (const PlacedHash& record : records) {
    for (unsigned d = 0; d < digits; ++d) ++places[d][record.hash >> (low + 8 * d) & 0xff];
  }
  scratch.resize(count);
  for (unsigned d = 0; d < digits; ++d) {
    size_t sum = 0;
    for (size_t& place : places[d]) sum += std::exchange(place, sum);
    for (const PlacedHash& record : records) {
      scratch[places[d][record.hash >> (low + 8 * d) & 0xff]++] = record;
    }
    records.swap(scratch);
  }
  for (size_t first = 0; first < count;) {
    size_t next = first + 1;
    while (next < count && records[next].hash >> low == records[first].hash >> low) ++next;
    const auto begin = records.begin() + static_cast<ptrdiff_t>(first);
    const auto end = records.begin() + static_cast<ptrdiff_t>(next);
    // One thread's are in order already.
    if (next - first > 1 && !std::is_sorted(begin, end)) std::sort(begin, end);
    first = next;
  }
}

}  // namespace

// Three quarters are for what comes in, the rest for sorting.
RecordPartitions::RecordPartitions(std::string directory, uint64_t memory, uint32_t writers)
    : directory_(std::move(directory)), memory_(memory), writers_(writers) {
  const size_t records =
      static_cast<size_t>(std::max<uint64_t>(memory / 4 * 3 / writers, 64 << 10)) /
      sizeof(PlacedHash);
  // Of each part one chunk is not full: few of all.
  chunk_ = std::clamp<size_t>(records / kParts / 8, 4, 512);
  chunks_ = std::min<size_t>(records / chunk_, kNoChunk);
}

uint64_t RecordPartitions::spills() const noexcept {
  uint64_t sum = 0;
  for (const Writer& writer : writers_) sum += writer.runs.size();
  return sum;
}

Status RecordPartitions::grow(Writer& writer, Head& head) {
  if (writer.used == chunks_) {
    if (Status done = spill(writer); !done) return done;
  }
  if (!writer.arena) {
    const size_t bytes =
        (chunks_ * chunk_ * sizeof(PlacedHash) + kHugePage - 1) / kHugePage * kHugePage;
    void* const room = std::aligned_alloc(kHugePage, bytes);
    if (room == nullptr) return Error{"no memory for sorting: lower --memory", {}};
    ::madvise(room, bytes, MADV_HUGEPAGE);  // a wish
    writer.arena.reset(static_cast<PlacedHash*>(room));
    writer.before.resize(chunks_);
  }
  const auto fresh = static_cast<uint32_t>(writer.used++);
  writer.before[fresh] = head.chunk;
  head.chunk = fresh;
  ++head.chunks;
  head.at = writer.arena.get() + fresh * chunk_;
  head.end = head.at + chunk_;
  return ok_status();
}

uint64_t RecordPartitions::held(const Head& head) const noexcept {
  return head.chunks * chunk_ - static_cast<uint64_t>(head.end - head.at);
}

// As they were filled, so that what came in order stays so.
template <typename Take>
Status RecordPartitions::each_chunk(const Writer& writer, size_t part, Take&& take) const {
  const Head& head = writer.heads[part];
  std::vector<uint32_t> chunks(head.chunks);
  uint32_t chunk = head.chunk;
  for (size_t i = chunks.size(); i > 0; chunk = writer.before[chunk]) chunks[--i] = chunk;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const size_t unused = i + 1 < chunks.size() ? 0 : static_cast<size_t>(head.end - head.at);
    const PlacedHash* const begin = writer.arena.get() + chunks[i] * chunk_;
    if (Status taken = take(std::span<const PlacedHash>(begin, chunk_ - unused)); !taken) {
      return taken;
    }
  }
  return ok_status();
}

Status RecordPartitions::spill(Writer& writer) {
  if (writer.spool.empty()) {
    Result<SpoolFile> file = SpoolFile::create(directory_);
    if (!file) return file.error();
    writer.spool.push_back(std::move(file).value());
  }
  Run run{writer.spooled, {}};
  std::vector<PlacedHash> piece;
  piece.reserve(std::min(kPiece, chunks_ * chunk_ / 8 + chunk_));
  const auto flush = [&]() -> Status {
    Status put = writer.spool.front().append(piece.data(), piece.size() * sizeof(PlacedHash));
    piece.clear();
    return put;
  };
  for (size_t part = 0; part < kParts; ++part) {
    run.starts[part + 1] = run.starts[part] + held(writer.heads[part]);
    Status put = each_chunk(writer, part, [&](std::span<const PlacedHash> chunk) -> Status {
      if (piece.size() + chunk.size() > piece.capacity()) {
        if (Status done = flush(); !done) return done;
      }
      piece.insert(piece.end(), chunk.begin(), chunk.end());
      return ok_status();
    });
    if (!put) return put;
  }
  if (Status put = flush(); !put) return put;
  writer.spooled += run.starts[kParts] * sizeof(PlacedHash);
  writer.runs.push_back(run);
  writer.heads.fill({});
  writer.used = 0;
  return ok_status();
}

uint64_t RecordPartitions::size_of(size_t part) const noexcept {
  uint64_t sum = 0;
  for (const Writer& writer : writers_) {
    sum += held(writer.heads[part]);
    for (const Run& run : writer.runs) sum += run.starts[part + 1] - run.starts[part];
  }
  return sum;
}

template <typename Take>
Status RecordPartitions::gather(size_t part, Take&& take) const {
  std::vector<PlacedHash> piece;
  for (const Writer& writer : writers_) {
    if (Status taken = each_chunk(writer, part, take); !taken) return taken;
    for (const Run& run : writer.runs) {
      uint64_t offset = run.offset + run.starts[part] * sizeof(PlacedHash);
      for (uint64_t left = run.starts[part + 1] - run.starts[part]; left > 0;) {
        piece.resize(static_cast<size_t>(std::min<uint64_t>(left, kPiece)));
        const size_t bytes = piece.size() * sizeof(PlacedHash);
        const Result<size_t> got = writer.spool.front().read(offset, piece.data(), bytes);
        if (!got) return got.error();
        if (*got != bytes) return Error{"temporary file was cut short", {}};
        if (Status taken = take(std::span<const PlacedHash>(piece)); !taken) return taken;
        offset += bytes;
        left -= piece.size();
      }
    }
  }
  return ok_status();
}

void RecordPartitions::load(size_t part, Part& out) const {
  out.records.clear();
  out.records.reserve(size_of(part));
  out.status = gather(part, [&out](std::span<const PlacedHash> piece) {
    out.records.insert(out.records.end(), piece.begin(), piece.end());
    return ok_status();
  });
  sort_part(out.records, out.scratch);
}

Status RecordPartitions::drain_large(size_t part, const Each& each) const {
  RecordSorter sorter(directory_, memory_ / 4);
  Status read = gather(part, [&sorter](std::span<const PlacedHash> piece) -> Status {
    for (const PlacedHash& record : piece) {
      if (Status put = sorter.add(record); !put) return put;
    }
    return ok_status();
  });
  if (!read) return read;
  return sorter.drain(
      [&each](const PlacedHash& record) { return each(std::span<const PlacedHash>(&record, 1)); });
}

uint64_t RecordPartitions::largest(size_t ahead) const noexcept {
  return std::max<uint64_t>(memory_ / 4, 64 << 10) / (2 * ahead) / (2 * sizeof(PlacedHash));
}

Status RecordPartitions::drain(uint32_t threads, const Each& each) {
  uint64_t most = 0;
  for (size_t part = 0; part < kParts; ++part) most = std::max(most, size_of(part));
  // One part is being told while the next are sorted: as many as the memory is enough for.
  size_t ahead = std::clamp<size_t>(threads, 2, 17) - 1;
  while (ahead > 1 && most > largest(ahead)) --ahead;
  std::vector<Part> now(ahead);
  std::vector<Part> next(ahead);
  std::vector<std::thread> running;
  const auto fits = [&](size_t part) { return part < kParts && size_of(part) <= largest(ahead); };
  const auto start = [&](size_t base) {
    for (size_t i = 0; i < ahead; ++i) {
      if (!fits(base + i)) continue;
      if (threads < 2) {
        load(base + i, next[i]);
      } else {
        running.emplace_back([this, base, i, &next] { load(base + i, next[i]); });
      }
    }
  };
  const auto join = [&running] {
    for (std::thread& one : running) one.join();
    running.clear();
  };
  Status told = ok_status();
  start(0);
  for (size_t base = 0; base < kParts && told; base += ahead) {
    join();
    now.swap(next);
    // With one thread all is done here, in turn.
    if (threads >= 2) start(base + ahead);
    for (size_t i = 0; i < ahead && base + i < kParts && told; ++i) {
      if (fits(base + i)) {
        told = now[i].status;
        if (told) told = each(now[i].records);
      } else {
        told = drain_large(base + i, each);
      }
    }
    if (threads < 2) start(base + ahead);
  }
  join();
  for (Writer& writer : writers_) writer = Writer{};
  return told;
}

}  // namespace weir::signatures
