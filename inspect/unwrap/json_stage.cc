#include "inspect/unwrap/json_stage.h"

#include <algorithm>

#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {
namespace {

constexpr bool is_blank(uint8_t c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr bool is_digit(uint8_t c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_literal(uint8_t c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' ||
         c == '.';
}

bool is_number(std::string_view text) noexcept {
  const auto first = static_cast<uint8_t>(text.front());
  return (is_digit(first) || first == '-' || first == '+' || first == '.') &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

// Numbers say nothing as text, but for these: offsets from UTC and coordinates.
bool is_place_or_time(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 8> kNames = {
      "timezone", "timeZone", "TimeZone", "time_zone", "utc", "tz", "latitude", "longitude"};
  return std::any_of(kNames.begin(), kNames.end(), [key](std::string_view name) {
    return key.starts_with(name) || key.ends_with(name) ||
           (name.size() > 4 && key.find(name) != std::string_view::npos);
  });
}

}  // namespace

JsonStage::JsonStage(Chain& chain, Level& next)
    : chain_(chain),
      next_(next),
      loop_(pick_unescape_loop()),
      key_(std::max(chain.limits.json_key_bytes, kLongKey)),
      out_(kOutBytes + kUnescapeSlack) {
  frames_.reserve(chain.limits.json_depth);
}

void JsonStage::begin(const StreamInfo& info, bool declared, bool document) noexcept {
  chain_.counters.json.add();
  if (info.origin == Origin::kString) chain_.counters.json_nested.add();
  info_ = info;
  declared_ = declared;
  state_ = State::kValue;
  frames_.clear();
  overflow_ = 0;
  key_size_ = literal_size_ = esc_size_ = out_size_ = 0;
  key_open_ = reopen_ = false;
  if (document) {
    chain_.emitter.path().append(">json");
    chain_.emitter.open(info.label, info.offset, true);
    into_ = Into::kLoose;
    state_ = State::kString;
    base_path_ = chain_.emitter.path().size();
    return;
  }
  chain_.emitter.path().append(">json:");
  base_path_ = chain_.emitter.path().size();
}

uint64_t JsonStage::offset_at(const uint8_t* p) const noexcept {
  return info_.fixed ? info_.offset : chunk_offset_ + static_cast<uint64_t>(p - chunk_);
}

std::string_view JsonStage::key() const noexcept {
  return {key_.data(), std::min(key_size_, chain_.limits.json_key_bytes)};
}

std::string_view JsonStage::label() noexcept {
  if (frames_.empty()) return info_.label;
  const Frame& top = frames_.back();
  if (top.object) return key();
  if (top.label_size == 0) return info_.label;
  return chain_.emitter.path().view(top.label_from, top.label_size);
}

void JsonStage::on_data(ByteSpan data, uint64_t offset) noexcept {
  if (data.empty()) return;
  chunk_ = data.data();
  chunk_offset_ = offset;
  const uint8_t* p = data.data();
  const uint8_t* const end = p + data.size();
  if (reopen_) {
    reopen_ = false;
    chain_.emitter.open({}, offset_at(p), true);
  }
  while (p < end) {
    switch (state_) {
      case State::kString:
        p = string(p, end);
        break;
      case State::kEscape:
        p = escape(p);
        break;
      case State::kPlain:
        chain_.emitter.text({p, static_cast<size_t>(end - p)});
        return;
      default:
        p = structure(p, end);
    }
    if (chain_.emitter.stopped()) return;
  }
  // Nothing waits for the next packet but an unfinished escape.
  if (state_ == State::kString || state_ == State::kEscape) flush();
}

// One byte, or a run of blanks, outside strings.
const uint8_t* JsonStage::structure(const uint8_t* p, const uint8_t* end) noexcept {
  const uint8_t c = *p;
  if (state_ == State::kLiteral) {
    while (p < end && is_literal(*p)) {
      if (literal_size_ < literal_.size()) {
        literal_[literal_size_++] = static_cast<char>(*p);
      } else if (!is_number(literal())) {
        literal_end();
        return p;
      }
      ++p;
    }
    if (p < end) literal_end();
    return p;
  }
  if (is_blank(c)) {
    while (++p < end && is_blank(*p)) {
    }
    return p;
  }
  if (overflow_ > 0) {  // too deep: strings only
    if (c == '"') {
      begin_value();
      string_offset_ = offset_at(p + 1);
    } else if (c == '{' || c == '[') {
      ++overflow_;
    } else if ((c == '}' || c == ']') && --overflow_ == 0) {
      after_value();
    }
    return p + 1;
  }
  const bool in_object = !frames_.empty() && frames_.back().object;
  switch (state_) {
    case State::kColon:
      if (c != ':') break;
      state_ = State::kValue;
      return p + 1;
    case State::kKey:
      if (c == '"') {
        begin_key();
        string_offset_ = offset_at(p + 1);
        return p + 1;
      }
      if (c == '}') {
        pop();
        return p + 1;
      }
      if (c == ',') return p + 1;
      break;
    case State::kComma:
      if (c == ',') {
        next_item();
        return p + 1;
      }
      if ((c == '}' && in_object) || (c == ']' && !in_object && !frames_.empty())) {
        pop();
        return p + 1;
      }
      if (c == '"' || c == '{' || c == '[' || frames_.empty()) {  // a comma is missing
        next_item();
        return p;
      }
      break;
    default:  // kValue
      if (c == '"') {
        begin_value();
        string_offset_ = offset_at(p + 1);
        return p + 1;
      }
      if (c == '{' || c == '[') {
        push(c == '{');
        return p + 1;
      }
      if (is_literal(c)) {
        literal_size_ = 0;
        literal_offset_ = offset_at(p);
        state_ = State::kLiteral;
        return p;
      }
      if ((c == ']' && !in_object && !frames_.empty()) || (c == '}' && in_object)) {
        pop();
        return p + 1;
      }
      if (c == ',' && !in_object) {
        next_item();
        return p + 1;
      }
      // The record separator of RFC 7464, and a byte order mark.
      if (frames_.empty() && (c == 0x1e || c == 0xEF || c == 0xBB || c == 0xBF)) return p + 1;
  }
  fail({}, p);
  return p;
}

void JsonStage::literal_end() noexcept {
  const std::string_view text = literal();
  if (is_number(text) || text == "true" || text == "false" || text == "null" || text == "NaN" ||
      text == "Infinity" || text == "-Infinity" || text == "undefined") {
    if (is_number(text) && is_place_or_time(key()) && !frames_.empty() && frames_.back().object) {
      append_component();
      chain_.emitter.open(label(), literal_offset_, true);
      chain_.emitter.text(as_bytes(text));
      chain_.emitter.close(EndReason::kComplete);
    }
    after_value();
  } else {
    fail(text, nullptr);
  }
}

void JsonStage::push(bool object) noexcept {
  if (frames_.size() >= chain_.limits.json_depth) {
    chain_.counters.json_depth_limit.add();
    overflow_ = 1;
    return;
  }
  PathBuffer& path = chain_.emitter.path();
  Frame frame;
  frame.object = object;
  if (!frames_.empty()) {
    const Frame& parent = frames_.back();
    append_component();
    frame.label_from =
        parent.object ? path.size() - std::min(path.size(), key().size()) : parent.label_from;
    frame.label_size = parent.object ? key().size() : parent.label_size;
  }
  frame.path = path.size();
  frames_.push_back(frame);
  state_ = object ? State::kKey : State::kValue;
}

void JsonStage::pop() noexcept {
  chain_.emitter.path().truncate(frames_.back().path);
  frames_.pop_back();
  after_value();
}

void JsonStage::after_value() noexcept { state_ = overflow_ > 0 ? State::kValue : State::kComma; }

void JsonStage::next_item() noexcept {
  if (frames_.empty()) {
    state_ = State::kValue;
    return;
  }
  Frame& top = frames_.back();
  ++top.index;
  state_ = top.object ? State::kKey : State::kValue;
}

// Makes the path that of the value that comes next.
void JsonStage::append_component() noexcept {
  PathBuffer& path = chain_.emitter.path();
  if (frames_.empty()) {
    path.truncate(base_path_);
    return;
  }
  const Frame& top = frames_.back();
  path.truncate(top.path);
  if (top.object) {
    if (top.path != base_path_) path.append(".");
    path.append(key());
  } else {
    path.append("[");
    path.append_number(top.index);
    path.append("]");
  }
}

void JsonStage::begin_key() noexcept {
  key_size_ = 0;
  key_open_ = false;
  into_ = Into::kKey;
  state_ = State::kString;
}

void JsonStage::begin_value() noexcept {
  into_ = Into::kValue;
  state_ = State::kString;
  append_component();
}

const uint8_t* JsonStage::string(const uint8_t* p, const uint8_t* end) noexcept {
  if (into_ == Into::kValue && !value_open_) {
    value_open_ = true;
    StreamInfo value;
    value.origin = Origin::kString;
    value.label = label();
    value.offset = string_offset_;
    value.fixed = true;
    next_.begin(value);
  }
  UnescapeCursor cursor{p, end, out_.data() + out_size_, out_.data() + kOutBytes};
  const UnescapeStop stop = loop_(cursor, into_ == Into::kLoose);
  out_size_ = static_cast<size_t>(cursor.out - out_.data());
  switch (stop) {
    case UnescapeStop::kInput:
      break;
    case UnescapeStop::kOutput:
      flush();
      break;
    case UnescapeStop::kQuote:
      end_string();
      return cursor.in + 1;
    case UnescapeStop::kEscape:
      if (out_size_ + esc_.size() > kOutBytes) flush();
      esc_[0] = '\\';
      esc_size_ = 1;
      state_ = State::kEscape;
      return cursor.in + 1;
  }
  return cursor.in;
}

// One byte of an escape. esc_size_ says how far it is: 1 behind the backslash, 2-5 in the four
// digits, 6 behind a high surrogate, 7 behind the backslash that follows, 8-11 in its digits.
// What turns out to be no escape is passed as it stands.
const uint8_t* JsonStage::escape(const uint8_t* p) noexcept {
  const uint8_t c = *p;
  if (out_size_ + kUnescapeSlack > kOutBytes) flush();
  const auto unit = [this](size_t from) {
    uint32_t code = 0;
    for (size_t i = from + 2; i < from + 6; ++i) code = code << 4 | hex_value(esc_[i]);
    return code;
  };
  if (esc_size_ == 1) {
    if (const uint8_t simple = simple_escape(c); simple != 0) {
      out_[out_size_++] = simple;
      esc_size_ = 0;
      state_ = State::kString;
      return p + 1;
    }
    if (c == 'u') {
      esc_[esc_size_++] = c;
      return p + 1;
    }
    put_escape_raw(1);
    state_ = State::kString;
    return p;
  }
  if (esc_size_ < 6) {
    if (hex_value(c) > 15) {
      put_escape_raw(esc_size_);
      state_ = State::kString;
      return p;
    }
    esc_[esc_size_++] = c;
  } else {
    const bool fits = esc_size_ == 6 ? c == '\\' : esc_size_ == 7 ? c == 'u' : hex_value(c) <= 15;
    if (!fits) {
      put_escape_raw(6);  // the surrogate stands alone; what follows it is looked at anew
      state_ = esc_size_ == 0 ? State::kString : State::kEscape;
      return p;
    }
    esc_[esc_size_++] = c;
    if (esc_size_ < 12) return p + 1;
    const uint32_t low = unit(6);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      const uint32_t code = 0x10000 + ((unit(0) - 0xD800) << 10) + (low - 0xDC00);
      out_size_ += put_utf8(code, out_.data() + out_size_);
      esc_size_ = 0;
      state_ = State::kString;
      return p + 1;
    }
    put_escape_raw(6);
  }
  if (esc_size_ < 6) return p + 1;
  const uint32_t code = unit(0);
  if (code >= 0xD800 && code <= 0xDBFF) return p + 1;
  if (code >= 0xDC00 && code <= 0xDFFF) {
    put_escape_raw(6);
  } else {
    out_size_ += put_utf8(code, out_.data() + out_size_);
    esc_size_ = 0;
  }
  state_ = State::kString;
  return p + 1;
}

// The first `count` bytes of esc_ become text.
void JsonStage::put_escape_raw(size_t count) noexcept {
  std::copy_n(esc_.begin(), count, out_.begin() + static_cast<ptrdiff_t>(out_size_));
  out_size_ += count;
  std::copy(esc_.begin() + static_cast<ptrdiff_t>(count),
            esc_.begin() + static_cast<ptrdiff_t>(esc_size_), esc_.begin());
  esc_size_ -= count;
}

void JsonStage::flush() noexcept {
  if (out_size_ == 0) return;
  const ByteSpan bytes(out_.data(), out_size_);
  out_size_ = 0;
  switch (into_) {
    case Into::kValue:
      next_.on_data(bytes, string_offset_);
      break;
    case Into::kKey:
      key_bytes(bytes);
      break;
    case Into::kLoose:
      chain_.emitter.text(bytes);
  }
}

void JsonStage::open_key() noexcept {
  key_open_ = true;
  PathBuffer& path = chain_.emitter.path();
  path.truncate(frames_.back().path);
  path.append(".{key}");
  chain_.emitter.open({}, string_offset_, true);
  chain_.emitter.text(as_bytes({key_.data(), key_size_}));
}

void JsonStage::key_bytes(ByteSpan bytes) noexcept {
  if (!key_open_ && key_size_ + bytes.size() > kLongKey) open_key();
  if (key_open_) chain_.emitter.text(bytes);
  const size_t count = std::min(bytes.size(), key_.size() - key_size_);
  std::copy_n(bytes.begin(), count, key_.begin() + static_cast<ptrdiff_t>(key_size_));
  key_size_ += count;
}

void JsonStage::end_string() noexcept {
  flush();
  if (into_ == Into::kKey) {
    if (!key_open_ && holds_content({key_.data(), key_size_})) open_key();
    if (key_open_) chain_.emitter.close(EndReason::kComplete);
    state_ = State::kColon;
    return;
  }
  next_.end(EndReason::kComplete);
  value_open_ = false;
  after_value();
}

// What comes now is no JSON. `pending` came before it and was not emitted.
void JsonStage::fail(std::string_view pending, const uint8_t* p) noexcept {
  chain_.counters.json_errors.add();
  if (state_ == State::kKey) {
    chain_.emitter.path().truncate(frames_.back().path);
  } else {
    append_component();
  }
  chain_.emitter.open(label(), p == nullptr ? literal_offset_ : offset_at(p), true);
  chain_.emitter.text(as_bytes(pending));
  into_ = Into::kLoose;
  state_ = declared_ ? State::kString : State::kPlain;
}

void JsonStage::on_gap(uint64_t) noexcept {
  chain_.counters.json_gaps.add();
  if (state_ == State::kEscape) put_escape_raw(esc_size_);
  if (state_ == State::kEscape || state_ == State::kString) flush();
  if (value_open_) next_.end(EndReason::kGap);
  value_open_ = false;
  chain_.emitter.close(EndReason::kGap);
  // Where the bytes after the gap stand in the structure is not known. Most of a large body is the
  // inside of strings, so all is taken for that.
  frames_.clear();
  overflow_ = 0;
  chain_.emitter.path().truncate(base_path_);
  if (state_ != State::kPlain) state_ = State::kString;
  into_ = Into::kLoose;
  reopen_ = true;
}

void JsonStage::end(EndReason reason) noexcept {
  if (state_ == State::kLiteral) literal_end();
  if (state_ == State::kEscape) put_escape_raw(esc_size_);
  if (state_ == State::kEscape || state_ == State::kString) flush();
  if (value_open_) next_.end(reason);
  value_open_ = false;
  chain_.emitter.close(reason);
}

}  // namespace weir::inspect
