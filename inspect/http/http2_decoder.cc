#include "inspect/http/http2_decoder.h"

#include <algorithm>
#include <string>

#include "inspect/http/http1_syntax.h"
#include "inspect/http/websocket_reader.h"

namespace weir::inspect {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// Longer frames of no request carry more than such frames need.
constexpr uint32_t kControlBytes = 256;
constexpr size_t kFloodFrames = 64;  // of one header block; 16 KiB each in real traffic
constexpr size_t kPriorityBytes = 5;
constexpr size_t kKeptBytes = 256;  // of what is searched for frames

}  // namespace

Http2Decoder::Http2Decoder(const Limits& limits, Http2Counters& counters,
                           WebSocketCounters& websocket_counters, MessageSink& sink,
                           ByteBudget* room) noexcept
    : limits_(limits),
      counters_(counters),
      websocket_counters_(websocket_counters),
      sink_(sink),
      hpack_(limits, counters, room),
      held_(room, kKeptBytes) {}

Http2Decoder::~Http2Decoder() = default;

void Http2Decoder::set_mid_stream() noexcept {
  state_ = State::kSearch;
  hpack_.forget();
}

DecodeStatus Http2Decoder::on_data(Direction direction, ByteSpan data) noexcept {
  if (direction == Direction::kToClient) {
    on_answer_data(data);
    return DecodeStatus::kContinue;
  }
  while (!data.empty()) {
    const size_t used = step(data);
    offset_ += used;
    data = data.subspan(used);
    if (!replay_) continue;
    // Frames were found in the bytes that were held, the last of which are the last of data.
    replay_ = false;
    joined_.assign(held_.bytes().begin(), held_.bytes().end());
    held_.free();
    offset_ -= joined_.size();
    data = joined_;
  }
  if (!joined_.empty()) joined_ = {};
  return DecodeStatus::kContinue;
}

size_t Http2Decoder::step(ByteSpan data) noexcept {
  switch (state_) {
    case State::kPreface:
      return take_preface(data);
    case State::kHeader:
      return take_header(data);
    case State::kPadLength:
      pad_ = data[0];
      --left_;
      if (pad_ > left_) {
        counters_.odd_frames.add();
        pad_ = 0;
      }
      state_ = content_;
      settle_frame();
      return 1;
    case State::kData:
    case State::kBlock:
    case State::kSkip:
    case State::kHandOn:
    case State::kPadding:
      return take_content(data);
    case State::kSearch:
      return take_search(data);
    case State::kEnded:
      return data.size();
  }
  return data.size();
}

size_t Http2Decoder::take_preface(ByteSpan data) noexcept {
  const std::string_view wanted = kPreface.substr(used_);
  const size_t size = std::min(wanted.size(), data.size());
  if (wanted.substr(0, size) != as_chars(data.first(size))) {
    const ByteSpan matched = as_bytes(kPreface.substr(0, used_));
    used_ = 0;
    lose_frames(EndReason::kMalformed);
    search_again(matched);
    return 0;
  }
  used_ = static_cast<uint8_t>(used_ + size);
  if (used_ == kPreface.size()) {
    used_ = 0;
    state_ = State::kHeader;
  }
  return size;
}

size_t Http2Decoder::take_header(ByteSpan data) noexcept {
  ByteSpan header = data;
  size_t taken = kFrameHeaderBytes;
  if (used_ > 0 || data.size() < kFrameHeaderBytes) {
    taken = std::min(kFrameHeaderBytes - used_, data.size());
    std::copy_n(data.begin(), taken, header_.begin() + used_);
    used_ = static_cast<uint8_t>(used_ + taken);
    if (used_ < kFrameHeaderBytes) return taken;
    header = header_;
    used_ = 0;
  }
  header = header.first(kFrameHeaderBytes);
  const FrameHeader frame = parse_frame_header(header);
  if (!valid_frame(frame)) {
    lose_frames(EndReason::kMalformed);
    search_again(header);
    return taken;
  }
  begin_frame(frame, offset_ + taken - kFrameHeaderBytes);
  return taken;
}

