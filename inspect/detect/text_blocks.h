// Gathers pieces of decoded text into blocks (text_block.h). The blocks of a request, put one after
// the other, do not depend on how the text was cut into on_text calls; flush() and the block size
// only choose where one block ends and the next begins.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/detect/text_block.h"
#include "inspect/text_sink.h"

namespace weir::inspect {

class BlockSink {
 public:
  virtual ~BlockSink() = default;
  // The block and all it points to are valid during the call only.
  virtual void on_block(const TextBlock& block) noexcept = 0;
};

// Memory: one block with its look-behind, and the marks of one block; kept from request to request.
class TextBlocks final : public TextSink {
 public:
  // Marks hold paths: a block ends early rather than hold more of them.
  static constexpr size_t kMaxMarks = 512;
  static constexpr size_t kMaxLabel = 128;  // bytes of a label that stand in the glue

  TextBlocks(const Limits& limits, BlockSink& sink);

  void begin() noexcept;
  void on_piece(const PieceStart& start) noexcept override;
  void on_text(ByteSpan text) noexcept override;
  void on_piece_end(EndReason reason) noexcept override;
  // Hands over what is gathered, if anything is.
  void flush() noexcept;

  // Since begin(): bytes of pieces, without glue.
  [[nodiscard]] uint64_t text_bytes() const noexcept { return text_bytes_; }
  [[nodiscard]] uint32_t pieces() const noexcept { return pieces_; }

 private:
  [[nodiscard]] uint8_t* block() noexcept { return buffer_.data() + kLookBehind; }
  void append(ByteSpan bytes) noexcept;
  void open_mark() noexcept;
  void close_mark() noexcept;

  BlockSink& sink_;
  size_t max_path_;
  std::vector<uint8_t> buffer_;  // kLookBehind bytes of the past, then the block
  size_t used_ = 0;              // bytes of the block
  size_t behind_ = 0;
  uint64_t position_ = 0;  // of the block's first byte

  std::vector<PieceMark> marks_;  // the first mark_count_ are of this block; strings are reused
  size_t mark_count_ = 0;
  bool mark_open_ = false;

  PieceMark current_;      // the piece in progress; its mark is made with its first byte
  bool in_piece_ = false;  // between on_piece and on_piece_end
  bool begun_ = false;     // the piece in progress has had a byte
  bool gap_ = false;       // for the next piece with a byte
  uint32_t pieces_ = 0;
  uint64_t text_bytes_ = 0;
};

}  // namespace weir::inspect
