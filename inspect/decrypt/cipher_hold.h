// Ciphertext of one flow that waits for its keys: both directions in the order of arrival, from the
// beginning on and in whole records, up to a limit. What comes after the limit is not kept, but its
// records are counted, so that decryption can go on behind them with the right record number.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/direction.h"
#include "inspect/decrypt/record_opener.h"

namespace weir::inspect {

class CipherHold {
 public:
  // What was not kept of a direction, and where in its records it ends.
  struct Dropped {
    bool any = false;
    bool framing_lost = false;  // a gap hid where records begin; the rest is not valid then
    uint64_t records = 0;       // complete ones, ChangeCipherSpec not counted
    uint64_t body_bytes = 0;    // of these
    RecordHeader header{};      // of the record that is under way
    uint8_t header_fill = 0;
    uint32_t left = 0;  // bytes of its body still to come, when the header is complete
  };
  struct Piece {
    Direction direction = Direction::kToServer;
    bool gap = false;
    uint64_t size = 0;  // of data or gap
    uint64_t at = 0;    // gap: the direction's bytes before it
  };

  // Begins at a record boundary.
  void begin(Direction d) noexcept { sides_[d] = Side{}; }
  // Returns how many bytes held there are more (or, when a record did not fit, fewer) than before.
  // `most`: bytes that this direction may hold.
  int64_t add(Direction d, ByteSpan data, uint64_t most);
  void add_gap(Direction d, uint64_t bytes);
  // Forgets all bytes, but not where records begin. Returns how many bytes were held.
  uint64_t drop_all() noexcept;

  [[nodiscard]] uint64_t bytes(Direction d) const noexcept { return sides_[d].bytes.size(); }
  [[nodiscard]] uint64_t bytes() const noexcept {
    return bytes(Direction::kToServer) + bytes(Direction::kToClient);
  }
  [[nodiscard]] const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  [[nodiscard]] ByteSpan held(Direction d) const noexcept { return sides_[d].bytes; }
  [[nodiscard]] const Dropped& dropped(Direction d) const noexcept { return sides_[d].dropped; }

 private:
  static constexpr size_t kMaxPieces = 65'536;

  struct Side {
    std::vector<uint8_t> bytes;
    uint64_t boundary = 0;  // bytes before the record under way
    Dropped dropped;        // `records` and `body_bytes` count only once `any` is set
  };
  void skim(Side& side, ByteSpan data);
  void overflow(Side& side) noexcept;

  PerDirection<Side> sides_;
  std::vector<Piece> pieces_;
};

}  // namespace weir::inspect
