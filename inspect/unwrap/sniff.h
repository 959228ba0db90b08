// Guesses what a stream holds from its first bytes. Pure functions: the answer depends on the first
// kSniffBytes bytes (or all, when there are fewer) and never on how they were cut.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "inspect/unwrap/stage.h"

namespace weir::inspect {

inline constexpr size_t kSniffBytes = 256;
inline constexpr size_t kJsonSniffBytes = 64;

enum class Kind : uint8_t {
  kMore,  // cannot be told yet
  kText,
  kBinary,
  kJson,
};

struct Guess {
  Kind kind = Kind::kMore;
  bool declared = false;    // the header says so too
  bool unreadable = false;  // kText, but of no use to a reader: base64 of what is no text
};

// `final`: `first` is all there is.
[[nodiscard]] Guess guess_body(ByteSpan first, bool final, const StreamInfo& info) noexcept;
[[nodiscard]] Guess guess_string(ByteSpan first, bool final) noexcept;

// `prefix` could begin a JSON text and holds a string. Strict, so that source code that starts with
// a bracket is not taken for JSON; `whole`: nothing follows.
[[nodiscard]] bool begins_json(ByteSpan prefix) noexcept;
// Mostly printable UTF-8.
[[nodiscard]] bool looks_like_text(ByteSpan bytes) noexcept;
// Case-insensitive; `lower` must be lower case.
[[nodiscard]] bool contains_word(std::string_view text, std::string_view lower) noexcept;

}  // namespace weir::inspect
