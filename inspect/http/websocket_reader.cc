#include "inspect/http/websocket_reader.h"

#include <algorithm>

#include "inspect/unwrap/raw_inflater.h"

namespace weir::inspect {
namespace {

constexpr size_t kBlockBytes = 8U << 10;  // on the stack
constexpr size_t kShortControl = 64;
// The end of a sync flush, which a sender leaves out (RFC 7692 section 7.2.1).
constexpr std::array<uint8_t, 4> kFlushTail = {0, 0, 0xff, 0xff};

}  // namespace

WebSocketReader::WebSocketReader(const Limits& limits, WebSocketCounters& counters,
                                 MessageSink& sink, const WebSocketOrigin& origin,
                                 std::optional<uint64_t> stream) noexcept
    : limits_(limits),
      counters_(counters),
      sink_(sink),
      target_(origin.target.substr(0, limits.path_bytes)),
      authority_(origin.authority.substr(0, limits.path_bytes)),
      user_agent_(origin.user_agent.substr(0, limits.path_bytes)),
      keeps_window_(origin.extensions.find("client_no_context_takeover") == std::string_view::npos),
      stream_(stream) {}

WebSocketReader::~WebSocketReader() = default;

void WebSocketReader::set_mid_stream() noexcept {
  state_ = State::kSearch;
  lose_window();
}

void WebSocketReader::on_data(ByteSpan data, uint64_t offset) noexcept {
  while (!data.empty()) {
    size_t used = data.size();
    switch (state_) {
      case State::kHeader:
        used = take_header(data, offset);
        break;
      case State::kPayload:
        used = take_payload(data, offset);
        break;
      case State::kSearch:
        used = take_search(data, offset);
        break;
      case State::kEnded:
        break;
    }
    data = data.subspan(used);
    offset += used;
    if (!replay_) continue;
    // Frames were found in the bytes that were held, the last of which are the last of data.
    replay_ = false;
    joined_.swap(held_);
    held_ = {};
    offset = held_at_;
    data = joined_;
  }
  if (!joined_.empty()) joined_ = {};
}

size_t WebSocketReader::take_header(ByteSpan data, uint64_t offset) noexcept {
  if (used_ == 0) header_at_ = offset;
  size_t taken = 0;
  for (;;) {
    const size_t size = websocket_header_size(ByteSpan(header_).first(used_));
    if (used_ >= 2 && used_ == size) break;
    if (taken == data.size()) return taken;
    header_[used_++] = data[taken++];
  }
  const ByteSpan header = ByteSpan(header_).first(used_);
  const WebSocketFrame frame = parse_websocket_header(header);
  if (!valid_websocket_frame(frame)) {
    lose_frames(EndReason::kMalformed);
    held_.assign(header.begin(), header.end());
    held_at_ = header_at_;
    used_ = 0;
    return taken;
  }
  used_ = 0;
  begin_frame(frame);
  return taken;
}

void WebSocketReader::begin_frame(const WebSocketFrame& frame) noexcept {
  counters_.frames.add();
  frame_ = frame;
  left_ = frame.length;
  phase_ = 0;
  if (!frame.masked) counters_.unmasked_frames.add();
  if (frame.control()) {
    counters_.control_frames.add();
    if (frame.length > kShortControl) {
      counters_.control_handed_on.add();
      open_request(control_,
                   frame.opcode == WebSocketFrame::kPing   ? "PING"
                   : frame.opcode == WebSocketFrame::kPong ? "PONG"
                                                           : "CLOSE",
                   header_at_);
    }
  } else if (frame.opcode != WebSocketFrame::kContinuation) {
    if (in_message_) {
      counters_.odd_frames.add();
      if (coding_ == Coding::kDeflate) lose_window();
      message_end_ = EndReason::kMalformed;
      finish_message();
    }
    begin_message((frame.reserved & 4U) != 0);
  } else if (!in_message_) {
    counters_.odd_frames.add();
    begin_message(false);
  }
  state_ = State::kPayload;
  if (left_ == 0) end_frame();
}

void WebSocketReader::begin_message(bool compressed) noexcept {
  counters_.messages.add();
  in_message_ = true;
  message_end_ = EndReason::kComplete;
  coding_ = Coding::kNone;
  in_bytes_ = out_bytes_ = 0;
  open_request(message_, "MESSAGE", header_at_);
  if (!compressed) return;
  counters_.compressed_messages.add();
  coding_ = Coding::kDeflate;
  head_size_ = 0;
  if (!inflater_) inflater_ = std::make_unique<RawInflater>();
  if (window_lost_) {
    counters_.windows_lost.add();
    inflater_->reset_unknown_window();
    window_lost_ = false;
  }
}

void WebSocketReader::open_request(Open& request, std::string_view method,
                                   uint64_t offset) noexcept {
  MessageHead head;
  head.protocol = "ws";
  head.method = method;
  head.target = target_;
  head.authority = authority_;
  head.user_agent = user_agent_;
  head.offset = offset;
  head.stream_id = !stream_ ? next_id_++ : *stream_ + (&request == &control_ ? kControlStream : 0);
  request.open = true;
  request.id = head.stream_id;
  request.choice = sink_.on_request(head);
}

void WebSocketReader::body(const Open& request, ByteSpan data, uint64_t offset) noexcept {
  if (!request.open || data.empty() || request.choice != BodyChoice::kInspect) return;
  sink_.on_body(request.id, data, offset);
}

void WebSocketReader::end_request(Open& request, EndReason reason) noexcept {
  if (request.open) sink_.on_request_end(request.id, reason);
  request.open = false;
}

size_t WebSocketReader::take_payload(ByteSpan data, uint64_t offset) noexcept {
  const auto size = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
  data = data.first(size);
  std::array<uint8_t, kBlockBytes> block;
  while (!data.empty()) {
    ByteSpan part = data;
    if (frame_.masked) {
      part = data.first(std::min(kBlockBytes, data.size()));
      unmask(part, frame_.mask, phase_, block);
      phase_ = (phase_ + part.size()) % 4;
      part = ByteSpan(block).first(part.size());
    }
    if (frame_.control()) {
      body(control_, part, offset);
    } else {
      message_data(part, offset);
    }
    data = data.subspan(part.size());
    offset += part.size();
  }
  left_ -= size;
  if (left_ == 0) end_frame();
  return size;
}

void WebSocketReader::message_data(ByteSpan data, uint64_t offset) noexcept {
  counters_.payload_bytes.add(data.size());
  switch (coding_) {
    case Coding::kNone:
      body(message_, data, offset);
      break;
    case Coding::kDeflate:
      inflate(data, offset);
      break;
    case Coding::kDrop:
      counters_.dropped_bytes.add(data.size());
      break;
  }
}

void WebSocketReader::inflate(ByteSpan data, uint64_t offset) noexcept {
  std::array<uint8_t, kBlockBytes> room;
  ByteSpan in = data;
  in_bytes_ += data.size();
  if (out_bytes_ == 0) {
    const size_t kept = std::min(data.size(), head_.size() - head_size_);
    std::copy_n(data.begin(), kept, head_.begin() + static_cast<ptrdiff_t>(head_size_));
    head_size_ += kept;
  }
  for (;;) {
    const size_t made = inflater_->inflate(in, room);
    out_bytes_ += made;
    body(message_, ByteSpan(room).first(made), offset);
    if (inflater_->corrupt()) {
      refuse_deflate(data, in, offset);
      return;
    }
    if (out_bytes_ > limits_.inflate_floor &&
        out_bytes_ / limits_.inflate_ratio > std::max<uint64_t>(in_bytes_, 1)) {
      counters_.inflate_limit.add();
      lose_window();
      coding_ = Coding::kDrop;
      message_end_ = EndReason::kLimit;
      counters_.dropped_bytes.add(in.size());
      return;
    }
    if (made < room.size()) return;
  }
}

// No deflate. If nothing came of it (it may be another extension), all of it comes as it is.
void WebSocketReader::refuse_deflate(ByteSpan data, ByteSpan unread, uint64_t offset) noexcept {
  counters_.inflate_corrupt.add();
  lose_window();
  message_end_ = EndReason::kMalformed;
  coding_ = Coding::kNone;
  if (out_bytes_ == 0) {
    const uint64_t before = in_bytes_ - data.size();
    const auto kept = static_cast<size_t>(std::min<uint64_t>(before, head_size_));
    body(message_, ByteSpan(head_).first(kept), header_at_);
    counters_.dropped_bytes.add(before - kept);
    unread = data;
  }
  if (data.data() != kFlushTail.data()) body(message_, unread, offset);
}

void WebSocketReader::end_frame() noexcept {
  state_ = State::kHeader;
  if (frame_.control()) {
    end_request(control_, EndReason::kComplete);
  } else if (frame_.fin) {
    if (coding_ == Coding::kDeflate) inflate(kFlushTail, header_at_);
    finish_message();
  }
}

void WebSocketReader::finish_message() noexcept {
  in_message_ = false;
  end_request(message_, message_end_);
  if (keeps_window_) return;
  inflater_.reset();
  window_lost_ = false;
}

// What follows the loss is compressed with a window that is not known.
void WebSocketReader::lose_window() noexcept { window_lost_ = keeps_window_; }

void WebSocketReader::lose_frames(EndReason reason) noexcept {
  counters_.sync_lost.add();
  lose_window();
  if (!keeps_window_) inflater_.reset();
  in_message_ = false;
  end_request(control_, reason);
  end_request(message_, reason);
  raw_reason_ = reason;
  state_ = State::kSearch;
}

// `data` begins at held_at_.
void WebSocketReader::raw(ByteSpan data) noexcept {
  if (data.empty()) return;
  if (!message_.open) open_request(message_, "", held_at_);
  counters_.raw_bytes.add(data.size());
  body(message_, data, held_at_);
  held_at_ += data.size();
}

size_t WebSocketReader::take_search(ByteSpan data, uint64_t offset) noexcept {
  const bool joined = !held_.empty();
  if (!joined) held_at_ = offset;
  if (joined) held_.insert(held_.end(), data.begin(), data.end());
  const ByteSpan all = joined ? ByteSpan(held_) : data;
  const WebSocketSearch search = find_websocket_frames(all);
  raw(all.first(search.plain));
  if (search.found) {
    counters_.sync_found.add();
    end_request(message_, raw_reason_);
    state_ = State::kHeader;
    if (!joined) return search.plain;
    replay_ = true;
  }
  if (joined) {
    held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(search.plain));
  } else {
    const ByteSpan kept = data.subspan(search.plain);
    held_.assign(kept.begin(), kept.end());
  }
  return data.size();
}

