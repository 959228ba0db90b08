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
    std::vector<uint8_t> held;
    held.swap(held_);
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
      if (!answers_.abandoned) counters_.answers_abandoned.add();
      answers_.abandoned = true;
    } else {
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
  held_ = {};
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
      const auto size = static_cast<size_t>(std::min<uint64_t>(answers_.left, data.size()));
      answers_.left -= size;
      data = data.subspan(size);
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
      counters_.answers_abandoned.add();
      answers_.abandoned = true;
      return;
    }
    answers_.left = frame.length;
    // The request is over for the server; what the client has sent meanwhile is nameless.
    if (frame.type == FrameType::kReset) reset_stream(frame.stream, counters_.resets_by_server);
  }
}

}  // namespace weir::inspect
