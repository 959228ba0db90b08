#include "signatures/fingerprint/record_partitions.h"

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

namespace weir::signatures {
namespace {

constexpr unsigned kPartBits = 8;
constexpr size_t kPiece = size_t{1} << 16;  // records read at once of a large part

size_t part_of(const PlacedHash& record) noexcept { return record.hash >> (64 - kPartBits); }

// Brings the records of each part together, in place.
template <typename Starts>
void part_in_place(std::vector<PlacedHash>& records, Starts& starts) {
  starts.fill(0);
  for (const PlacedHash& record : records) ++starts[part_of(record) + 1];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  Starts next = starts;
  for (size_t part = 0; part + 1 < starts.size(); ++part) {
    while (next[part] < starts[part + 1]) {
      PlacedHash& here = records[next[part]];
      const size_t home = part_of(here);
      if (home == part) {
        ++next[part];
      } else {
        std::swap(here, records[next[home]++]);
      }
    }
  }
}

// Records of one part: by as many bits as tell most of them apart, then what is left to compare.
void sort_part(std::vector<PlacedHash>& records, std::vector<PlacedHash>& scratch) {
  const size_t count = records.size();
  if (count < 128) {
    std::sort(records.begin(), records.end());
    return;
  }
  const unsigned digits = std::min(7U, (static_cast<unsigned>(std::bit_width(count)) + 10) / 8);
  const unsigned low = 64 - kPartBits - 8 * digits;
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
    if (next - first > 1) {
      std::sort(records.begin() + static_cast<ptrdiff_t>(first),
                records.begin() + static_cast<ptrdiff_t>(next));
    }
    first = next;
  }
}

}  // namespace

RecordPartitions::RecordPartitions(std::string directory, uint64_t memory, uint32_t writers)
    : directory_(std::move(directory)),
      memory_(memory),
      capacity_(static_cast<size_t>(std::max<uint64_t>(memory / 2 / writers, 64 << 10)) /
                sizeof(PlacedHash)),
      writers_(writers) {}

uint64_t RecordPartitions::spills() const noexcept {
  uint64_t sum = 0;
  for (const Writer& writer : writers_) sum += writer.runs.size();
  return sum;
}

Status RecordPartitions::spill(Writer& writer) {
  if (writer.spool.empty()) {
    Result<SpoolFile> file = SpoolFile::create(directory_);
    if (!file) return file.error();
    writer.spool.push_back(std::move(file).value());
  }
  Run run{writer.spooled, {}};
  part_in_place(writer.buffer, run.starts);
  const size_t bytes = writer.buffer.size() * sizeof(PlacedHash);
  if (Status put = writer.spool.front().append(writer.buffer.data(), bytes); !put) return put;
  writer.runs.push_back(run);
  writer.spooled += bytes;
  writer.buffer.clear();
  return ok_status();
}

uint64_t RecordPartitions::size_of(size_t part) const noexcept {
  uint64_t sum = 0;
  for (const Writer& writer : writers_) {
    sum += writer.starts[part + 1] - writer.starts[part];
    for (const Run& run : writer.runs) sum += run.starts[part + 1] - run.starts[part];
  }
  return sum;
}

template <typename Take>
Status RecordPartitions::gather(size_t part, Take&& take) const {
  std::vector<PlacedHash> piece;
  for (const Writer& writer : writers_) {
    const std::span<const PlacedHash> held(writer.buffer);
    if (Status taken =
            take(held.subspan(writer.starts[part], writer.starts[part + 1] - writer.starts[part]));
        !taken) {
      return taken;
    }
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

Status RecordPartitions::drain(uint32_t threads, const Each& each) {
  for (Writer& writer : writers_) part_in_place(writer.buffer, writer.starts);
  // One part is being told while the next are sorted.
  const size_t ahead = std::clamp<size_t>(threads, 2, 17) - 1;
  const uint64_t largest =
      std::max<uint64_t>(memory_ / 2, 64 << 10) / (2 * ahead) / (2 * sizeof(PlacedHash));
  std::vector<Part> now(ahead);
  std::vector<Part> next(ahead);
  std::vector<std::thread> running;
  const auto fits = [&](size_t part) { return part < kParts && size_of(part) <= largest; };
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
