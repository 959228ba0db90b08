#include "inspect/unwrap/protobuf_stage.h"

#include <algorithm>
#include <limits>

#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {
namespace {

constexpr uint64_t kUnknownSize = std::numeric_limits<uint64_t>::max();
constexpr size_t kVarintBytes = 10;
constexpr uint32_t kLargestNested = 10'000;  // numbers of fields in use; the format allows 2^29

enum class Varint : uint8_t { kGood, kCut, kBad };

// `at` moves behind it when it is good.
Varint read_varint(ByteSpan data, size_t& at, uint64_t& value) noexcept {
  value = 0;
  for (size_t i = 0; i < kVarintBytes; ++i) {
    if (at + i == data.size()) return Varint::kCut;
    const uint8_t byte = data[at + i];
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      at += i + 1;
      return Varint::kGood;
    }
  }
  return Varint::kBad;
}

enum Wire : uint8_t {
  kNumber = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

}  // namespace

bool begins_protobuf(ByteSpan prefix, uint64_t size, uint32_t largest,
                     ProtobufPrefix& told) noexcept {
  told = {};
  size_t at = 0;
  while (at < prefix.size()) {
    uint64_t value = 0;
    const Varint tag = read_varint(prefix, at, value);
    if (tag != Varint::kGood) return tag == Varint::kCut && prefix.size() < size;
    const uint64_t number = value >> 3;
    if (number == 0 || number > largest) return false;
    uint64_t skip = 0;
    switch (value & 7) {
      case kNumber: {
        const Varint read = read_varint(prefix, at, value);
        if (read != Varint::kGood) return read == Varint::kCut && prefix.size() < size;
        break;
      }
      case kFixed64:
        skip = 8;
        break;
      case kFixed32:
        skip = 4;
        break;
      case kBytes: {
        const Varint read = read_varint(prefix, at, skip);
        if (read != Varint::kGood) return read == Varint::kCut && prefix.size() < size;
        if (skip > size - at) return false;
        const ByteSpan inside =
            prefix.subspan(at, static_cast<size_t>(std::min<uint64_t>(skip, prefix.size() - at)));
        if (is_plain_text(inside)) {
          told.strings += inside.size();
        } else {
          told.inner = inside;
          told.inner_size = skip;
        }
        break;
      }
      default:
        return false;
    }
    if (skip > size - at) return false;
    if (skip >= prefix.size() - at) return size != prefix.size() || skip == prefix.size() - at;
    at += static_cast<size_t>(skip);
  }
  return true;
}

void ProtobufStage::begin(const StreamInfo& info) noexcept {
  chain_.counters.protobuf.add();
  info_ = info;
  state_ = State::kTag;
  depth_ = 0;
  position_ = left_ = 0;
  open_ = false;
  held_size_ = 0;
  chain_.emitter.path().append(">protobuf:");
  base_path_ = chain_.emitter.path().size();
}

void ProtobufStage::on_data(ByteSpan data, uint64_t offset) noexcept {
  while (held_size_ > 0 && !data.empty()) {
    const size_t before = held_size_;
    const size_t count = std::min(data.size(), held_.size() - held_size_);
    std::copy_n(data.begin(), count, held_.begin() + static_cast<ptrdiff_t>(held_size_));
    held_size_ += count;
    const size_t used = parse({held_.data(), held_size_}, offset - before, false);
    if (used >= before) {
      held_size_ = 0;
      data = data.subspan(used - before);
      offset += used - before;
      break;
    }
    std::copy(held_.begin() + static_cast<ptrdiff_t>(used),
              held_.begin() + static_cast<ptrdiff_t>(held_size_), held_.begin());
    held_size_ -= used;
    held_offset_ = offset - before + used;
    data = data.subspan(count);
    offset += count;
  }
  if (data.empty()) return;
  const size_t used = parse(data, offset, false);
  const ByteSpan rest = data.subspan(used);
  std::copy(rest.begin(), rest.end(), held_.begin());
  held_size_ = rest.size();
  held_offset_ = offset + used;
}

// Leaves fewer than kWindow bytes, and none when `final`.
size_t ProtobufStage::parse(ByteSpan data, uint64_t offset, bool final) noexcept {
  size_t at = 0;
  while (at < data.size() && !chain_.emitter.stopped()) {
    const ByteSpan rest = data.subspan(at);
    size_t used = 0;
    switch (state_) {
      case State::kTag:
        close_messages();
        used = tag(rest);
        if (used == 0 && state_ == State::kTag) return final ? data.size() : at;
        break;
      case State::kSkip:
        used = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
        left_ -= used;
        if (left_ == 0) state_ = State::kTag;
        break;
      case State::kField:
        used = field(rest, offset + at, final);
        if (used == 0 && state_ == State::kField) return at;
        break;
      case State::kValue:
        used = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
        next_.on_data(rest.first(used), offset + at);
        left_ -= used;
        if (left_ == 0) end_value(EndReason::kComplete);
        break;
      case State::kRest:
        if (!open_) open_value(offset + at, false);
        next_.on_data(rest, offset + at);
        used = rest.size();
        break;
    }
    at += used;
    position_ += used;
  }
  return data.size();  // also when the limit of text was reached
}

