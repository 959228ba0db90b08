#include "inspect/unwrap/envelope_stage.h"

#include <algorithm>
#include <limits>

#include "core/byte_reader.h"
#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {
namespace {

// Compressed, end of stream (Connect); gRPC-Web marks trailers with the highest bit.
constexpr uint8_t kKnownFlags = 0x83;

}  // namespace

void EnvelopeStage::begin(const StreamInfo& info) noexcept {
  info_ = info;
  head_size_ = 0;
  left_ = number_ = 0;
  open_ = false;
  base_path_ = chain_.emitter.path().size();
}

void EnvelopeStage::begin_message(uint64_t offset) noexcept {
  chain_.counters.envelopes.add();
  PathBuffer& path = chain_.emitter.path();
  path.truncate(base_path_);
  path.append(">message[");
  path.append_number(number_++);
  path.append("]");
  StreamInfo message;
  message.origin = Origin::kPart;
  if (contains_word(info_.content_type, "json")) message.content_type = "application/json";
  if (message.content_type.empty()) message.content_type = "application/proto";
  message.label = info_.label;
  message.offset = info_.fixed ? info_.offset : offset;
  message.fixed = info_.fixed;
  next_.begin(message);
  open_ = true;
}

void EnvelopeStage::on_data(ByteSpan data, uint64_t offset) noexcept {
  while (!data.empty() && !chain_.emitter.stopped()) {
    if (left_ == 0) {
      head_[head_size_++] = data[0];
      data = data.subspan(1);
      ++offset;
      if (head_size_ < head_.size()) continue;
      ByteReader head(head_);
      const uint8_t flags = head.u8();
      left_ = head.u32();
      head_size_ = 0;
      if ((flags & ~kKnownFlags) != 0) {  // lost: the rest is one message
        const uint64_t head_offset = offset - head_.size();
        begin_message(head_offset);
        next_.on_data(head_, head_offset);
        left_ = std::numeric_limits<uint64_t>::max();
      } else if (left_ > 0) {
        begin_message(offset);
      }
      continue;
    }
    const auto count = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
    next_.on_data(data.first(count), offset);
    data = data.subspan(count);
    offset += count;
    left_ -= count;
    if (left_ == 0) {
      next_.end(EndReason::kComplete);
      open_ = false;
    }
  }
}

void EnvelopeStage::on_gap(uint64_t bytes) noexcept {
  if (open_ && bytes < left_) {
    left_ -= bytes;
    next_.on_gap(bytes);
    return;
  }
  if (open_) next_.end(EndReason::kGap);
  // Where the next message begins is not known: the rest is one.
  begin_message(info_.offset);
  left_ = std::numeric_limits<uint64_t>::max();
  head_size_ = 0;
}

void EnvelopeStage::end(EndReason reason) noexcept {
  if (open_) next_.end(reason);
  open_ = false;
}

}  // namespace weir::inspect
