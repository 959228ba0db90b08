#include "inspect/http/http1_head.h"

#include <algorithm>

namespace weir::inspect {
namespace {

// The next element of a comma-separated list, trimmed; removes it from `list`.
std::string_view next_element(std::string_view& list) noexcept {
  const size_t comma = list.find(',');
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return element;
}

}  // namespace

void Http1HeadParser::begin(size_t head_bytes) noexcept {
  head_ = Http1Head{};
  malformed_ = false;
  fields_.clear();
  copies_.clear();
  // Each byte of a head is copied at most once; a fold adds one space for a line end.
  if (copies_.capacity() < head_bytes) copies_.reserve(head_bytes);
  codings_.clear();
  transfer_codings_.clear();
}

bool Http1HeadParser::parse_request(ByteSpan bytes) noexcept {
  begin(bytes.size());
  request_ = true;
  const std::string_view text = as_chars(bytes);
  const size_t end = text.find('\n');
  const auto line = parse_request_line(text.substr(0, end));
  if (!line) return false;
  head_.line = *line;
  if (head_.line.target.size() > limits_.header_line_bytes) {
    head_.line.target = head_.line.target.substr(0, limits_.header_line_bytes);
    counters_.header_lines_cut.add();
  }
  parse_fields(text.substr(end + 1));
  if (head_.has_transfer_encoding) {
    if (!head_.chunked) malformed_ = true;
    if (head_.content_length) counters_.length_conflict.add();
    if (!transfer_codings_.empty()) {
      counters_.transfer_codings.add();
      take_content_encoding(transfer_codings_);
    }
  }
  return !malformed_;
}

bool Http1HeadParser::parse_answer(ByteSpan bytes) noexcept {
  begin(0);
  request_ = false;
  const std::string_view text = as_chars(bytes);
  const size_t end = text.find('\n');
  const std::string_view line = trim(text.substr(0, end));
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || line.size() < space + 4) return false;
  for (size_t i = space + 1; i < space + 4; ++i) {
    if (line[i] < '0' || line[i] > '9') return false;
    head_.status = head_.status * 10 + (line[i] - '0');
  }
  if (head_.status < 100) return false;
  parse_fields(text.substr(end + 1));
  return !malformed_;
}

void Http1HeadParser::parse_fields(std::string_view text) noexcept {
  Pending pending;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
      if (pending.present) {
        fold(pending, trim(line));
      } else {
        counters_.odd_header_lines.add();
      }
      continue;
    }
    line = trim(line);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      counters_.odd_header_lines.add();
      continue;
    }
    if (pending.present) commit(pending);
    const std::string_view name = trim(line.substr(0, colon));
    if (name.size() != colon) counters_.odd_header_lines.add();
    pending = {name, trim(line.substr(colon + 1)), false, true};
  }
  if (pending.present) commit(pending);
}

void Http1HeadParser::fold(Pending& pending, std::string_view more) noexcept {
  counters_.folded_lines.add();
  if (!request_ || more.empty()) return;
  // A folded value stands at the end of copies_, so that a further fold only appends.
  const size_t from = pending.folded ? copies_.size() - pending.value.size() : copies_.size();
  if (!pending.folded) copies_.append(pending.value);
  if (copies_.size() + 1 + more.size() > copies_.capacity()) return;
  if (copies_.size() > from) copies_.push_back(' ');
  copies_.append(more);
  pending.value = std::string_view(copies_).substr(from);
  pending.folded = true;
}

std::string_view Http1HeadParser::lowered(std::string_view name) noexcept {
  const bool has_upper =
      std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!has_upper) return name;
  const size_t from = copies_.size();
  for (const char c : name) copies_.push_back(lower(c));
  return std::string_view(copies_).substr(from);
}

void Http1HeadParser::commit(const Pending& pending) noexcept {
  const std::string_view name = pending.name;
  const std::string_view value = pending.value;
  switch (name.size()) {
    case 4:
      if (request_ && equals_lower(name, "host")) {
        // Some servers take the first, and the framing does not hang on it.
        if (head_.has_host) {
          if (head_.host != value) counters_.host_conflict.add();
          break;
        }
        head_.host = value;
        head_.has_host = true;
      }
      break;
    case 6:
      if (equals_lower(name, "expect")) {
        head_.expect_continue = equals_lower(value, "100-continue");
      }
      break;
    case 7:
      if (equals_lower(name, "upgrade") && head_.upgrade.empty()) head_.upgrade = value;
      break;
    case 10:
      if (equals_lower(name, "user-agent")) head_.user_agent = value;
      break;
    case 12:
      if (equals_lower(name, "content-type")) head_.content_type = value;
      break;
    case 14:
      if (equals_lower(name, "content-length")) take_length(value);
      break;
    case 16:
      if (request_ && equals_lower(name, "content-encoding")) take_content_encoding(value);
      break;
    case 17:
      if (equals_lower(name, "transfer-encoding")) take_transfer_encoding(value);
      break;
    case 24:
      if (equals_lower(name, "sec-websocket-extensions") && head_.websocket_extensions.empty()) {
        head_.websocket_extensions = value;
      }
      break;
    default:
      break;
  }
  if (request_) keep(name, value);
}

void Http1HeadParser::keep(std::string_view name, std::string_view value) noexcept {
  if (fields_.size() >= limits_.headers) {
    counters_.headers_dropped.add();
    return;
  }
  if (name.size() + value.size() > limits_.header_line_bytes) {
    counters_.header_lines_cut.add();
    name = name.substr(0, limits_.header_line_bytes);
    value = value.substr(0, limits_.header_line_bytes - name.size());
  }
  fields_.push_back({lowered(name), value});
}

void Http1HeadParser::take_length(std::string_view value) noexcept {
  do {
    const auto length = parse_length(next_element(value));
    if (!length || (head_.content_length && *head_.content_length != *length)) {
      malformed_ = true;
      return;
    }
    head_.content_length = length;
  } while (!value.empty());
}

void Http1HeadParser::take_transfer_encoding(std::string_view value) noexcept {
  head_.has_transfer_encoding = true;
  do {
    std::string_view coding = next_element(value);
    coding = trim(coding.substr(0, coding.find(';')));
    if (coding.empty() || equals_lower(coding, "identity")) continue;
    if (head_.chunked) malformed_ = true;  // a coding after "chunked", or chunked twice
    if (equals_lower(coding, "chunked")) {
      head_.chunked = true;
      continue;
    }
    if (!transfer_codings_.empty()) transfer_codings_ += ", ";
    transfer_codings_ += coding;
  } while (!value.empty());
}

void Http1HeadParser::take_content_encoding(std::string_view value) noexcept {
  if (head_.content_encoding.empty()) {
    head_.content_encoding = value;
    return;
  }
  std::string joined(head_.content_encoding);
  joined += ", ";
  joined += value;
  codings_ = std::move(joined);
  head_.content_encoding = codings_;
}

}  // namespace weir::inspect