void WebSocketReader::on_gap(uint64_t bytes) noexcept {
  if (state_ == State::kEnded || state_ == State::kSearch) {
    raw(held_);
    held_.clear();
    if (message_.open && message_.choice == BodyChoice::kInspect) {
      sink_.on_body_gap(message_.id, bytes);
    }
    return;
  }
  Open& request = state_ == State::kPayload && frame_.control() ? control_ : message_;
  if (state_ == State::kPayload && bytes != 0 && bytes <= left_) {
    counters_.gaps_in_payload.add();
    // Of deflate, nothing can be decoded until the next message.
    const bool deflate = !frame_.control() && coding_ == Coding::kDeflate;
    if (deflate) {
      coding_ = Coding::kDrop;
      message_end_ = EndReason::kGap;
      lose_window();
    }
    if (request.open && request.choice == BodyChoice::kInspect) {
      sink_.on_body_gap(request.id, deflate ? 0 : bytes);
    }
    left_ -= bytes;
    phase_ = (phase_ + bytes) % 4;
    if (left_ == 0) end_frame();
    return;
  }
  counters_.gaps_between.add();
  if (request.open && request.choice == BodyChoice::kInspect) sink_.on_body_gap(request.id, 0);
  used_ = 0;
  lose_frames(EndReason::kGap);
}

void WebSocketReader::end(EndReason reason) noexcept {
  if (state_ == State::kEnded) return;
  if (in_message_) counters_.ended_in_message.add();
  const EndReason cut = reason == EndReason::kComplete ? EndReason::kReset : reason;
  if (state_ == State::kSearch) raw(held_);
  end_request(control_, cut);
  end_request(message_, state_ == State::kSearch ? reason : cut);
  held_ = {};
  state_ = State::kEnded;
}

}  // namespace weir::inspect
