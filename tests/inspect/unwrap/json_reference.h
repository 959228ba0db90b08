// The slow obvious way to resolve the escapes of a JSON string, to compare the streaming one with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::test {

// The code unit of `\uXXXX` at `at`, when there is one.
inline std::optional<uint32_t> code_unit(std::string_view raw, size_t at) {
  if (raw.size() < at + 6 || raw[at] != '\\' || raw[at + 1] != 'u') return std::nullopt;
  uint32_t unit = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    const size_t digit = std::string_view("0123456789abcdef0123456789ABCDEF").find(raw[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    unit = unit * 16 + static_cast<uint32_t>(digit % 16);
  }
  return unit;
}

inline std::string utf8(uint32_t code) {
  std::string out;
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 + code / 64);
    put(0x80 + code % 64);
  } else if (code < 0x10000) {
    put(0xE0 + code / 4096);
    put(0x80 + code / 64 % 64);
    put(0x80 + code % 64);
  } else {
    put(0xF0 + code / 262144);
    put(0x80 + code / 4096 % 64);
    put(0x80 + code / 64 % 64);
    put(0x80 + code % 64);
  }
  return out;
}

// `raw` is what stands between the quotes. Wrong escapes and lone surrogates stay as they are.
inline std::string reference_unescape(std::string_view raw) {
  const std::string_view names = "\"\\/bfnrt";
  const std::string_view values = "\"\\/\b\f\n\r\t";
  std::string out;
  for (size_t i = 0; i < raw.size();) {
    if (raw[i] == '\\' && i + 1 < raw.size()) {
      if (const size_t at = names.find(raw[i + 1]); at != std::string_view::npos) {
        out += values[at];
        i += 2;
        continue;
      }
      if (const auto unit = code_unit(raw, i)) {
        const auto low = code_unit(raw, i + 6);
        if (*unit < 0xD800 || *unit > 0xDFFF) {
          out += utf8(*unit);
          i += 6;
          continue;
        }
        if (*unit < 0xDC00 && low && *low >= 0xDC00 && *low <= 0xDFFF) {
          out += utf8(0x10000 + (*unit - 0xD800) * 1024 + (*low - 0xDC00));
          i += 12;
          continue;
        }
        out += raw.substr(i, 6);
        i += 6;
        continue;
      }
    }
    out += raw[i++];
  }
  return out;
}

}  // namespace weir::test
