// The parts of Http2Decoder that see the connection as a whole: gaps, its end, lost frames, and the
// server's side.
#include <algorithm>

#include "inspect/http/http2_decoder.h"
#include "inspect/http/websocket_reader.h"

namespace weir::inspect {

void Http2Decoder::body_gap(Stream& stream, uint64_t bytes) noexcept {
  stream.body_begun = true;
  if (stream.websocket) {
    stream.websocket->on_gap(bytes);
  } else if (stream.tunnel) {
    // What was lost may have been the first bytes of the tunnel.
    if (!stream.tunnel->open && bytes > 0) open_tunnel(stream);
    if (stream.tunnel->open) sink_.on_tunnel_gap(stream.id, Direction::kToServer, bytes);
  } else if (stream.choice == BodyChoice::kInspect) {
    sink_.on_body_gap(stream.id, bytes);
  }
}

// Frames cannot be followed any more: what comes is searched for them. Requests stay open, as their
// next frames may be found; all of them may have lost bytes.
void Http2Decoder::lose_frames(EndReason reason) noexcept {
  counters_.sync_lost.add();
  hpack_.forget();
  if (block_.open) finish_block();
  for (Stream& stream : streams_) body_gap(stream, 0);
  raw_reason_ = reason;
  state_ = State::kSearch;
}

// Whether the gap lies within the payload of the frame; if so it counts as read.
bool Http2Decoder::skip_in_frame(uint64_t bytes) noexcept {
  if (bytes == 0 || bytes > left_) return false;
  const auto size = static_cast<uint32_t>(bytes);
  // When the length of the padding is lost, padding is taken for content.
  const uint32_t pad_length = state_ == State::kPadLength ? 1 : 0;
  if (state_ == State::kPadLength) state_ = content_;
  switch (state_) {
    case State::kData: {
      counters_.gaps_in_body.add();
      Stream* stream = find(frame_.stream);
      const uint32_t lost = std::min(size, left_ - pad_) - pad_length;
      if (stream != nullptr && lost > 0) body_gap(*stream, lost);
      break;
    }
    case State::kBlock:
      counters_.gaps_in_headers.add();
      hpack_.forget();
      break;
    case State::kHandOn:
      if (raw_open_ && raw_choice_ == BodyChoice::kInspect) sink_.on_body_gap(kRawStream, bytes);
      break;
    case State::kSkip:
    case State::kPadding:
      break;
    default:
      return false;
  }
  left_ -= size;
  if (left_ < pad_) pad_ = static_cast<uint8_t>(left_);
  settle_frame();
  return true;
}

// No more bytes will follow those that are held: reads what of them are whole frames.
void Http2Decoder::finish_search() noexcept {
  while (state_ == State::kSearch && !held_.empty()) {
    const std::vector<uint8_t> held(held_.bytes().begin(), held_.bytes().end());
    held_.free();
    const FrameSearch search = find_frames(held, true);
    offset_ -= held.size();
    raw(ByteSpan(held).first(search.plain), offset_);
    offset_ += search.plain;
    if (!search.found) return;
    counters_.sync_found.add();
    end_raw(raw_reason_);
    state_ = State::kHeader;
    ByteSpan rest = ByteSpan(held).subspan(search.plain);
    while (!rest.empty()) {
      const size_t used = step(rest);
      offset_ += used;
      rest = rest.subspan(used);
      if (!replay_) continue;
      replay_ = false;  // all of rest was taken: what is held is searched again
      state_ = State::kSearch;
    }
  }
}

DecodeStatus Http2Decoder::on_gap(Direction direction, uint64_t bytes) noexcept {
  if (direction == Direction::kToClient) {
    if (bytes == 0 || bytes > answers_.left) {
      abandon_answers();
    } else {
      // When the length of the padding is lost, padding is taken for content.
      const uint64_t lost = std::min(bytes, answer_content_left());
      Stream* stream = answers_.stream == 0 ? nullptr : find(answers_.stream);
      if (stream != nullptr && stream->tunnel && stream->tunnel->open && lost > 0) {
        sink_.on_tunnel_gap(stream->id, direction, lost);
      }
      answers_.pad_length = false;
      answers_.left -= bytes;
    }
    return DecodeStatus::kContinue;
  }
  if (state_ == State::kEnded) return DecodeStatus::kContinue;
  finish_search();
  if (state_ == State::kSearch) {
    if (raw_open_ && raw_choice_ == BodyChoice::kInspect) sink_.on_body_gap(kRawStream, bytes);
  } else if (!skip_in_frame(bytes)) {
    counters_.gaps_between.add();
    end_raw(EndReason::kGap);
    // The beginning of a frame header or of the preface tells nothing.
    used_ = 0;
    lose_frames(EndReason::kGap);
  }
  offset_ += bytes;
  return DecodeStatus::kContinue;
}

void Http2Decoder::on_end(Direction direction, EndReason reason) noexcept {
  if (direction == Direction::kToClient || state_ == State::kEnded) return;
  const EndReason cut = reason == EndReason::kComplete ? EndReason::kReset : reason;
  finish_search();
  if (block_.open) {
    hpack_.forget();
    finish_block();
  }
  end_raw(raw_reason_ == EndReason::kComplete ? reason : raw_reason_);
  held_.free();
  std::sort(streams_.begin(), streams_.end(),
            [](const Stream& a, const Stream& b) { return a.id > b.id; });
  while (!streams_.empty()) {
    counters_.ended_in_body.add();
    end_stream(streams_.back(), cut);
  }
  state_ = State::kEnded;
}

void Http2Decoder::on_answer_data(ByteSpan data) noexcept {
  while (!data.empty() && !answers_.abandoned) {
    if (answers_.left > 0) {
      data = data.subspan(take_answer(data));
      continue;
    }
    const size_t taken = std::min(kFrameHeaderBytes - answers_.used, data.size());
    std::copy_n(data.begin(), taken, answers_.header.begin() + answers_.used);
    answers_.used = static_cast<uint8_t>(answers_.used + taken);
    data = data.subspan(taken);
    if (answers_.used < kFrameHeaderBytes) return;
    answers_.used = 0;
    const FrameHeader frame = parse_frame_header(answers_.header);
    if (!valid_frame(frame)) {
      abandon_answers();
      return;
    }
    begin_answer(frame);
  }
}

void Http2Decoder::begin_answer(const FrameHeader& frame) noexcept {
  answers_.left = frame.length;
  answers_.pad = 0;
  const bool data = frame.type == FrameType::kData;
  answers_.stream = data ? frame.stream : 0;
  answers_.pad_length = data && frame.has(FrameHeader::kPadded);
  // The request is over for the server; what the client has sent meanwhile is nameless.
  if (frame.type == FrameType::kReset) reset_stream(frame.stream, counters_.resets_by_server);
}

uint64_t Http2Decoder::answer_content_left() const noexcept {
  const uint64_t other = uint64_t{answers_.pad} + (answers_.pad_length ? 1 : 0);
  return answers_.left > other ? answers_.left - other : 0;
}

// Of the payload of a frame; returns how many bytes were taken.
size_t Http2Decoder::take_answer(ByteSpan data) noexcept {
  if (answers_.pad_length) {
    answers_.pad_length = false;
    answers_.pad = data[0];
    --answers_.left;
    return 1;
  }
  const uint64_t content = answer_content_left();
  const auto size =
      static_cast<size_t>(std::min<uint64_t>(content > 0 ? content : answers_.left, data.size()));
  answers_.left -= size;
  if (content > 0 && answers_.stream != 0) {
    Stream* stream = find(answers_.stream);
    if (stream != nullptr && stream->tunnel && stream->tunnel->open) {
      sink_.on_tunnel_data(stream->id, Direction::kToClient, data.first(size));
    }
  }
  return size;
}

void Http2Decoder::abandon_answers() noexcept {
  if (answers_.abandoned) return;
  counters_.answers_abandoned.add();
  answers_.abandoned = true;
  for (const Stream& stream : streams_) {
    if (stream.tunnel && stream.tunnel->open) {
      sink_.on_tunnel_gap(stream.id, Direction::kToClient, 0);
    }
  }
}

void Http2Decoder::open_tunnel(Stream& stream) noexcept {
  stream.tunnel->open = true;
  counters_.tunnels.add();
  sink_.on_tunnel(stream.tunnel->info(stream.id));
  if (answers_.abandoned) sink_.on_tunnel_gap(stream.id, Direction::kToClient, 0);
}

}  // namespace weir::inspect
