#include "inspect/http/http1_syntax.h"

#include <array>
#include <cstring>

namespace weir::inspect {
namespace {

constexpr std::array<bool, 256> make_token_table() noexcept {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<uint8_t>(c)] = true;
  }
  return table;
}
constexpr std::array<bool, 256> kTokenChars = make_token_table();

constexpr std::array<std::string_view, 9> kMethods = {
    "GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"};

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

bool is_token_char(uint8_t c) noexcept { return kTokenChars[c]; }

bool equals_lower(std::string_view text, std::string_view lowered) noexcept {
  return text.size() == lowered.size() && starts_with_lower(text, lowered);
}

bool starts_with_lower(std::string_view text, std::string_view lowered) noexcept {
  if (text.size() < lowered.size()) return false;
  for (size_t i = 0; i < lowered.size(); ++i) {
    if (lower(text[i]) != lowered[i]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> parse_length(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  constexpr uint64_t kMax = uint64_t{1} << 63;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (value >= kMax / 10) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

bool is_known_method(std::string_view method) noexcept {
  for (const std::string_view known : kMethods) {
    if (method == known) return true;
  }
  return false;
}

size_t known_method_suffix(std::string_view text) noexcept {
  size_t longest = 0;
  for (const std::string_view known : kMethods) {
    if (known.size() > longest && text.ends_with(known)) longest = known.size();
  }
  return longest;
}

size_t begun_method_suffix(std::string_view text) noexcept {
  size_t longest = 0;
  for (const std::string_view known : kMethods) {
    for (size_t n = known.size(); n > longest; --n) {
      if (text.ends_with(known.substr(0, n))) longest = n;
    }
  }
  return longest;
}

bool is_version(std::string_view text) noexcept {
  constexpr std::string_view kForm = "HTTP/0.0";
  if (text.size() > kForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return false;
  }
  return text.size() == kForm.size();
}

std::optional<RequestLine> parse_request_line(std::string_view line) noexcept {
  line = trim(line);
  const size_t space = line.find(' ');
  constexpr size_t tail = std::string_view("HTTP/1.1").size();
  if (space == std::string_view::npos || space == 0 || line.size() < space + 1 + tail) {
    return std::nullopt;
  }
  const std::string_view version = line.substr(line.size() - tail);
  const char before = line[line.size() - tail - 1];
  if (!is_version(version) || (before != ' ' && before != '\t')) return std::nullopt;
  RequestLine out;
  out.method = line.substr(0, space);
  for (const char c : out.method) {
    if (!is_token_char(static_cast<uint8_t>(c))) return std::nullopt;
  }
  out.target = trim(line.substr(space, line.size() - tail - space));
  out.minor_version = version[5] == '1' ? version[7] - '0' : 1;
  if (out.target.empty() || out.method == "PRI") return std::nullopt;
  return out;
}

size_t HeadEndFinder::find(ByteSpan data) noexcept {
  size_t at = 0;
  while (at < data.size()) {
    if (state_ != State::kInLine) {
      if (data[at] == '\n') {
        state_ = State::kInLine;
        return at + 1;
      }
      if (state_ == State::kLineStart && data[at] == '\r') {
        state_ = State::kLineStartCr;
        ++at;
        continue;
      }
      state_ = State::kInLine;
    }
    const void* end = std::memchr(data.data() + at, '\n', data.size() - at);
    if (end == nullptr) return kNotFound;
    at = static_cast<size_t>(static_cast<const uint8_t*>(end) - data.data()) + 1;
    state_ = State::kLineStart;
  }
  return kNotFound;
}

}  // namespace weir::inspect
