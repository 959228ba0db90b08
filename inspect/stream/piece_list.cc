#include "inspect/stream/piece_list.h"

#include <algorithm>
#include <cstring>

namespace weir::inspect {

bool PieceList::insert(TcpPool& pool, int64_t offset, int64_t length, const uint8_t* data,
                       Overlap& overlap) noexcept {
  const int64_t end = offset + length;
  const auto ends_before = [](const Piece& piece, int64_t at) noexcept {
    return piece.end() <= at;
  };
  const auto first = std::lower_bound(pieces_.begin() + static_cast<ptrdiff_t>(head_),
                                      pieces_.end(), offset, ends_before);
  auto lo = static_cast<size_t>(first - pieces_.begin());
  // One pass over what overlaps: the holes in between become fresh pieces.
  Overlap seen;
  std::vector<Piece>& fresh = pool.fresh_;
  fresh.clear();
  size_t bytes = 0;
  const auto add = [&](int64_t from, int64_t to) {
    constexpr auto kMost = static_cast<int64_t>(TcpPool::kLargest);
    while (from < to) {
      const int64_t part = data == nullptr ? to - from : std::min(to - from, kMost);
      fresh.push_back({from, part, nullptr});
      if (data != nullptr) bytes += TcpPool::capacity_for(static_cast<size_t>(part));
      from += part;
    }
  };
  int64_t at = offset;
  size_t hi = lo;
  for (; hi < pieces_.size() && pieces_[hi].offset < end; ++hi) {
    const Piece& piece = pieces_[hi];
    if (at < piece.offset) add(at, piece.offset);
    const int64_t from = std::max(at, piece.offset);
    const int64_t to = std::min(end, piece.end());
    seen.bytes += to - from;
    if (data != nullptr && piece.data != nullptr &&
        std::memcmp(data + (from - offset), piece.data + (from - piece.offset),
                    static_cast<size_t>(to - from)) != 0) {
      ++seen.conflicts;
    }
    at = piece.end();
  }
  if (at < end) add(at, end);

  const size_t count = fresh.size();
  if (pieces_.size() - head_ + count > pool.pieces_ || held_ + bytes > pool.piece_bytes_) {
    return false;
  }
  const size_t before_compaction = head_;
  if (!make_room(pool, count)) return false;
  lo -= before_compaction - head_;
  hi -= before_compaction - head_;
  if (data != nullptr) {
    for (size_t i = 0; i < count; ++i) {
      Piece& piece = fresh[i];
      piece.data = pool.take(TcpPool::capacity_for(static_cast<size_t>(piece.length)));
      if (piece.data == nullptr) {
        for (size_t j = 0; j < i; ++j) {
          pool.give(fresh[j].data, TcpPool::capacity_for(static_cast<size_t>(fresh[j].length)));
        }
        return false;
      }
      std::memcpy(piece.data, data + (piece.offset - offset), static_cast<size_t>(piece.length));
    }
  }
  held_ += bytes;
  overlap.bytes += seen.bytes;
  overlap.conflicts += seen.conflicts;

  // Merge from the back.
  const size_t old_size = pieces_.size();
  pieces_.resize(old_size + count);
  const auto begin = pieces_.begin();
  std::move_backward(begin + static_cast<ptrdiff_t>(hi), begin + static_cast<ptrdiff_t>(old_size),
                     pieces_.end());
  size_t write = hi + count;
  size_t old = hi;
  for (size_t left = count; left > 0;) {
    if (old > lo && pieces_[old - 1].offset > fresh[left - 1].offset) {
      pieces_[--write] = pieces_[--old];
    } else {
      pieces_[--write] = fresh[--left];
    }
  }
  return true;
}

PieceList::Piece PieceList::pop_front() noexcept {
  const Piece piece = pieces_[head_++];
  if (piece.data != nullptr) held_ -= TcpPool::capacity_for(static_cast<size_t>(piece.length));
  if (head_ == pieces_.size()) {
    pieces_.clear();
    head_ = 0;
  }
  return piece;
}

uint64_t PieceList::drop_back(TcpPool& pool) noexcept {
  const Piece piece = pieces_.back();
  pieces_.pop_back();
  if (empty()) {
    pieces_.clear();
    head_ = 0;
  }
  if (piece.data == nullptr) return 0;
  const size_t capacity = TcpPool::capacity_for(static_cast<size_t>(piece.length));
  held_ -= capacity;
  pool.give(piece.data, capacity);
  return static_cast<uint64_t>(piece.length);
}

void PieceList::clear(TcpPool& pool) noexcept {
  while (!empty()) {
    const Piece piece = pop_front();
    if (piece.data != nullptr) {
      pool.give(piece.data, TcpPool::capacity_for(static_cast<size_t>(piece.length)));
    }
  }
}

// Room for `more` pieces, within the budget of the pool. Drops what pop_front() left behind.
bool PieceList::make_room(TcpPool& pool, size_t more) noexcept {
  constexpr size_t kFirst = 16;
  if (pieces_.capacity() != 0 && pieces_.size() + more <= pieces_.capacity()) return true;
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(head_));
  head_ = 0;
  const size_t want = std::max(pieces_.size() + more, kFirst);
  if (want <= pieces_.capacity()) return true;
  const size_t capacity = std::min(std::max(want, 2 * pieces_.capacity()), pool.pieces_ + kFirst);
  if (!pool.charge((capacity - pieces_.capacity()) * sizeof(Piece))) return false;
  pieces_.reserve(capacity);
  return true;
}

}  // namespace weir::inspect
