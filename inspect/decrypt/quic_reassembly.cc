#include "inspect/decrypt/quic_reassembly.h"

#include <algorithm>

namespace weir::inspect {

bool QuicReassembly::keep(uint64_t offset, ByteSpan data, const Bounds& bounds) {
  const uint64_t end = offset + data.size();
  auto at = std::find_if(pieces_.begin(), pieces_.end(),
                         [offset](const Piece& piece) { return piece.end() > offset; });
  while (offset < end) {
    const uint64_t stop = at == pieces_.end() ? end : std::min(end, at->offset);
    if (offset < stop) {
      const auto size = static_cast<size_t>(stop - offset);
      const size_t places = pieces_.size() == pieces_.capacity() ? pieces_.size() + 1 : 0;
      const uint64_t cost = size + kPieceBytes + places * sizeof(Piece);
      if (pieces_.size() >= bounds.pieces || held() + cost > bounds.bytes) return false;
      const auto place = at - pieces_.begin();
      if (places > 0) pieces_.reserve(pieces_.size() + places);
      at = pieces_.begin() + place;
      const auto from = data.end() - static_cast<ptrdiff_t>(end - offset);
      Piece piece{offset, std::vector<uint8_t>(from, from + static_cast<ptrdiff_t>(size))};
      at = pieces_.insert(at, std::move(piece));
      held_ += size + kPieceBytes;
    }
    if (at == pieces_.end()) break;
    offset = std::max(stop, at->end());
    ++at;
  }
  return true;
}

}  // namespace weir::inspect
