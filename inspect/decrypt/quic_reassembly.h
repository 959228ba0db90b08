// Bytes of one QUIC stream in order, from frames that come in any order, overlap and repeat. What
// was there first stays. Bytes that come in order are passed on without a copy; others are kept up
// to a limit. A hole is given up only when the caller says so.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace weir::inspect {

class QuicReassembly {
 public:
  // What a piece takes besides its bytes and its place in the list: the least allocation.
  static constexpr uint64_t kPieceBytes = 32;
  struct Bounds {
    size_t bytes = 0;   // that this stream takes, see held()
    size_t pieces = 0;  // that do not touch
  };

  // Calls give(ByteSpan, offset) for all that is now in order. False when a part could not be
  // kept: nothing is lost if the caller skips the hole in front and adds the same bytes again.
  template <typename Give>
  [[nodiscard]] bool add(uint64_t offset, ByteSpan data, const Bounds& bounds, Give&& give) {
    while (!data.empty()) {
      if (offset < next_) {
        const uint64_t known = next_ - offset;
        if (known >= data.size()) return true;
        data = data.subspan(static_cast<size_t>(known));
        offset = next_;
      }
      if (offset > next_) return keep(offset, data, bounds);
      size_t size = data.size();
      if (!pieces_.empty() && pieces_.front().offset - offset < size) {
        size = static_cast<size_t>(pieces_.front().offset - offset);
      }
      if (size > 0) {
        next_ += size;
        give(data.first(size), offset);
      }
      offset += size;
      data = data.subspan(size);
      drain(give);
    }
    return true;
  }

  // Gives up the bytes from next() to `offset`, which is not behind the first held piece; returns
  // how many they are.
  template <typename Give>
  uint64_t skip_to(uint64_t offset, Give&& give) {
    if (offset <= next_) return 0;
    const uint64_t lost = offset - next_;
    next_ = offset;
    drain(give);
    return lost;
  }

  [[nodiscard]] uint64_t next() const noexcept { return next_; }
  [[nodiscard]] bool has_hole() const noexcept { return !pieces_.empty(); }
  // Where the hole in front ends; only with has_hole().
  [[nodiscard]] uint64_t hole_end() const noexcept { return pieces_.front().offset; }
  // Memory that is taken: many small pieces cost more than their bytes.
  [[nodiscard]] uint64_t held() const noexcept {
    return held_ + pieces_.capacity() * sizeof(Piece);
  }

 private:
  struct Piece {
    uint64_t offset = 0;
    std::vector<uint8_t> bytes;
    [[nodiscard]] uint64_t end() const noexcept { return offset + bytes.size(); }
  };

  [[nodiscard]] bool keep(uint64_t offset, ByteSpan data, const Bounds& bounds);

  template <typename Give>
  void drain(Give&& give) {
    size_t done = 0;
    for (; done < pieces_.size() && pieces_[done].offset == next_; ++done) {
      next_ = pieces_[done].end();
      held_ -= pieces_[done].bytes.size() + kPieceBytes;
      give(ByteSpan(pieces_[done].bytes), pieces_[done].offset);
    }
    if (done == 0) return;
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(done));
    if (4 * pieces_.size() < pieces_.capacity()) pieces_.shrink_to_fit();
  }

  std::vector<Piece> pieces_;  // ascending, disjoint, all behind next_
  uint64_t next_ = 0;
  uint64_t held_ = 0;  // bytes of pieces, and kPieceBytes each
};

}  // namespace weir::inspect
