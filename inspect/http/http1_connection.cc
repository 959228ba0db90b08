// The parts of Http1Decoder that see the connection as a whole: gaps, its end, and what answers
// decide.
#include "inspect/http/http1_decoder.h"

namespace weir::inspect {

DecodeStatus Http1Decoder::on_gap(Direction direction, uint64_t bytes) noexcept {
  if (direction == Direction::kToClient) {
    answers_.on_gap(bytes);
    return DecodeStatus::kContinue;
  }
  first_ = false;
  if (state_ == State::kDecide && question_ == Question::kExpect) {
    body(held_, offset_ - held_.size());
    if (body_state_ == State::kLength) left_ -= held_.size();
    held_.clear();
    state_ = body_state_;
  }
  switch (state_) {
    case State::kHead:
      (begun_ ? counters_.gaps_in_head : counters_.gaps_between).add();
      begin_raw(EndReason::kGap);
      raw_head(held_, offset_ - held_.size());
      if (in_request_) body_gap(bytes);
      break;
    case State::kLength:
      counters_.gaps_in_body.add();
      if (bytes == 0) {
        counters_.gaps_between.add();
        body_gap(0);
        begin_raw(EndReason::kGap);
      } else if (bytes <= left_) {
        body_gap(bytes);
        left_ -= bytes;
        if (left_ == 0) end_request(EndReason::kComplete);
      } else {
        // The body's end and perhaps more requests were lost.
        body_gap(left_);
        counters_.gaps_between.add();
        question_ = Question::kNone;
        end_request(EndReason::kComplete);
        begin_raw(EndReason::kGap);
      }
      break;
    case State::kChunks:
      body_gap(bytes);
      if (bytes != 0 && chunks_.skip(bytes)) {
        counters_.gaps_in_body.add();
      } else {
        counters_.gaps_in_chunks.add();
        begin_raw(EndReason::kGap);
      }
      break;
    case State::kRaw:
      raw(held_, offset_ - held_.size());
      if (in_request_) body_gap(bytes);
      break;
    case State::kDecide:
      if (question_ == Question::kConnect || !answers_.followed()) {
        enter_tunnel();
        sink_.on_tunnel_gap(0, direction, bytes);
      } else {
        counters_.gaps_between.add();
        begin_raw(EndReason::kGap);
        raw(held_, offset_ - held_.size());
        if (in_request_) body_gap(bytes);
      }
      break;
    case State::kTunnel:
      sink_.on_tunnel_gap(0, direction, bytes);
      break;
    case State::kEnded:
      break;
  }
  held_.clear();
  offset_ += bytes;
  return DecodeStatus::kContinue;
}

void Http1Decoder::on_end(Direction direction, EndReason reason) noexcept {
  if (direction == Direction::kToClient || state_ == State::kEnded) return;
  const EndReason cut = reason == EndReason::kComplete ? EndReason::kReset : reason;
  const uint64_t held_at = offset_ - held_.size();
  question_ = state_ == State::kDecide ? question_ : Question::kNone;
  switch (state_) {
    case State::kHead:
      if (!held_.empty()) counters_.ended_in_head.add();
      raw_head(held_, held_at);
      if (in_request_) end_request(cut);
      break;
    case State::kLength:
    case State::kChunks:
      counters_.ended_in_body.add();
      end_request(cut);
      break;
    case State::kRaw:
      raw(held_, held_at);
      if (in_request_) end_request(raw_reason_ == EndReason::kComplete ? reason : raw_reason_);
      break;
    case State::kDecide:
      if (question_ == Question::kConnect && !held_.empty()) {
        counters_.tunnels_by_content.add();
        enter_tunnel();
        break;
      }
      if (question_ == Question::kExpect) counters_.ended_in_body.add();
      raw(held_, held_at);
      question_ = Question::kNone;
      if (in_request_) end_request(cut);
      break;
    case State::kTunnel:
    case State::kEnded:
      break;
  }
  state_ = State::kEnded;
  held_.free();
}

void Http1Decoder::push_outstanding(bool head_method) noexcept {
  if (outstanding_count_ == kOutstanding) {
    if (answers_.followed()) counters_.outstanding_limit.add();
    answers_.abandon();
    outstanding_count_ = 0;
  }
  const size_t at = (outstanding_first_ + outstanding_count_) % kOutstanding;
  outstanding_[at] = {head_method, question_};
  ++outstanding_count_;
}

AnswerBody Http1Decoder::on_answer(const Http1Head& answer) noexcept {
  constexpr int kSwitching = 101;
  const int status = answer.status;
  if (status < 200 && status != kSwitching) return AnswerBody::kNone;
  counters_.answers.add();
  if (outstanding_count_ == 0) {
    counters_.answers_unmatched.add();
    if (status != kSwitching) return AnswerBody::kAsFramed;
    if (offset_ != 0 || in_request_) return AnswerBody::kAbandon;
    tunnel_ = {};
    tunnel_.kind = TunnelKind::kUpgrade;
    tunnel_.protocol.assign(answer.upgrade.substr(0, limits_.header_line_bytes));
    tunnel_.extensions.assign(answer.websocket_extensions.substr(0, limits_.header_line_bytes));
    enter_tunnel();
    return AnswerBody::kTunnel;
  }
  const Outstanding request = outstanding_[outstanding_first_];
  outstanding_first_ = (outstanding_first_ + 1) % kOutstanding;
  --outstanding_count_;
  const bool last = outstanding_count_ == 0;  // it answers the request that is open or was last

  const bool connect = request.question == Question::kConnect;
  const bool granted =
      connect ? status / 100 == 2 : request.question == Question::kUpgrade && status == kSwitching;
  if (granted) {
    if (state_ == State::kTunnel) return AnswerBody::kTunnel;
    if (last) {
      tunnel_.extensions.assign(answer.websocket_extensions.substr(0, limits_.header_line_bytes));
    }
    if (last && state_ == State::kDecide) {
      enter_tunnel();
      return AnswerBody::kTunnel;
    }
    // Granted before the request is complete, or told otherwise by the client's bytes before.
    if (last && in_request_) granted_ = Granted::kYes;
    return AnswerBody::kAbandon;
  }
  if (status == kSwitching) return AnswerBody::kAbandon;
  if (connect || request.question == Question::kUpgrade) {
    counters_.tunnels_refused.add();
    if (state_ == State::kTunnel) return AnswerBody::kAbandon;
    if (last) answer_refused(request.question);
  } else if (request.question == Question::kExpect && last && in_request_ && !body_begun_ &&
             (state_ == State::kLength || state_ == State::kChunks)) {
    body_state_ = state_;
    state_ = State::kDecide;
  }
  return request.head ? AnswerBody::kNone : AnswerBody::kAsFramed;
}

void Http1Decoder::answer_refused(Question question) noexcept {
  if (question != question_) return;
  granted_ = Granted::kNo;
  if (state_ == State::kDecide) begin_head();
}

void Http1Decoder::on_answer_tunnel(ByteSpan data) noexcept {
  if (state_ == State::kTunnel) sink_.on_tunnel_data(0, Direction::kToClient, data);
}

void Http1Decoder::on_answer_tunnel_gap(uint64_t bytes) noexcept {
  if (state_ == State::kTunnel) sink_.on_tunnel_gap(0, Direction::kToClient, bytes);
}

}  // namespace weir::inspect