void Http2Decoder::begin_frame(const FrameHeader& frame, uint64_t offset) noexcept {
  ++clock_;
  frame_ = frame;
  left_ = frame.length;
  pad_ = 0;
  priority_left_ = 0;
  content_ = State::kSkip;
  const bool continues =
      frame.type == FrameType::kContinuation && block_.open && frame.stream == block_.stream;
  if (block_.open && !continues) {
    counters_.odd_frames.add();
    hpack_.forget();
    finish_block();
  }
  bool padded = false;
  switch (frame.type) {
    case FrameType::kData:
      counters_.data_frames.add();
      padded = frame.has(FrameHeader::kPadded);
      content_ = State::kData;
      if (find(frame.stream) == nullptr && frame.length > 0) open_nameless(frame.stream, offset);
      break;
    case FrameType::kHeaders:
      padded = frame.has(FrameHeader::kPadded);
      begin_headers(frame, offset);
      break;
    case FrameType::kContinuation:
      counters_.continuations.add();
      if (continues) {
        if (++block_.frames == kFloodFrames) counters_.continuation_floods.add();
        content_ = State::kBlock;
      } else {
        counters_.odd_frames.add();
      }
      break;
    case FrameType::kPushPromise:
      counters_.pushes.add();
      break;
    case FrameType::kGoAway:
      counters_.goaways.add();
      break;
    default:
      break;
  }
  if (content_ == State::kSkip && frame.length > kControlBytes) {
    counters_.frames_handed_on.add();
    content_ = State::kHandOn;
  }
  state_ = padded ? State::kPadLength : content_;
  settle_frame();
}

void Http2Decoder::begin_headers(const FrameHeader& frame, uint64_t offset) noexcept {
  counters_.header_blocks.add();
  if (frame.has(FrameHeader::kHasPriority)) priority_left_ = kPriorityBytes;
  block_ = {true, frame.has(FrameHeader::kEndStream), frame.stream, offset, 1};
  hpack_.begin();
  content_ = State::kBlock;
}

// The state for what is left of the frame, or for the next one.
void Http2Decoder::settle_frame() noexcept {
  if (left_ == 0) {
    end_frame();
  } else if (state_ != State::kPadLength && left_ == pad_) {
    state_ = State::kPadding;
  }
}

size_t Http2Decoder::take_content(ByteSpan data) noexcept {
  const size_t most = state_ == State::kPadding ? left_ : left_ - pad_;
  size_t size = std::min(most, data.size());
  switch (state_) {
    case State::kData:
      body(data.first(size), offset_);
      break;
    case State::kBlock:
      if (priority_left_ > 0) {
        size = std::min<size_t>(size, priority_left_);
        priority_left_ = static_cast<uint8_t>(priority_left_ - size);
      } else {
        hpack_.add(data.first(size));
      }
      break;
    case State::kHandOn:
      raw(data.first(size), offset_);
      break;
    case State::kPadding:
      counters_.padding_bytes.add(size);
      break;
    default:
      break;
  }
  left_ -= static_cast<uint32_t>(size);
  settle_frame();
  return size;
}

void Http2Decoder::end_frame() noexcept {
  state_ = State::kHeader;
  switch (frame_.type) {
    case FrameType::kData:
      if (frame_.has(FrameHeader::kEndStream)) {
        Stream* stream = find(frame_.stream);
        if (stream != nullptr) end_stream(*stream, EndReason::kComplete);
      }
      break;
    case FrameType::kHeaders:
    case FrameType::kContinuation:
      if (block_.open && frame_.has(FrameHeader::kEndHeaders)) finish_block();
      break;
    case FrameType::kReset:
      reset_stream(frame_.stream, counters_.resets_by_client);
      break;
    default:
      break;
  }
  if (raw_open_) end_raw(EndReason::kComplete);
}

void Http2Decoder::finish_block() noexcept {
  hpack_.end();
  block_.open = false;
  Stream* stream = find(block_.stream);
  if (stream == nullptr) {
    open_request();
    stream = find(block_.stream);
  } else {
    counters_.trailers.add();
  }
  hpack_.release();
  if (block_.end_stream && stream != nullptr) end_stream(*stream, EndReason::kComplete);
}

void Http2Decoder::open_request() noexcept {
  MessageHead& head = request_.read(hpack_.fields(), counters_.odd_fields, counters_.host_conflict);
  const std::string_view protocol = request_.protocol();
  head.protocol = "h2";
  head.stream_id = block_.stream;
  head.offset = block_.offset;
  counters_.requests.add();

  Stream& stream = add_stream(block_.stream);
  stream.choice = sink_.on_request(head);
  if (head.method == "CONNECT" && equals_lower(protocol, "websocket")) {
    counters_.websockets.add();
    sink_.on_request_end(stream.id, EndReason::kComplete);
    const WebSocketOrigin origin{head.target, head.authority, head.user_agent, {}};
    stream.websocket = std::make_unique<WebSocketReader>(limits_, websocket_counters_, sink_,
                                                         origin, uint64_t{stream.id});
  } else if (head.method == "CONNECT") {
    sink_.on_request_end(stream.id, EndReason::kComplete);
    stream.tunnel = std::make_unique<StreamTunnel>(head, protocol, limits_.header_line_bytes);
  }
}

