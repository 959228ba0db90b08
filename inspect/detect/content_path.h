// Reading a content path ("http/body>gzip>json:messages[3].content"): what kind of place it names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::inspect {

enum class PlaceKind : uint8_t {
  kOther,        // a whole body, a file
  kField,        // a value under a name: JSON outside of messages, a header, a form field
  kArgument,     // a JSON value inside a message: arguments of a tool call
  kMessage,      // text of a message
  kInstruction,  // text that the client's maker wrote: system prompt, instructions
  kBytes,        // bytes that are no text
};

[[nodiscard]] PlaceKind place_of(std::string_view path) noexcept;

// The last name in the path, without index; and the one around it. Empty when there is none.
[[nodiscard]] std::string_view name_in(std::string_view path) noexcept;
[[nodiscard]] std::string_view parent_in(std::string_view path) noexcept;

// The path with names in it that hold content (file paths, addresses as keys) masked.
[[nodiscard]] std::string masked_path(std::string_view path);

}  // namespace weir::inspect
