#include "inspect/http/http1_decoder.h"

#include <algorithm>

#include "inspect/http/http1_resync.h"

namespace weir::inspect {
namespace {

constexpr size_t kKeptBytes = 4096;  // of a buffer that is not in use

// The authority of an absolute-form target; empty for other forms.
std::string_view absolute_authority(std::string_view target) noexcept {
  if (starts_with_lower(target, "http://")) {
    target.remove_prefix(7);
  } else if (starts_with_lower(target, "https://")) {
    target.remove_prefix(8);
  } else {
    return {};
  }
  target = target.substr(0, target.find_first_of("/?#"));
  const size_t user = target.rfind('@');
  return user == std::string_view::npos ? target : target.substr(user + 1);
}

bool same_authority(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

bool begins_with_connect(ByteSpan data) noexcept {
  std::string_view text = as_chars(data);
  const size_t begin = text.find_first_not_of("\r\n");
  return begin != std::string_view::npos && text.substr(begin).starts_with("CONNECT ");
}

}  // namespace

Http1Decoder::Http1Decoder(const Limits& limits, Http1Counters& counters, MessageSink& sink,
                           ByteBudget* room) noexcept
    : limits_(limits),
      counters_(counters),
      sink_(sink),
      answers_(limits, counters, *this, room),
      parser_(limits, counters),
      held_(room, kKeptBytes) {}

void Http1Decoder::set_mid_stream() noexcept {
  first_ = false;
  begin_raw(EndReason::kComplete);
}

DecodeStatus Http1Decoder::on_data(Direction direction, ByteSpan data) noexcept {
  if (direction == Direction::kToClient) {
    answers_.on_data(data);
    return DecodeStatus::kContinue;
  }
  while (!data.empty()) {
    const size_t used = step(data);
    offset_ += used;
    data = data.subspan(used);
    if (not_mine_) {
      counters_.not_mine.add();
      return DecodeStatus::kNotMine;
    }
    if (!replay_) continue;
    // Held bytes are read again, in one piece with what follows them. This happens at most once a
    // call: afterwards nothing is held until all data is taken.
    replay_ = false;
    std::vector<uint8_t> joined;
    joined.reserve(held_.size() + data.size());
    joined.insert(joined.end(), held_.bytes().begin(), held_.bytes().end());
    joined.insert(joined.end(), data.begin(), data.end());
    offset_ -= held_.size();
    held_.clear();
    joined_.swap(joined);
    data = joined_;
  }
  joined_ = {};
  return DecodeStatus::kContinue;
}

size_t Http1Decoder::step(ByteSpan data) noexcept {
  switch (state_) {
    case State::kHead:
      return take_head(data);
    case State::kLength:
      return take_length(data);
    case State::kChunks:
      return take_chunks(data);
    case State::kRaw:
      return take_raw(data);
    case State::kDecide:
      return take_question(data);
    case State::kTunnel:
      sink_.on_tunnel_data(0, Direction::kToServer, data);
      return data.size();
    case State::kEnded:
      return data.size();
  }
  return data.size();
}

void Http1Decoder::begin_head() noexcept {
  state_ = State::kHead;
  begun_ = false;
}

size_t Http1Decoder::take_head(ByteSpan data) noexcept {
  if (!begun_) {
    if (!held_.empty()) {  // left by a question that an answer decided
      replay_ = true;
      return 0;
    }
    size_t blank = 0;
    while (blank < data.size() && (data[blank] == '\r' || data[blank] == '\n')) {
      if (data[blank] == '\n') counters_.leading_blank_lines.add();
      ++blank;
    }
    if (blank > 0) return blank;
    begun_ = true;
    plausible_ = false;
    end_.reset();
  }
  const size_t old = held_.size();
  const ByteSpan window = data.first(std::min(limits_.header_bytes - old, data.size()));
  const size_t end = end_.find(window);
  const size_t size = end == kNotFound ? window.size() : end;
  ByteSpan head = window.first(size);
  if (old != 0 || end == kNotFound) {
    if (!hold(head)) {
      // Without room it is read as it is, like a head that is too long.
      begin_raw(EndReason::kLimit);
      raw_head(held_, offset_ - old);
      held_.clear();
      return 0;
    }
    head = held_;
  }
  if (!plausible_) {
    const ProbeAnswer probe = probe_http1_request(head);
    if (probe == ProbeAnswer::kNo) return refuse_head(window.first(size), old);
    plausible_ = probe == ProbeAnswer::kYes;
  }
  if (end != kNotFound) {
    finish_head(head, offset_ - old);
    held_.clear();
  } else if (held_.size() >= limits_.header_bytes) {
    counters_.heads_too_long.add();
    begin_raw(EndReason::kLimit);
    raw_head(head, offset_ - old);
    held_.clear();
  }
  return size;
}

// These bytes begin no request. The first of them is plain; a request line may follow it.
size_t Http1Decoder::refuse_head(ByteSpan head, size_t old) noexcept {
  if (first_) {
    (void)held_.resize(old);
    not_mine_ = true;
    return 0;
  }
  counters_.heads_malformed.add();
  begin_raw(EndReason::kMalformed);
  if (old == 0) {
    held_.clear();
    raw(head.first(1), offset_);
    return 1;
  }
  raw(ByteSpan(held_).first(1), offset_ - old);
  held_.erase_front(1);
  replay_ = true;
  return head.size();
}

void Http1Decoder::finish_head(ByteSpan bytes, uint64_t offset) noexcept {
  first_ = false;
  if (!parser_.parse_request(bytes)) {
    counters_.heads_malformed.add();
    begin_raw(EndReason::kMalformed);
    begin_nameless(offset, parser_.head());
    body(bytes, offset);
    return;
  }
  const Http1Head& head = parser_.head();
  const bool connect = head.line.method == "CONNECT";
  MessageHead message;
  message.protocol = head.line.minor_version == 0 ? "http/1.0" : "http/1.1";
  message.method = head.line.method;
  message.target = head.line.target;
  const std::string_view absolute = connect ? head.line.target : absolute_authority(message.target);
  message.authority = absolute.empty() ? head.host : absolute;
  if (!absolute.empty() && head.has_host && !same_authority(absolute, head.host)) {
    counters_.host_conflict.add();
  }
  message.user_agent = head.user_agent;
  message.content_type = head.content_type;
  message.content_encoding = head.content_encoding;
  message.fields = parser_.fields();
  if (!head.has_transfer_encoding && !connect) message.content_length = head.content_length;
  message.stream_id = id_ = next_id_++;
  message.offset = offset;

  question_ = connect                 ? Question::kConnect
              : !head.upgrade.empty() ? Question::kUpgrade
              : head.expect_continue  ? Question::kExpect
                                      : Question::kNone;
  granted_ = Granted::kUnknown;
  tunnel_ = {};
  if (question_ == Question::kConnect || question_ == Question::kUpgrade) {
    const auto kept = [&](std::string_view text) { return text.substr(0, limits_.path_bytes); };
    tunnel_.kind = connect ? TunnelKind::kConnect : TunnelKind::kUpgrade;
    tunnel_.protocol.assign(connect ? head.line.target : head.upgrade);
    tunnel_.target.assign(kept(message.target));
    tunnel_.authority.assign(kept(message.authority));
    tunnel_.user_agent.assign(kept(message.user_agent));
  }
  push_outstanding(head.line.method == "HEAD");
  counters_.requests.add();
  in_request_ = true;
  body_begun_ = false;
  choice_ = sink_.on_request(message);
  begin_body(head);
}

void Http1Decoder::begin_body(const Http1Head& head) noexcept {
  if (question_ == Question::kConnect) return end_request(EndReason::kComplete);
  if (head.has_transfer_encoding) {
    counters_.bodies_chunked.add();
    chunks_.begin(limits_.header_line_bytes, limits_.header_bytes);
    state_ = State::kChunks;
  } else if (head.content_length.value_or(0) > 0) {
    counters_.bodies_with_length.add();
    left_ = *head.content_length;
    state_ = State::kLength;
  } else {
    end_request(EndReason::kComplete);
  }
}

void Http1Decoder::body(ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  body_begun_ = true;
  counters_.body_bytes.add(data.size());
  if (choice_ == BodyChoice::kInspect) sink_.on_body(id_, data, offset);
}

void Http1Decoder::body_gap(uint64_t bytes) noexcept {
  body_begun_ = true;
  if (choice_ == BodyChoice::kInspect) sink_.on_body_gap(id_, bytes);
}

// Ends the request that is open and stands before the next head, or whatever follows an Upgrade.
void Http1Decoder::end_request(EndReason reason) noexcept {
  in_request_ = false;
  sink_.on_request_end(id_, reason);
  begin_head();
  const bool asks = question_ == Question::kConnect || question_ == Question::kUpgrade;
  if (!asks || reason != EndReason::kComplete || granted_ == Granted::kNo) return;
  state_ = State::kDecide;
  if (granted_ == Granted::kYes) enter_tunnel();
}

size_t Http1Decoder::take_length(ByteSpan data) noexcept {
  const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, data.size()));
  left_ -= size;
  body(data.first(size), offset_);
  if (left_ == 0) end_request(EndReason::kComplete);
  return size;
}

