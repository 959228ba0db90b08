// Small pure pieces of HTTP/1 syntax (RFC 9110 section 5, RFC 9112 sections 2 to 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"

namespace weir::inspect {

inline constexpr size_t kNotFound = static_cast<size_t>(-1);

[[nodiscard]] bool is_token_char(uint8_t c) noexcept;
[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
// `lowered` must be in lower case.
[[nodiscard]] bool equals_lower(std::string_view text, std::string_view lowered) noexcept;
[[nodiscard]] bool starts_with_lower(std::string_view text, std::string_view lowered) noexcept;
// Without surrounding spaces, tabs and carriage returns.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
// Digits only, below 2^63.
[[nodiscard]] std::optional<uint64_t> parse_length(std::string_view text) noexcept;

// The methods that clients really use; others are accepted in a whole request line only.
[[nodiscard]] bool is_known_method(std::string_view method) noexcept;
// Length of the longest known method that `text` ends with; 0 when there is none.
[[nodiscard]] size_t known_method_suffix(std::string_view text) noexcept;
// Length of the longest suffix of `text` that is a proper beginning of a known method or a whole
// one: what must be kept back when more bytes may complete it.
[[nodiscard]] size_t begun_method_suffix(std::string_view text) noexcept;

struct RequestLine {
  std::string_view method;
  std::string_view target;
  int minor_version = 1;
};
// "HTTP/" digit "." digit: some servers read more than 1.0 and 1.1 (and take it for 1.1).
[[nodiscard]] bool is_version(std::string_view text) noexcept;
// `line` without its line end. White space around the parts may be any; the target may hold spaces.
[[nodiscard]] std::optional<RequestLine> parse_request_line(std::string_view line) noexcept;

// Finds the empty line that ends a head, over any cut of the bytes.
class HeadEndFinder {
 public:
  // Bytes of `data` up to and including the empty line, or kNotFound.
  [[nodiscard]] size_t find(ByteSpan data) noexcept;
  void reset() noexcept { state_ = State::kInLine; }
  // The bytes to come begin a line (trailers).
  void reset_at_line_start() noexcept { state_ = State::kLineStart; }

 private:
  enum class State : uint8_t { kInLine, kLineStart, kLineStartCr };
  State state_ = State::kInLine;
};

}  // namespace weir::inspect
