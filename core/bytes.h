// Views of bytes, and the only place that turns bytes into characters and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir {

// A view of bytes from the network or a file. Valid only during the call that passed it, unless the
// callee says otherwise; keeping bytes means copying them.
using ByteSpan = std::span<const uint8_t>;

inline std::string_view as_chars(ByteSpan bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteSpan as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace weir