// Messages that end where the stream stands now.
void ProtobufStage::close_messages() noexcept {
  while (depth_ > 0 && messages_[depth_ - 1].end == position_) {
    --depth_;
    chain_.emitter.path().truncate(messages_[depth_].path);
  }
}

// A tag and what tells how long its value is; 0 when they are not complete.
size_t ProtobufStage::tag(ByteSpan data) noexcept {
  const uint64_t room = depth_ > 0 ? messages_[depth_ - 1].end - position_ : kUnknownSize;
  size_t at = 0;
  uint64_t value = 0;
  const Varint tag = read_varint(data, at, value);
  if (tag == Varint::kCut) return 0;
  const uint64_t number = value >> 3;
  if (tag == Varint::kBad || number == 0 || number >= 1U << 29) {
    give_up();
    return 0;
  }
  number_ = static_cast<uint32_t>(number);
  State next = State::kTag;
  left_ = 0;
  switch (value & 7) {
    case kNumber:
    case kBytes: {
      const bool bytes = (value & 7) == kBytes;
      const Varint read = read_varint(data, at, value);
      if (read == Varint::kCut) return 0;
      if (read == Varint::kBad) {
        give_up();
        return 0;
      }
      if (bytes) {
        left_ = value;
        if (left_ > 0) next = State::kField;
      }
      break;
    }
    case kFixed64:
      left_ = 8;
      next = State::kSkip;
      break;
    case kFixed32:
      left_ = 4;
      next = State::kSkip;
      break;
    case kGroup:
    case kEndGroup:
      break;
    default:
      give_up();
      return 0;
  }
  if (at > room || left_ > room - at) {
    give_up();
    return 0;
  }
  state_ = next;
  return at;
}

// Tells what a field of bytes is; 0 when more of it must be seen, or it is opened.
size_t ProtobufStage::field(ByteSpan data, uint64_t offset, bool final) noexcept {
  const auto window = static_cast<size_t>(std::min<uint64_t>(left_, kWindow));
  if (data.size() < window && !final) return 0;
  const ByteSpan first = data.first(std::min(window, data.size()));
  const bool plain = is_plain_text(first);
  ProtobufPrefix told;
  bool message = begins_protobuf(first, left_, kLargestNested, told) && left_ > 1;
  // A field 1 of up to 127 bytes begins with a line feed and may look like text; that a text which
  // begins so parses as a message up to its last byte is rare. Others are text when they can be.
  if (plain) message = message && left_ == first.size() && first[0] == '\n' && told.strings > 0;
  if (message && depth_ < messages_.size()) {
    PathBuffer& path = chain_.emitter.path();
    messages_[depth_++] = {position_ + left_, path.size()};
    path.append_number(number_);
    path.append(".");
    state_ = State::kTag;
    return 0;
  }
  if (!plain && left_ < kShortest) {
    state_ = State::kSkip;
    return 0;
  }
  state_ = State::kValue;
  open_value(offset, plain);
  return 0;
}

void ProtobufStage::open_value(uint64_t offset, bool text) noexcept {
  PathBuffer& path = chain_.emitter.path();
  const size_t size = path.size();
  if (state_ == State::kRest) {
    path.append("rest");
  } else {
    path.append_number(number_);
  }
  StreamInfo value;
  value.origin = text ? Origin::kString : Origin::kPart;
  value.label = info_.label;
  value.offset = info_.fixed ? info_.offset : offset;
  value.fixed = info_.fixed;
  next_.begin(value);
  value_path_ = size;
  open_ = true;
}

void ProtobufStage::end_value(EndReason reason) noexcept {
  if (!open_) return;
  next_.end(reason);
  open_ = false;
  chain_.emitter.path().truncate(value_path_);
  state_ = State::kTag;
}

// The rest is one stream.
void ProtobufStage::give_up() noexcept {
  chain_.counters.protobuf_errors.add();
  state_ = State::kRest;
  chain_.emitter.path().truncate(base_path_);
}

void ProtobufStage::on_gap(uint64_t bytes) noexcept {
  parse({held_.data(), held_size_}, held_offset_, true);
  held_size_ = 0;
  const bool inside = state_ == State::kValue && bytes < left_;
  if (inside || (state_ == State::kRest && open_)) {
    left_ -= inside ? bytes : 0;
    position_ += bytes;
    next_.on_gap(bytes);
    return;
  }
  if (state_ == State::kSkip && bytes < left_) {
    left_ -= bytes;
    position_ += bytes;
    return;
  }
  end_value(EndReason::kGap);
  give_up();
}

void ProtobufStage::end(EndReason reason) noexcept {
  parse({held_.data(), held_size_}, held_offset_, true);
  held_size_ = 0;
  end_value(reason);
  chain_.emitter.path().truncate(base_path_);
}

}  // namespace weir::inspect
