#include "capture/defragmenter.h"

#include <algorithm>

namespace weir::capture {
namespace {

constexpr uint32_t kLargestDatagram = 65'535;

}  // namespace

Defragmenter::Defragmenter(const Limits& limits)
    : max_bytes_(limits.fragment_bytes),
      max_datagrams_(limits.fragmented_datagrams),
      max_fragments_(limits.fragments_per_datagram),
      timeout_(limits.fragment_timeout),
      by_key_(0, KeyHash{HashKey::random()}) {}

size_t Defragmenter::Partial::cost() const noexcept {
  constexpr size_t kNode = 64;  // of the map, roughly
  return sizeof(Partial) + kNode + bytes.capacity() + pieces.capacity() * sizeof(Piece);
}

void Defragmenter::drop(Partials::iterator partial) noexcept {
  held_bytes_ -= partial->cost();
  by_key_.erase(partial->key);
  oldest_first_.erase(partial);
}

Defragmenter::Partials::iterator Defragmenter::find_or_begin(const Fragment& fragment,
                                                             Timestamp now,
                                                             DecodeCounters& counters) {
  constexpr uint32_t kAnyProtocol = 256;
  const uint32_t protocol = fragment.source.is_v4() ? fragment.protocol : kAnyProtocol;
  const Key key{fragment.source, fragment.destination, fragment.id, fragment.encapsulation,
                protocol};
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) return found->second;
  if (oldest_first_.size() >= max_datagrams_) {
    counters.fragment_evictions.add();
    drop(oldest_first_.begin());
  }
  Partial& made = oldest_first_.emplace_back();
  made.key = key;
  made.begun = now;
  made.protocol = fragment.protocol;
  const auto at = std::prev(oldest_first_.end());
  by_key_.emplace(key, at);
  held_bytes_ += made.cost();
  return at;
}

bool Defragmenter::insert(Partial& partial, uint32_t begin, uint32_t end, ByteSpan captured,
                          DecodeCounters& counters) {
  bool overlaps = false;
  bool agrees = true;
  const uint32_t origin = begin;
  const auto captured_from = [&](uint32_t from, uint32_t to) {
    const size_t first = std::min<size_t>(from - origin, captured.size());
    return captured.subspan(first, std::min<size_t>(to - from, captured.size() - first));
  };
  auto piece = std::partition_point(partial.pieces.begin(), partial.pieces.end(),
                                    [&](const Piece& p) { return p.end <= begin; });
  while (begin < end) {
    if (piece == partial.pieces.end() || begin < piece->begin) {
      const uint32_t hole_end = piece == partial.pieces.end() ? end : std::min(end, piece->begin);
      const ByteSpan fresh = captured_from(begin, hole_end);
      const Piece made{begin, hole_end, static_cast<uint32_t>(fresh.size()),
                       static_cast<uint32_t>(partial.bytes.size())};
      partial.bytes.insert(partial.bytes.end(), fresh.begin(), fresh.end());
      piece = std::next(partial.pieces.insert(piece, made));
      partial.covered += hole_end - begin;
      begin = hole_end;
    } else {
      const uint32_t shared_end = std::min(end, piece->end);
      const ByteSpan again = captured_from(begin, shared_end);
      const size_t skip = begin - piece->begin;
      if (skip < piece->captured) {
        const size_t size = std::min<size_t>(again.size(), piece->captured - skip);
        const auto kept = partial.bytes.begin() + static_cast<ptrdiff_t>(piece->at + skip);
        agrees =
            std::equal(again.begin(), again.begin() + static_cast<ptrdiff_t>(size), kept) && agrees;
      }
      overlaps = true;
      begin = shared_end;
      ++piece;
    }
  }
  if (overlaps) counters.fragment_overlaps.add();
  return agrees;
}

Datagram Defragmenter::assemble(const Partial& partial) {
  if (whole_used_ == whole_.size()) whole_.emplace_back();
  std::vector<uint8_t>& out = whole_[whole_used_++];
  out.clear();
  for (const Piece& piece : partial.pieces) {
    const auto from = partial.bytes.begin() + static_cast<ptrdiff_t>(piece.at);
    out.insert(out.end(), from, from + static_cast<ptrdiff_t>(piece.captured));
    if (piece.captured < piece.end - piece.begin) break;  // what is behind the cut has no place
  }
  return {out, partial.total, partial.protocol};
}

std::optional<Datagram> Defragmenter::add(const Fragment& fragment, Timestamp now,
                                          DecodeCounters& counters) noexcept {
  while (!oldest_first_.empty() && now - oldest_first_.front().begun > timeout_) {
    counters.fragment_timeouts.add();
    drop(oldest_first_.begin());
  }
  // All but the last end at a multiple of eight bytes; what is beyond it is cut, as hosts do.
  const uint32_t length = fragment.more ? fragment.length & ~7U : fragment.length;
  const uint32_t begin = fragment.offset;
  if (length == 0 || begin > kLargestDatagram || length > kLargestDatagram - begin) {
    counters.bad_fragments.add();
    return std::nullopt;
  }
  uint32_t end = begin + length;

  const auto at = find_or_begin(fragment, now, counters);
  Partial& partial = *at;
  if (++partial.fragments > max_fragments_) {
    counters.fragment_limit.add();
    drop(at);
    return std::nullopt;
  }
  // Two fragments that both claim to be the last, or one that lies behind the last: the first
  // claim stands.
  const bool last_fits = fragment.more || (partial.total == 0 || partial.total == end);
  const bool behind_last = partial.total != 0 && end > partial.total;
  const bool short_of_known =
      !fragment.more && !partial.pieces.empty() && partial.pieces.back().end > end;
  if (!last_fits || behind_last || short_of_known) {
    counters.fragment_conflicts.add();
    if (!behind_last || begin >= partial.total) return std::nullopt;
    end = partial.total;
  } else if (!fragment.more) {
    partial.total = end;
  }

  const size_t cost_before = partial.cost();
  const uint32_t covered_before = partial.covered;
  const bool had_begin = !partial.pieces.empty() && partial.pieces.front().begin == 0;
  const ByteSpan captured =
      fragment.payload.first(std::min<size_t>(fragment.payload.size(), end - begin));
  if (!insert(partial, begin, end, captured, counters)) counters.fragment_conflicts.add();
  if (begin == 0 && !had_begin && partial.covered > covered_before) {
    partial.protocol = fragment.protocol;
  }
  held_bytes_ += partial.cost() - cost_before;

  if (partial.total != 0 && partial.covered == partial.total) {
    const Datagram whole = assemble(partial);
    counters.reassembled.add();
    drop(at);
    return whole;
  }
  while (held_bytes_ > max_bytes_) {
    counters.fragment_evictions.add();
    drop(oldest_first_.begin());
  }
  return std::nullopt;
}

}  // namespace weir::capture
