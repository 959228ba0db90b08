// Stream bytes of one direction that came before their turn: disjoint pieces in order of offset,
// copied into pool buffers. What came first stays; of later data only what is new is kept. The
// number of pieces and the memory they take are bounded, so that an insertion costs no more than
// one pass over them, whatever a sender does.
#pragma once

#include <cstdint>
#include <vector>

#include "inspect/stream/tcp_pool.h"

namespace weir::inspect {

class PieceList {
 public:
  using Piece = StreamPiece;
  // What came of insert(): bytes that were there already, and whether they differed.
  struct Overlap {
    int64_t bytes = 0;
    uint32_t conflicts = 0;
  };

  // Keeps what is new of [offset, offset + length), all of it or, when there is no room, none.
  // `data` has `length` bytes, or is null for bytes known to be missing.
  [[nodiscard]] bool insert(TcpPool& pool, int64_t offset, int64_t length, const uint8_t* data,
                            Overlap& overlap) noexcept;
  [[nodiscard]] size_t size() const noexcept { return pieces_.size() - head_; }
  [[nodiscard]] bool empty() const noexcept { return head_ == pieces_.size(); }
  [[nodiscard]] const Piece& front() const noexcept { return pieces_[head_]; }
  [[nodiscard]] int64_t back_end() const noexcept { return pieces_.back().end(); }
  // The buffer becomes the caller's, to give back to the pool.
  Piece pop_front() noexcept;
  // Forgets the last piece; returns how many bytes it had.
  uint64_t drop_back(TcpPool& pool) noexcept;
  void clear(TcpPool& pool) noexcept;
  // What an empty list takes.
  [[nodiscard]] static size_t cost(const PieceList& list) noexcept {
    return sizeof(PieceList) + list.pieces_.capacity() * sizeof(Piece);
  }

 private:
  [[nodiscard]] bool make_room(TcpPool& pool, size_t more) noexcept;

  std::vector<Piece> pieces_;  // those before head_ are gone
  size_t head_ = 0;
  size_t held_ = 0;  // buffer bytes taken
};

}  // namespace weir::inspect