size_t Http1Decoder::take_chunks(ByteSpan data) noexcept {
  const size_t before = data.size();
  ByteSpan part;
  const ChunkReader::Step step = chunks_.next(data, part);
  const size_t used = before - data.size();
  body(part, offset_ + used - part.size());
  if (step == ChunkReader::Step::kContinue) return used;
  counters_.chunk_extension_bytes.add(chunks_.extension_bytes());
  counters_.trailer_bytes.add(chunks_.trailer_bytes());
  if (step == ChunkReader::Step::kDone) {
    end_request(EndReason::kComplete);
  } else {
    counters_.chunks_malformed.add();
    begin_raw(step == ChunkReader::Step::kLimit ? EndReason::kLimit : EndReason::kMalformed);
  }
  return used;
}

void Http1Decoder::begin_raw(EndReason reason) noexcept {
  state_ = State::kRaw;
  raw_reason_ = reason;
  first_ = false;
}

void Http1Decoder::begin_nameless(uint64_t offset, const Http1Head& head) noexcept {
  MessageHead message;
  message.protocol = "http/1.1";
  message.target = head.line.target;
  const std::string_view absolute = absolute_authority(message.target);
  message.authority = absolute.empty() ? head.host : absolute;
  message.user_agent = head.user_agent;
  message.stream_id = id_ = next_id_++;
  message.offset = offset;
  counters_.nameless_requests.add();
  question_ = Question::kNone;
  in_request_ = true;
  choice_ = sink_.on_request(message);
}