void Http2Decoder::open_nameless(uint32_t id, uint64_t offset) noexcept {
  counters_.nameless_requests.add();
  MessageHead head;
  head.protocol = "h2";
  head.stream_id = id;
  head.offset = offset;
  Stream& stream = add_stream(id);
  stream.choice = sink_.on_request(head);
}

Http2Decoder::Stream* Http2Decoder::find(uint32_t id) noexcept {
  if (last_ < streams_.size() && streams_[last_].id == id) return &streams_[last_];
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].id != id) continue;
    last_ = i;
    return &streams_[i];
  }
  return nullptr;
}

Http2Decoder::Stream& Http2Decoder::add_stream(uint32_t id) noexcept {
  if (streams_.size() >= limits_.http2_streams) {
    counters_.streams_evicted.add();
    const auto idlest =
        std::min_element(streams_.begin(), streams_.end(),
                         [](const Stream& a, const Stream& b) { return a.used < b.used; });
    end_stream(*idlest, EndReason::kEvicted);
  }
  last_ = streams_.size();
  Stream& stream = streams_.emplace_back();
  stream.id = id;
  stream.used = clock_;
  return stream;
}

void Http2Decoder::end_stream(Stream& stream, EndReason reason) noexcept {
  if (stream.websocket) {
    stream.websocket->end(reason);
  } else if (stream.tunnel) {
    if (stream.tunnel->open) sink_.on_tunnel_end(stream.id, reason);
  } else {
    sink_.on_request_end(stream.id, reason);
  }
  if (&stream != &streams_.back()) stream = std::move(streams_.back());
  streams_.pop_back();
}

void Http2Decoder::reset_stream(uint32_t id, Counter& counter) noexcept {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  counter.add();
  if (!stream->body_begun) counters_.resets_without_body.add();
  end_stream(*stream, EndReason::kReset);
}

void Http2Decoder::body(ByteSpan data, uint64_t offset) noexcept {
  Stream* stream = find(frame_.stream);
  if (stream == nullptr || data.empty()) return;
  stream->used = clock_;
  stream->body_begun = true;
  counters_.body_bytes.add(data.size());
  if (stream->websocket) {
    stream->websocket->on_data(data, offset);
  } else if (stream->tunnel) {
    if (!stream->tunnel->open) open_tunnel(*stream);
    sink_.on_tunnel_data(stream->id, Direction::kToServer, data);
  } else if (stream->choice == BodyChoice::kInspect) {
    sink_.on_body(stream->id, data, offset);
  }
}

void Http2Decoder::raw(ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  if (!raw_open_) {
    counters_.nameless_requests.add();
    MessageHead head;
    head.protocol = "h2";
    head.stream_id = kRawStream;
    head.offset = offset;
    raw_open_ = true;
    raw_choice_ = sink_.on_request(head);
  }
  counters_.raw_bytes.add(data.size());
  if (raw_choice_ == BodyChoice::kInspect) sink_.on_body(kRawStream, data, offset);
}

void Http2Decoder::end_raw(EndReason reason) noexcept {
  if (raw_open_) sink_.on_request_end(kRawStream, reason);
  raw_open_ = false;
}

// Bytes that are no frame after all, the last of which are the last that were taken.
void Http2Decoder::search_again(ByteSpan bytes) noexcept {
  held_.free();
  (void)held_.append(bytes);  // so few always find room
}

// Held bytes are followed by data; both are searched as one.
size_t Http2Decoder::take_search(ByteSpan data) noexcept {
  const bool joined = !held_.empty();
  const uint64_t begin = offset_ - held_.size();
  if (joined && !held_.append(data)) {
    raw(held_, begin);
    raw(data, offset_);
    held_.free();
    return data.size();
  }
  const ByteSpan all = joined ? held_.bytes() : data;
  const FrameSearch search = find_frames(all, false);
  raw(all.first(search.plain), begin);
  if (search.found) {
    counters_.sync_found.add();
    end_raw(raw_reason_);
    state_ = State::kHeader;
    if (!joined) return search.plain;
    replay_ = true;
  }
  if (joined) {
    held_.erase_front(search.plain);
  } else {
    const ByteSpan kept = data.subspan(search.plain);
    if (!held_.append(kept)) raw(kept, offset_ + search.plain);
  }
  return data.size();
}

}  // namespace weir::inspect
