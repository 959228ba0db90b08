#include "inspect/decrypt/cipher_hold.h"

#include <algorithm>

namespace weir::inspect {
namespace {

constexpr uint8_t kChangeCipherSpec = 20;

size_t body_size(const RecordHeader& header) noexcept {
  return static_cast<size_t>(header[3]) << 8 | header[4];
}

}  // namespace

int64_t CipherHold::add(Direction d, ByteSpan data, uint64_t most) {
  Side& side = sides_[d];
  const auto before = static_cast<int64_t>(side.bytes.size());
  if (!side.dropped.any) {
    const bool joins = !pieces_.empty() && !pieces_.back().gap && pieces_.back().direction == d;
    if (side.bytes.size() + data.size() > most || (!joins && pieces_.size() >= kMaxPieces)) {
      overflow(side);
    } else {
      side.bytes.insert(side.bytes.end(), data.begin(), data.end());
      if (joins) {
        pieces_.back().size += data.size();
      } else {
        pieces_.push_back({d, false, data.size(), 0});
      }
    }
  }
  skim(side, data);
  return static_cast<int64_t>(side.bytes.size()) - before;
}

// Follows the record headers.
void CipherHold::skim(Side& side, ByteSpan data) {
  Dropped& at = side.dropped;
  uint64_t position = side.bytes.size() - (at.any ? 0 : data.size());
  while (!data.empty() && !at.framing_lost) {
    size_t count = 0;
    if (at.header_fill < kRecordHeaderBytes) {
      count = std::min(data.size(), kRecordHeaderBytes - at.header_fill);
      std::copy_n(data.begin(), count, at.header.begin() + at.header_fill);
      at.header_fill = static_cast<uint8_t>(at.header_fill + count);
      at.left =
          at.header_fill == kRecordHeaderBytes ? static_cast<uint32_t>(body_size(at.header)) : 0;
      if (at.left > kMaxRecordBody) at.framing_lost = true;
    } else {
      count = std::min<size_t>(data.size(), at.left);
      at.left -= static_cast<uint32_t>(count);
    }
    position += count;
    data = data.subspan(count);
    if (at.header_fill == kRecordHeaderBytes && at.left == 0 && !at.framing_lost) {
      if (at.any && at.header[0] != kChangeCipherSpec) {
        ++at.records;
        at.body_bytes += body_size(at.header);
      }
      at.header_fill = 0;
      side.boundary = position;
    }
  }
}

void CipherHold::overflow(Side& side) noexcept {
  side.dropped.any = true;
  if (!side.dropped.framing_lost) side.bytes.resize(side.boundary);
}

void CipherHold::add_gap(Direction d, uint64_t bytes) {
  Side& side = sides_[d];
  Dropped& at = side.dropped;
  if (at.header_fill == kRecordHeaderBytes && bytes > 0 && bytes <= at.left) {
    at.left -= static_cast<uint32_t>(bytes);
    if (at.left == 0) {
      if (at.any) {
        ++at.records;
        at.body_bytes += body_size(at.header);
      }
      at.header_fill = 0;
      side.boundary = side.bytes.size();
    }
  } else {
    at.framing_lost = true;
  }
  if (!at.any && pieces_.size() < kMaxPieces) {
    pieces_.push_back({d, true, bytes, side.bytes.size()});
  } else if (!at.any) {
    overflow(side);
  }
}

uint64_t CipherHold::drop_all() noexcept {
  const uint64_t held = bytes();
  for (Side& side : sides_.slot) {
    Dropped& at = side.dropped;
    // Count the records that were kept so far.
    const std::vector<uint8_t> kept = std::move(side.bytes);
    side.bytes = {};
    side.boundary = 0;
    if (at.any) {
      if (at.framing_lost) continue;
      const uint64_t records = at.records;
      const uint64_t body_bytes = at.body_bytes;
      Side again;
      again.dropped.any = true;
      skim(again, kept);
      at.records = records + again.dropped.records;
      at.body_bytes = body_bytes + again.dropped.body_bytes;
    } else {
      const bool lost = at.framing_lost || std::any_of(pieces_.begin(), pieces_.end(),
                                                       [](const Piece& p) { return p.gap; });
      at = Dropped{};
      at.any = !kept.empty() || lost;
      at.framing_lost = lost;
      if (at.any) skim(side, kept);
    }
    at.any = true;
  }
  pieces_.clear();
  pieces_.shrink_to_fit();
  return held;
}

}  // namespace weir::inspect