void Http1Decoder::raw(ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  if (!in_request_) begin_nameless(offset, Http1Head{});
  body(data, offset);
}

// Bytes of a head that is not whole: its whole lines may still tell where it went.
void Http1Decoder::raw_head(ByteSpan bytes, uint64_t offset) noexcept {
  if (bytes.empty()) return;
  const size_t lines = as_chars(bytes).rfind('\n');
  const bool understood =
      lines != std::string_view::npos && parser_.parse_request(bytes.first(lines + 1));
  begin_nameless(offset, understood ? parser_.head() : Http1Head{});
  body(bytes, offset);
}

size_t Http1Decoder::take_raw(ByteSpan data) noexcept {
  if (!held_.empty()) {
    replay_ = true;
    return 0;
  }
  const Resync resync = find_request_line(data);
  raw(data.first(resync.plain), offset_);
  if (!resync.found) {
    const ByteSpan rest = data.subspan(resync.plain);
    if (!hold(rest)) raw(rest, offset_ + resync.plain);
    return data.size();
  }
  counters_.heads_found_again.add();
  question_ = Question::kNone;
  if (in_request_) end_request(raw_reason_);
  begin_head();
  return resync.plain;
}

// The answer that would tell what the client sends now is not there: its bytes tell.
size_t Http1Decoder::take_question(ByteSpan data) noexcept {
  if (!held_.empty()) {
    replay_ = true;
    return 0;
  }
  const ProbeAnswer probe = probe_http1_request(data);
  // So little always finds room.
  if (probe == ProbeAnswer::kMaybe && hold(data)) return data.size();
  const bool http = probe == ProbeAnswer::kYes;
  switch (question_) {
    case Question::kExpect:
      if (http) {
        counters_.expect_without_body.add();
        end_request(EndReason::kComplete);
      } else {
        state_ = body_state_;
      }
      break;
    case Question::kConnect:
      // A second CONNECT is a client that tries again, with credentials.
      if (http && begins_with_connect(data)) {
        begin_head();
      } else {
        counters_.tunnels_by_content.add();
        enter_tunnel();
      }
      break;
    case Question::kUpgrade:
      if (http) {
        begin_head();
      } else {
        counters_.tunnels_by_content.add();
        enter_tunnel();
      }
      break;
    case Question::kNone:
      begin_head();
      break;
  }
  return 0;
}

void Http1Decoder::enter_tunnel() noexcept {
  state_ = State::kTunnel;
  first_ = false;
  (tunnel_.kind == TunnelKind::kConnect ? counters_.tunnels_connect : counters_.tunnels_upgrade)
      .add();
  sink_.on_tunnel({tunnel_.kind, tunnel_.protocol, tunnel_.target, tunnel_.authority,
                   tunnel_.user_agent, tunnel_.extensions, 0});
  tunnel_ = {};
  if (!held_.empty()) sink_.on_tunnel_data(0, Direction::kToServer, held_);
  held_.free();
}

}  // namespace weir::inspect
