#include "inspect/http/http3_decoder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/byte_reader.h"
#include "inspect/http/http1_syntax.h"
#include "inspect/http/websocket_reader.h"

namespace weir::inspect {
namespace {

// Streams whose header blocks wait for the table; peers allow fewer.
constexpr size_t kMostBlocked = 128;

// Stream types (RFC 9114 section 6.2, RFC 9204 section 4.2) and frame types (section 7.2).
constexpr uint64_t kControlType = 0x00;
constexpr uint64_t kEncoderType = 0x02;
constexpr uint64_t kDecoderType = 0x03;
constexpr uint64_t kDataFrame = 0x00;
constexpr uint64_t kHeadersFrame = 0x01;
constexpr uint64_t kSettingsFrame = 0x04;
constexpr uint64_t kTableCapacitySetting = 0x01;
// Frames and streams that are no longer than this are what clients send to keep servers tolerant.
constexpr size_t kShort = 64;
constexpr uint64_t kServerBytes = 4096;

constexpr bool is_one_way(uint64_t stream) noexcept { return (stream & 2) != 0; }

uint64_t varint(ByteReader& in) noexcept {
  const ByteSpan ahead = in.peek();
  if (ahead.empty()) {
    in.fail();
    return 0;
  }
  const size_t size = size_t{1} << (ahead[0] >> 6);
  const ByteSpan bytes = in.take(size);
  uint64_t value = bytes.empty() ? 0 : bytes[0] & 0x3fU;
  for (size_t i = 1; i < bytes.size(); ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

struct Http3Decoder::Stream {
  // What came while the stream was blocked. A gap has no bytes.
  struct Waiting {
    uint64_t offset;
    uint64_t gap;
    std::vector<uint8_t> bytes;
  };
  // Its place in a list that may have room for twice as many, and the least allocation.
  static constexpr uint64_t kWaitingCost = 2 * sizeof(Waiting) + 32;
  uint64_t id = 0;
  Kind kind = Kind::kRequest;
  State state = State::kType;
  bool open = false;  // the sink knows the request
  bool raw_open = false;
  bool blocked = false;
  bool block_cut = false;
  BodyChoice choice = BodyChoice::kInspect;
  BodyChoice raw_choice = BodyChoice::kInspect;
  std::array<uint8_t, 8> number{};  // a varint under way
  uint8_t number_fill = 0;
  uint64_t value = 0;  // of the last varint
  uint64_t type = 0;   // of the frame
  uint64_t left = 0;   // of it
  uint64_t frame_offset = 0;
  uint64_t awaited = 0;  // entries of the table that the block needs
  BudgetedBytes block;   // header block; or the beginning of a stream of unknown type
  std::unique_ptr<WebSocketReader> websocket;
  std::unique_ptr<StreamTunnel> tunnel;
  std::vector<Waiting> waiting;
  std::optional<EndReason> ended;  // while blocked
};

Http3Decoder::Http3Decoder(const Limits& limits, Http3Counters& counters,
                           WebSocketCounters& websocket_counters, MessageSink& sink,
                           ByteBudget* room) noexcept
    : limits_(limits),
      counters_(counters),
      websocket_counters_(websocket_counters),
      sink_(sink),
      room_(room),
      qpack_(limits, counters, room) {}

Http3Decoder::~Http3Decoder() = default;

Http3Decoder::Stream* Http3Decoder::find_or_add(uint64_t id) noexcept {
  const auto found = streams_.find(id);
  if (found != streams_.end()) return found->second.get();
  if (streams_.size() >= limits_.quic_streams) {
    counters_.streams_dropped.add();
    return nullptr;
  }
  auto made = std::make_unique<Stream>();
  made->id = id;
  made->block.set_budget(room_);
  made->kind = is_one_way(id) ? Kind::kTyping : Kind::kRequest;
  return streams_.emplace(id, std::move(made)).first->second.get();
}

void Http3Decoder::on_data(uint64_t stream_id, ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  Stream* stream = find_or_add(stream_id);
  if (stream == nullptr) {
    counters_.dropped_bytes.add(data.size());
    unread_bytes_ += data.size();
    return;
  }
  if (stream->blocked) {
    wait(*stream, data, 0, offset);
  } else {
    take(*stream, data, offset);
  }
}

void Http3Decoder::on_gap(uint64_t stream_id, uint64_t bytes) noexcept {
  Stream* stream = find_or_add(stream_id);
  if (stream == nullptr) return;
  if (stream->blocked) {
    wait(*stream, {}, bytes, 0);
  } else {
    gap(*stream, bytes);
  }
}

void Http3Decoder::on_end(uint64_t stream_id, EndReason reason) noexcept {
  const auto found = streams_.find(stream_id);
  if (found == streams_.end()) return;
  Stream& stream = *found->second;
  if (stream.blocked) {
    stream.ended = reason;
    if (reason == EndReason::kComplete) return;
    unblock(stream, true);
  } else {
    close(stream, reason);
  }
  streams_.erase(stream_id);
}

void Http3Decoder::finish(EndReason reason) noexcept {
  std::vector<uint64_t> ids;
  for (const auto& entry : streams_) ids.push_back(entry.first);
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    Stream& stream = *streams_.at(id);
    if (stream.blocked) {
      if (!stream.ended) stream.ended = reason;
      unblock(stream, true);
    } else {
      close(stream, reason);
    }
  }
  streams_.clear();
}

void Http3Decoder::take(Stream& stream, ByteSpan data, uint64_t offset) noexcept {
  switch (stream.kind) {
    case Kind::kTyping: {
      const size_t before = data.size();
      if (!take_varint(stream, data)) return;
      choose_kind(stream);
      if (!data.empty()) take(stream, data, offset + (before - data.size()));
      return;
    }
    case Kind::kRequest:
      take_request(stream, data, offset);
      return;
    case Kind::kEncoder:
      qpack_.on_encoder_data(data);
      if (blocked_ > 0) unblock_all(false);
      return;
    case Kind::kQuiet:
      counters_.control_bytes.add(data.size());
      return;
    case Kind::kRaw:
      if (!stream.raw_open && stream.block.size() + data.size() <= kShort &&
          stream.block.append(data)) {
        return;
      }
      if (!stream.block.empty()) {
        raw(stream, stream.block, offset - stream.block.size());
        stream.block.free();
      }
      raw(stream, data, offset);
      return;
  }
}

void Http3Decoder::choose_kind(Stream& stream) noexcept {
  stream.kind = stream.value == kEncoderType   ? Kind::kEncoder
                : stream.value == kControlType ? Kind::kQuiet
                : stream.value == kDecoderType ? Kind::kQuiet
                                               : Kind::kRaw;
}

// True when the number is complete; it is then in stream.value.
bool Http3Decoder::take_varint(Stream& stream, ByteSpan& data) noexcept {
  while (!data.empty()) {
    stream.number[stream.number_fill++] = data[0];
    data = data.subspan(1);
    const size_t size = size_t{1} << (stream.number[0] >> 6);
    if (stream.number_fill < size) continue;
    ByteReader in(ByteSpan(stream.number).first(size));
    stream.value = varint(in);
    stream.number_fill = 0;
    return true;
  }
  return false;
}

void Http3Decoder::take_request(Stream& stream, ByteSpan data, uint64_t offset) noexcept {
  while (!data.empty()) {
    if (stream.blocked) {
      wait(stream, data, 0, offset);
      return;
    }
    const size_t before = data.size();
    const size_t size = static_cast<size_t>(std::min<uint64_t>(data.size(), stream.left));
    switch (stream.state) {
      case State::kType:
        if (stream.number_fill == 0) stream.frame_offset = offset;
        if (take_varint(stream, data)) {
          stream.type = stream.value;
          stream.state = State::kLength;
        }
        offset += before - data.size();
        continue;
      case State::kLength:
        if (take_varint(stream, data)) {
          stream.left = stream.value;
          begin_frame(stream);
        }
        offset += before - data.size();
        continue;
      case State::kBlock: {
        const size_t room =
            limits_.header_bytes - std::min(limits_.header_bytes, stream.block.size());
        const ByteSpan part = data.first(std::min(size, room));
        if (stream.block_cut || !stream.block.append(part) || part.size() < size) {
          stream.block_cut = true;
        }
        break;
      }
      case State::kData:
        body(stream, data.first(size), offset);
        break;
      case State::kHandOn:
        raw(stream, data.first(size), offset);
        break;
      case State::kSkip:
        counters_.skipped_bytes.add(size);
        break;
      case State::kLost:
        body(stream, data, offset);
        return;
    }
    stream.left -= size;
    data = data.subspan(size);
    offset += size;
    if (stream.left == 0) end_frame(stream);
  }
}

void Http3Decoder::begin_frame(Stream& stream) noexcept {
  if (stream.type == kDataFrame) {
    counters_.data_frames.add();
    stream.state = State::kData;
    if (!stream.open) open_nameless(stream, stream.frame_offset);
  } else if (stream.type == kHeadersFrame) {
    counters_.header_blocks.add();
    stream.state = State::kBlock;
    stream.block.free();
    stream.block_cut = false;
  } else if (stream.left <= kShort) {
    counters_.frames_skipped.add();
    stream.state = State::kSkip;
  } else {
    counters_.frames_handed_on.add();
    stream.state = State::kHandOn;
  }
  if (stream.left == 0) end_frame(stream);
}

void Http3Decoder::end_frame(Stream& stream) noexcept {
  const State done = std::exchange(stream.state, State::kType);
  if (done == State::kBlock) finish_block(stream, false);
  if (done == State::kHandOn) end_raw(stream, EndReason::kComplete);
}

// `must`: read it now, whatever is missing.
void Http3Decoder::finish_block(Stream& stream, bool must) noexcept {
  if (stream.open) {
    counters_.trailers.add();
    stream.block.free();
    return;
  }
  if (stream.block_cut) counters_.blocks_cut.add();
  if (must) {
    qpack_.read_without_table(stream.id, stream.block);
  } else if (qpack_.read(stream.id, stream.block) == QpackReader::Answer::kBlocked) {
    const bool full = !stream.blocked && blocked_ >= kMostBlocked;
    if (!stream.blocked) {
      counters_.blocked_blocks.add();
      ++blocked_;
      blocked_bytes_ += stream.block.size();
    }
    stream.blocked = true;
    stream.awaited = qpack_.awaited();
    if (!full) return;
    counters_.blocked_given_up.add();
    qpack_.read_without_table(stream.id, stream.block);
  }
  if (stream.blocked) {
    --blocked_;
    blocked_bytes_ -= stream.block.size();
    stream.blocked = false;
  }
  stream.block.free();
  open_request(stream);
  qpack_.release();
}

void Http3Decoder::wait(Stream& stream, ByteSpan data, uint64_t gap_bytes,
                        uint64_t offset) noexcept {
  const uint64_t cost = data.size() + Stream::kWaitingCost;
  if (blocked_bytes_ + cost > limits_.http3_blocked_bytes ||
      stream.waiting.size() >= limits_.out_of_order_segments) {
    unblock(stream, true);
    if (data.empty()) {
      gap(stream, gap_bytes);
    } else {
      take(stream, data, offset);
    }
    return;
  }
  blocked_bytes_ += cost;
  stream.waiting.push_back({offset, gap_bytes, {data.begin(), data.end()}});
}

// Reads the block if it can be read now, and what has come behind it.
void Http3Decoder::unblock(Stream& stream, bool must) noexcept {
  if (!must && qpack_.inserted() < stream.awaited) return;
  if (must) counters_.blocked_given_up.add();
  finish_block(stream, must);
  if (stream.blocked) return;
  const std::vector<Stream::Waiting> waiting = std::exchange(stream.waiting, {});
  for (const Stream::Waiting& item : waiting) {
    blocked_bytes_ -= item.bytes.size() + Stream::kWaitingCost;
    if (item.bytes.empty()) {
      gap(stream, item.gap);
    } else {
      take(stream, item.bytes, item.offset);
    }
  }
  if (stream.ended) close(stream, *stream.ended);
}

void Http3Decoder::unblock_all(bool must) noexcept {
  std::vector<uint64_t> ids;
  for (const auto& entry : streams_) {
    if (entry.second->blocked) ids.push_back(entry.first);
  }
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    Stream& stream = *streams_.at(id);
    unblock(stream, must);
    if (!stream.blocked && stream.ended) streams_.erase(id);
  }
}

void Http3Decoder::open_request(Stream& stream) noexcept {
  MessageHead& head = request_.read(qpack_.fields(), counters_.odd_fields, counters_.host_conflict);
  const std::string_view protocol = request_.protocol();
  head.protocol = "h3";
  head.stream_id = stream.id;
  head.offset = stream.frame_offset;
  counters_.requests.add();
  stream.open = true;
  stream.choice = sink_.on_request(head);
  if (head.method == "CONNECT" && equals_lower(protocol, "websocket")) {
    counters_.websockets.add();
    sink_.on_request_end(stream.id, EndReason::kComplete);
    const WebSocketOrigin origin{head.target, head.authority, head.user_agent, {}};
    stream.websocket =
        std::make_unique<WebSocketReader>(limits_, websocket_counters_, sink_, origin, stream.id);
  } else if (head.method == "CONNECT") {
    sink_.on_request_end(stream.id, EndReason::kComplete);
    stream.tunnel = std::make_unique<StreamTunnel>(head, protocol, limits_.header_line_bytes);
  }
}

void Http3Decoder::open_nameless(Stream& stream, uint64_t offset) noexcept {
  counters_.nameless_requests.add();
  MessageHead head;
  head.protocol = "h3";
  head.stream_id = stream.id;
  head.offset = offset;
  stream.open = true;
  stream.choice = sink_.on_request(head);
}

void Http3Decoder::body(Stream& stream, ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  if (!stream.open) open_nameless(stream, offset);
  counters_.body_bytes.add(data.size());
  if (stream.state == State::kLost) counters_.raw_bytes.add(data.size());
  if (stream.websocket) {
    stream.websocket->on_data(data, offset);
  } else if (stream.tunnel) {
    tunnel(stream, data, 0);
  } else if (stream.choice == BodyChoice::kInspect) {
    sink_.on_body(stream.id, data, offset);
  }
}

// Bytes of the client inside a tunnel, or a gap in them (0: of unknown size).
void Http3Decoder::tunnel(Stream& stream, ByteSpan data, uint64_t gap_bytes) noexcept {
  if (!stream.tunnel->open) {
    stream.tunnel->open = true;
    counters_.tunnels.add();
    sink_.on_tunnel(stream.tunnel->info(stream.id));
  }
  if (data.empty()) {
    sink_.on_tunnel_gap(stream.id, Direction::kToServer, gap_bytes);
  } else {
    sink_.on_tunnel_data(stream.id, Direction::kToServer, data);
  }
}

void Http3Decoder::raw(Stream& stream, ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  if (!stream.raw_open) {
    counters_.nameless_requests.add();
    MessageHead head;
    head.protocol = "h3";
    head.stream_id = kRawStream + stream.id;
    head.offset = offset;
    stream.raw_open = true;
    stream.raw_choice = sink_.on_request(head);
  }
  counters_.raw_bytes.add(data.size());
  if (stream.raw_choice == BodyChoice::kInspect) {
    sink_.on_body(kRawStream + stream.id, data, offset);
  }
}

void Http3Decoder::end_raw(Stream& stream, EndReason reason) noexcept {
  if (stream.raw_open) sink_.on_request_end(kRawStream + stream.id, reason);
  stream.raw_open = false;
}

void Http3Decoder::gap(Stream& stream, uint64_t bytes) noexcept {
  if (bytes == 0) return;
  if (stream.kind != Kind::kRequest) {
    // Without its type, a one-way stream may have been the encoder's.
    if (stream.kind == Kind::kTyping)
      stream.kind = Kind::kRaw;
    else if (stream.kind != Kind::kEncoder)
      return;
    qpack_.lose_table();
    if (blocked_ > 0) unblock_all(false);
    if (stream.kind == Kind::kEncoder) stream.kind = Kind::kQuiet;
    return;
  }
  const uint64_t inside = std::min(bytes, stream.left);
  switch (stream.state) {
    case State::kData:
      if (stream.websocket) {
        stream.websocket->on_gap(inside);
      } else if (stream.tunnel) {
        tunnel(stream, {}, inside);
      } else if (stream.choice == BodyChoice::kInspect) {
        sink_.on_body_gap(stream.id, inside);
      }
      break;
    case State::kBlock:
      // What came before the gap is of use; field lines behind it have no beginning.
      stream.block_cut = true;
      break;
    case State::kHandOn:
    case State::kSkip:
      break;
    case State::kLost:
      if (stream.tunnel) {
        tunnel(stream, {}, 0);
      } else if (stream.open && stream.choice == BodyChoice::kInspect && !stream.websocket) {
        sink_.on_body_gap(stream.id, 0);
      }
      return;
    case State::kType:
    case State::kLength:
      break;
  }
  const bool framed = stream.state != State::kType && stream.state != State::kLength;
  if (framed && bytes <= stream.left && stream.state != State::kBlock) {
    stream.left -= bytes;
    if (stream.left == 0) end_frame(stream);
    return;
  }
  if (stream.state == State::kBlock) {
    const uint64_t rest = bytes - inside;
    stream.left -= inside;
    if (rest == 0 && stream.left > 0) {
      stream.state = State::kSkip;
    }
    finish_block(stream, true);
    if (rest == 0) {
      if (stream.left == 0) stream.state = State::kType;
      return;
    }
  }
  end_raw(stream, EndReason::kGap);
  counters_.framing_lost.add();
  stream.state = State::kLost;
  stream.number_fill = 0;
  if (stream.websocket) {
    stream.websocket->on_gap(0);
  } else if (stream.tunnel) {
    tunnel(stream, {}, 0);
  } else if (stream.open && stream.choice == BodyChoice::kInspect) {
    sink_.on_body_gap(stream.id, 0);
  }
}

// The stream ends; it is not blocked.
void Http3Decoder::close(Stream& stream, EndReason reason) noexcept {
  if (stream.kind == Kind::kRaw) counters_.skipped_bytes.add(stream.block.size());
  if (stream.kind == Kind::kRaw || stream.kind == Kind::kTyping) stream.block.free();
  end_raw(stream, reason);
  if (stream.kind != Kind::kRequest) return;
  if (stream.state == State::kBlock && !stream.open) {
    stream.block_cut = true;
    finish_block(stream, true);
  }
  const bool cut = reason == EndReason::kComplete &&
                   (stream.state != State::kType || stream.number_fill > 0) &&
                   stream.state != State::kLost;
  if (cut) reason = EndReason::kReset;
  if (reason != EndReason::kComplete) counters_.resets.add();
  if (!stream.open) return;
  if (stream.websocket) {
    stream.websocket->end(reason);
  } else if (stream.tunnel) {
    if (stream.tunnel->open) sink_.on_tunnel_end(stream.id, reason);
  } else {
    sink_.on_request_end(stream.id, reason);
  }
  stream.open = false;
}

void Http3Decoder::on_server_data(uint64_t stream, ByteSpan data) noexcept {
  const uint64_t number = stream >> 2;
  if (data.empty() || settings_read_ || number >= server_.size() || !is_one_way(stream)) return;
  std::vector<uint8_t>& bytes = server_[number];
  if (bytes.size() + data.size() > kServerBytes) return;
  bytes.insert(bytes.end(), data.begin(), data.end());
  if (bytes[0] == kControlType) read_settings(ByteSpan(bytes).subspan(1));
}

// SETTINGS are the first frame of the control stream.
void Http3Decoder::read_settings(ByteSpan bytes) noexcept {
  ByteReader in(bytes);
  const uint64_t type = varint(in);
  const uint64_t size = varint(in);
  if (!in.ok() || size > in.remaining()) return;
  settings_read_ = true;
  uint64_t capacity = 0;
  ByteReader settings = in.sub(static_cast<size_t>(size));
  while (type == kSettingsFrame && !settings.empty()) {
    const uint64_t id = varint(settings);
    const uint64_t value = varint(settings);
    if (settings.ok() && id == kTableCapacitySetting) capacity = value;
  }
  if (type == kSettingsFrame) qpack_.set_capacity(capacity);
  for (std::vector<uint8_t>& kept : server_) std::vector<uint8_t>().swap(kept);
}

}  // namespace weir::inspect
