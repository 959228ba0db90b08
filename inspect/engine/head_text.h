// What of a request's head is read as text: query parameters and header values, apart from those
// that carry credentials by design (a key in Authorization is no leak of a key).
#pragma once

#include <string_view>

#include "inspect/message_sink.h"
#include "inspect/text_sink.h"

namespace weir::inspect {

// A path of at most so many bytes is not read as text.
inline constexpr size_t kUnreadPath = 64;

// Emits a piece ("http/query:NAME", "http/path", "http/header:NAME") for each part worth reading.
void emit_head_text(const MessageHead& head, TextSink& sink) noexcept;

[[nodiscard]] bool is_credential_header(std::string_view lower_name) noexcept;
[[nodiscard]] bool is_credential_parameter(std::string_view name) noexcept;

}  // namespace weir::inspect
