#include "inspect/unwrap/multipart_stage.h"

#include <algorithm>
#include <cstring>

#include "inspect/unwrap/level.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {
namespace {

constexpr size_t kNameBytes = 256;  // kept of a part's name and of its file name
constexpr size_t kTailBytes = 64;   // behind a boundary: dashes, blanks and the line end

std::string_view trim(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// "Name: value", or more of the value before.
bool is_header(std::string_view line) noexcept {
  if (line.substr(0, 1) == " " || line.substr(0, 1) == "\t") return true;
  const std::string_view name = trim(line.substr(0, line.find(':')));
  return !name.empty() && name.size() < line.size() &&
         name.find_first_of(" \t()<>@,;\\\"/[]?={}'") == std::string_view::npos;
}

// What may stand between a boundary and the end of its line (RFC 2046 section 5.1.1).
bool is_tail(std::string_view tail) noexcept {
  if (tail.substr(0, 2) == "--") tail.remove_prefix(2);
  if (tail.substr(0, 1) == "-") return tail.size() == 1;
  const size_t end = std::min(tail.find_first_not_of(" \t"), tail.size());
  return tail.substr(end) == "" || tail.substr(end) == "\r" || tail.substr(end) == "\r\n" ||
         tail.substr(end) == "\n";
}

}  // namespace

MultipartStage::MultipartStage(Chain& chain, Level& next) : chain_(chain), next_(next) {
  delimiter_.reserve(kBoundaryBytes + 2);
  held_.reserve(kBoundaryBytes + 4 + kTailBytes);
  header_.reserve(chain.limits.part_header_bytes);
}

void MultipartStage::begin(const StreamInfo& info, std::string_view boundary) noexcept {
  chain_.counters.multipart.add();
  info_ = info;
  delimiter_.assign("--");
  delimiter_.append(boundary);
  held_.clear();
  held_break_ = 0;
  part_open_ = false;
  state_ = State::kLine;
  base_path_ = chain_.emitter.path().size();
  begin_plain("preamble");
}

uint64_t MultipartStage::offset_at(const uint8_t* p) const noexcept {
  return info_.fixed ? info_.offset : chunk_offset_ + static_cast<uint64_t>(p - chunk_);
}

void MultipartStage::on_data(ByteSpan data, uint64_t offset) noexcept {
  chunk_ = data.data();
  chunk_offset_ = offset;
  const uint8_t* p = data.data();
  const uint8_t* const end = p + data.size();
  while (p < end && !chain_.emitter.stopped()) {
    switch (state_) {
      case State::kBody:
        p = body(p, end);
        break;
      case State::kLine:
        p = line(p);
        break;
      case State::kBoundary:
        p = boundary(p);
        break;
      case State::kHeaders:
        p = headers(p, end);
        break;
    }
  }
}

// Up to the end of the chunk or to a line end that a delimiter may follow.
const uint8_t* MultipartStage::body(const uint8_t* p, const uint8_t* end) noexcept {
  const uint8_t* from = p;
  for (;;) {
    const auto* found =
        static_cast<const uint8_t*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
    if (found == nullptr) {
      // A carriage return at the very end may belong to a delimiter.
      const bool cr = end[-1] == '\r';
      pass(from, cr ? end - 1 : end);
      if (cr) {
        held_.assign("\r");
        held_offset_ = offset_at(end - 1);
        state_ = State::kLine;
      }
      return end;
    }
    const uint8_t* next = found + 1;
    const bool plain = next < end && *next != '-';
    if (plain) {
      p = next;
      continue;
    }
    const uint8_t* brk = found > from && found[-1] == '\r' ? found - 1 : found;
    pass(from, brk);
    held_.assign(as_chars({brk, static_cast<size_t>(next - brk)}));
    held_offset_ = offset_at(brk);
    held_break_ = held_.size();
    state_ = State::kLine;
    return next;
  }
}

// One byte at the start of a line, or behind a carriage return that is held.
const uint8_t* MultipartStage::line(const uint8_t* p) noexcept {
  if (held_ == "\r" && held_break_ == 0) {
    if (*p == '\n') {
      held_ += '\n';
      held_break_ = 2;
      return p + 1;
    }
  } else {
    if (held_.empty()) held_offset_ = offset_at(p);
    const size_t matched = held_.size() - held_break_;
    if (*p == static_cast<uint8_t>(delimiter_[matched])) {
      held_ += static_cast<char>(*p);
      if (matched + 1 < delimiter_.size()) return p + 1;
      state_ = State::kBoundary;
      return p + 1;
    }
  }
  give_back();
  state_ = State::kBody;
  return p;
}

// One byte behind what reads like a delimiter. When the line goes on it is no boundary but part of
// the body: to take it for one would hide the lines behind it as headers.
const uint8_t* MultipartStage::boundary(const uint8_t* p) noexcept {
  held_ += static_cast<char>(*p);
  const std::string_view tail = std::string_view(held_).substr(held_break_ + delimiter_.size());
  if (!is_tail(tail) || tail.size() > kTailBytes) {
    held_.pop_back();
    give_back();
    state_ = State::kBody;
    return p;
  }
  if (*p != '\n') return p + 1;
  const bool closes = tail.substr(0, 2) == "--";
  held_.clear();
  held_break_ = 0;
  end_part(EndReason::kComplete);
  state_ = State::kHeaders;
  header_.clear();
  header_cut_ = false;
  name_.clear();
  file_.clear();
  type_.clear();
  encoding_.clear();
  transfer_ = Transfer::kNone;
  if (closes) begin_plain("epilogue");
  return p + 1;
}

// What is held was no boundary.
void MultipartStage::give_back() noexcept {
  if (!held_.empty() && part_open_) {
    next_.on_data(as_bytes(held_), info_.fixed ? info_.offset : held_offset_);
  }
  held_.clear();
  held_break_ = 0;
}

const uint8_t* MultipartStage::headers(const uint8_t* p, const uint8_t* end) noexcept {
  const auto* found =
      static_cast<const uint8_t*>(std::memchr(p, '\n', static_cast<size_t>(end - p)));
  const uint8_t* to = found == nullptr ? end : found;
  const auto room = static_cast<ptrdiff_t>(chain_.limits.part_header_bytes - header_.size());
  const uint8_t* const kept = p + std::min(to - p, room);
  if (header_.empty()) held_offset_ = offset_at(p);
  header_.append(as_chars({p, static_cast<size_t>(kept - p)}));
  const bool whole = kept == found;
  if ((whole ? !trim(header_).empty() : kept < to) && !header_cut_ && !is_header(header_)) {
    begin_odd_part(held_offset_);
    return kept;
  }
  if (kept < to) {
    if (!header_cut_) chain_.counters.header_limit.add();
    header_cut_ = true;
  }
  if (found == nullptr) return end;
  header_line();
  return found + 1;
}

// The line in hand is no header: the body has begun.
void MultipartStage::begin_odd_part(uint64_t offset) noexcept {
  chain_.counters.odd_part_headers.add();
  begin_part();
  next_.on_data(as_bytes(header_), info_.fixed ? info_.offset : offset);
  header_.clear();
  state_ = State::kBody;
}

void MultipartStage::header_line() noexcept {
  const std::string_view line = trim(header_);
  if (line.empty()) {
    begin_part();
  } else if (starts_with_word(line, "content-disposition:")) {
    name_.assign(header_parameter(line, "name").substr(0, kNameBytes));
    std::string_view file = header_parameter(line, "filename");
    if (file.empty()) {
      file = header_parameter(line, "filename*");
      if (const size_t at = file.rfind('\''); at != std::string_view::npos) {
        file = file.substr(at + 1);
      }
    }
    file_.assign(file.substr(0, kNameBytes));
  } else if (starts_with_word(line, "content-type:")) {
    type_.assign(trim(line.substr(13)));
  } else if (starts_with_word(line, "content-encoding:")) {
    encoding_.assign(trim(line.substr(17)));
  } else if (starts_with_word(line, "content-transfer-encoding:")) {
    if (contains_word(line, "base64")) transfer_ = Transfer::kBase64;
    if (contains_word(line, "quoted-printable")) transfer_ = Transfer::kQuotedPrintable;
  }
  header_.clear();
  header_cut_ = false;
}

void MultipartStage::begin_part() noexcept {
  PathBuffer& path = chain_.emitter.path();
  path.truncate(base_path_);
  path.append(">multipart:");
  path.append(name_);
  if (!file_.empty()) {
    path.append("(");
    path.append(file_);
    path.append(")");
  }
  StreamInfo part;
  part.origin = Origin::kPart;
  part.transfer = transfer_;
  part.content_type = type_;
  part.content_encoding = encoding_;
  part.label = name_;
  part.offset = info_.offset;
  part.fixed = info_.fixed;
  next_.begin(part);
  part_open_ = true;
  state_ = State::kLine;  // an empty part: the delimiter follows at once
}

void MultipartStage::begin_plain(std::string_view name) noexcept {
  name_.assign(name);
  type_.clear();
  encoding_.clear();
  file_.clear();
  transfer_ = Transfer::kNone;
  begin_part();
}

void MultipartStage::end_part(EndReason reason) noexcept {
  if (part_open_) next_.end(reason);
  part_open_ = false;
}

void MultipartStage::pass(const uint8_t* p, const uint8_t* end) noexcept {
  if (p < end) next_.on_data({p, static_cast<size_t>(end - p)}, offset_at(p));
}

void MultipartStage::on_gap(uint64_t bytes) noexcept {
  give_back();
  if (!part_open_) begin_plain("");  // lost inside headers: what comes is taken for a body
  next_.on_gap(bytes);
  state_ = State::kBody;
}

void MultipartStage::end(EndReason reason) noexcept {
  if (state_ == State::kBoundary) held_.clear();  // the last line lacks its end
  give_back();
  if (!part_open_ && !header_.empty() && !is_header(header_))
    begin_odd_part(held_offset_);  // cut inside its headers
  end_part(reason);
}

}  // namespace weir::inspect
