#include "inspect/http/http1_answers.h"

#include <algorithm>

#include "inspect/http/http1_decoder.h"

namespace weir::inspect {

void AnswerReader::abandon() noexcept {
  if (state_ == State::kAbandoned) return;
  counters_.answers_abandoned.add();
  state_ = State::kAbandoned;
  held_.free();
}

void AnswerReader::on_data(ByteSpan data) noexcept {
  seen_ = seen_ || !data.empty();
  while (!data.empty()) {
    switch (state_) {
      case State::kHead:
        data = data.subspan(take_head(data));
        break;
      case State::kLength: {
        const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
        left_ -= size;
        data = data.subspan(size);
        if (left_ == 0) state_ = State::kHead;
        break;
      }
      case State::kChunks: {
        ByteSpan body;
        switch (chunks_.next(data, body)) {
          case ChunkReader::Step::kContinue:
            break;
          case ChunkReader::Step::kDone:
            state_ = State::kHead;
            break;
          case ChunkReader::Step::kMalformed:
          case ChunkReader::Step::kLimit:
            abandon();
            break;
        }
        break;
      }
      case State::kTunnel:
        listener_.on_answer_tunnel(data);
        return;
      case State::kUntilEnd:
      case State::kAbandoned:
        return;
    }
  }
}

void AnswerReader::on_gap(uint64_t bytes) noexcept {
  switch (state_) {
    case State::kLength:
      if (bytes == 0 || bytes > left_) return abandon();
      left_ -= bytes;
      if (left_ == 0) state_ = State::kHead;
      return;
    case State::kChunks:
      if (bytes == 0 || !chunks_.skip(bytes)) abandon();
      return;
    case State::kTunnel:
      return listener_.on_answer_tunnel_gap(bytes);
    case State::kHead:
      return abandon();
    case State::kUntilEnd:
    case State::kAbandoned:
      return;
  }
}

size_t AnswerReader::take_head(ByteSpan data) noexcept {
  if (!begun_) {
    size_t blank = 0;
    while (blank < data.size() && (data[blank] == '\r' || data[blank] == '\n')) ++blank;
    if (blank > 0) return blank;
    begun_ = true;
    end_.reset();
  }
  const size_t room = limits_.header_bytes - held_.size();
  const ByteSpan window = data.first(std::min(room, data.size()));
  const size_t end = end_.find(window);
  const size_t size = end == kNotFound ? window.size() : end;
  ByteSpan head = window.first(size);
  if (!held_.empty() || end == kNotFound) {
    if (!held_.append(head)) {
      abandon();
      return size;
    }
    head = held_;
  }
  const ProbeAnswer probe = probe_http1_response(head);
  if (probe == ProbeAnswer::kNo || (end == kNotFound && held_.size() >= limits_.header_bytes)) {
    abandon();
  } else if (end != kNotFound) {
    finish_head(head);
    held_.clear();
  }
  return size;
}

void AnswerReader::finish_head(ByteSpan bytes) noexcept {
  begun_ = false;
  if (!parser_.parse_answer(bytes)) return abandon();
  const Http1Head& head = parser_.head();
  switch (listener_.on_answer(head)) {
    case AnswerBody::kNone:
      return;
    case AnswerBody::kAbandon:
      return abandon();
    case AnswerBody::kTunnel:
      state_ = State::kTunnel;
      return;
    case AnswerBody::kAsFramed:
      break;
  }
  if (state_ == State::kAbandoned || head.status < 200 || head.status == 204 ||
      head.status == 304) {
    return;
  }
  if (head.has_transfer_encoding) {
    if (!head.chunked) {
      state_ = State::kUntilEnd;
      return;
    }
    chunks_.begin(limits_.header_line_bytes, limits_.header_bytes);
    state_ = State::kChunks;
  } else if (head.content_length) {
    left_ = *head.content_length;
    if (left_ > 0) state_ = State::kLength;
  } else {
    state_ = State::kUntilEnd;
  }
}

}  // namespace weir::inspect
