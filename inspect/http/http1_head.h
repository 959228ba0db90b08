// Parses one whole head (request or answer) in place. Only names that are not in lower case and
// folded values are copied, into memory of the parser's own that is used again for the next head.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/http/http1_counters.h"
#include "inspect/http/http1_syntax.h"
#include "inspect/message_sink.h"

namespace weir::inspect {

// Views point into the head that was parsed or into the parser: valid while both stand.
struct Http1Head {
  RequestLine line;  // requests
  int status = 0;    // answers
  std::string_view host;
  bool has_host = false;
  std::string_view user_agent;
  std::string_view content_type;
  std::string_view
      content_encoding;  // transfer codings before "chunked" follow the content codings
  std::string_view upgrade;
  std::string_view websocket_extensions;
  std::optional<uint64_t> content_length;
  bool has_transfer_encoding = false;
  bool chunked = false;  // the last transfer coding
  bool expect_continue = false;
};

class Http1HeadParser {
 public:
  Http1HeadParser(const Limits& limits, Http1Counters& counters) noexcept
      : limits_(limits), counters_(counters) {}

  // `bytes` from the first byte of the request or status line through the empty line.
  // False: malformed. A request is malformed when its line is, when Content-Length comes
  // twice with different values, when Content-Length is no number, or when its transfer codings do
  // not end in one "chunked".
  [[nodiscard]] bool parse_request(ByteSpan bytes) noexcept;
  [[nodiscard]] bool parse_answer(ByteSpan bytes) noexcept;

  [[nodiscard]] const Http1Head& head() const noexcept { return head_; }
  // Requests only: all fields, in order.
  [[nodiscard]] std::span<const HeaderField> fields() const noexcept { return fields_; }

 private:
  struct Pending {
    std::string_view name;
    std::string_view value;
    bool folded = false;
    bool present = false;
  };
  void begin(size_t head_bytes) noexcept;
  void parse_fields(std::string_view text) noexcept;
  void fold(Pending& pending, std::string_view more) noexcept;
  void commit(const Pending& pending) noexcept;
  void keep(std::string_view name, std::string_view value) noexcept;
  void take_length(std::string_view value) noexcept;
  void take_transfer_encoding(std::string_view value) noexcept;
  void take_content_encoding(std::string_view value) noexcept;
  std::string_view lowered(std::string_view name) noexcept;

  const Limits& limits_;
  Http1Counters& counters_;
  Http1Head head_;
  bool request_ = true;
  bool malformed_ = false;
  std::vector<HeaderField> fields_;
  std::string copies_;   // never grows beyond what begin() reserved, so that views stay valid
  std::string codings_;  // content_encoding when it is put together
  std::string transfer_codings_;
};

}  // namespace weir::inspect
