#include "inspect/unwrap/sniff.h"

#include <algorithm>
#include <array>

namespace weir::inspect {
namespace {

constexpr bool is_blank(uint8_t c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr bool is_alnum(uint8_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t skip_blanks(ByteSpan bytes, size_t from) noexcept {
  while (from < bytes.size() && is_blank(bytes[from])) ++from;
  return from;
}

// Bytes from `at` on that `literal` shares; true when they are equal as far as both go.
bool literal_prefix(ByteSpan bytes, size_t at, std::string_view literal, size_t* length) noexcept {
  const size_t count = std::min(literal.size(), bytes.size() - at);
  *length = count;
  return as_chars(bytes.subspan(at, count)) == literal.substr(0, count);
}

}  // namespace

bool begins_json(ByteSpan prefix) noexcept {
  enum class Expect : uint8_t { kValue, kFirstValue, kFirstKey, kKey, kColon, kComma };
  std::array<bool, kSniffBytes> object{};  // of each open bracket
  size_t depth = 0;
  bool saw_string = false;
  Expect expect = Expect::kValue;
  size_t i = skip_blanks(prefix, 0);
  if (i == prefix.size() || (prefix[i] != '{' && prefix[i] != '[')) return false;
  for (; (i = skip_blanks(prefix, i)) < prefix.size();) {
    const uint8_t c = prefix[i];
    const bool value = expect == Expect::kValue || expect == Expect::kFirstValue;
    const bool key = expect == Expect::kKey || expect == Expect::kFirstKey;
    if (c == '"' && (value || key)) {
      saw_string = true;
      for (++i; i < prefix.size() && prefix[i] != '"'; ++i) {
        if (prefix[i] == '\\') ++i;
      }
      if (i >= prefix.size()) return true;  // the string goes on behind the prefix
      ++i;
      expect = key ? Expect::kColon : Expect::kComma;
    } else if (value && (c == '{' || c == '[')) {
      if (depth == object.size()) return true;
      object[depth++] = c == '{';
      expect = c == '{' ? Expect::kFirstKey : Expect::kFirstValue;
      ++i;
    } else if ((c == ']' && (expect == Expect::kFirstValue || expect == Expect::kComma) &&
                !object[depth - 1]) ||
               (c == '}' && (expect == Expect::kFirstKey || expect == Expect::kComma) &&
                object[depth - 1])) {
      ++i;
      expect = Expect::kComma;
      if (--depth == 0) {
        // Behind a whole value may stand the next one (JSON Lines), nothing else.
        i = skip_blanks(prefix, i);
        return saw_string && (i == prefix.size() || prefix[i] == '{' || prefix[i] == '[');
      }
    } else if (c == ':' && expect == Expect::kColon) {
      ++i;
      expect = Expect::kValue;
    } else if (c == ',' && expect == Expect::kComma) {
      ++i;
      expect = object[depth - 1] ? Expect::kKey : Expect::kValue;
    } else if (value && (c == '-' || (c >= '0' && c <= '9'))) {
      while (i < prefix.size() &&
             (is_alnum(prefix[i]) || prefix[i] == '.' || prefix[i] == '-' || prefix[i] == '+')) {
        ++i;
      }
      expect = Expect::kComma;
    } else if (value) {
      size_t length = 0;
      if (!literal_prefix(prefix, i, "null", &length) &&
          !literal_prefix(prefix, i, "true", &length) &&
          !literal_prefix(prefix, i, "false", &length)) {
        return false;
      }
      i += length;
      expect = Expect::kComma;
    } else {
      return false;
    }
  }
  return saw_string;
}

bool looks_like_text(ByteSpan bytes) noexcept {
  size_t bad = 0;
  for (size_t i = 0; i < bytes.size();) {
    const uint8_t c = bytes[i++];
    if (c < 0x80) {
      bad += (c < 0x20 && !is_blank(c) && c != '\f' && c != 0x1b && c != '\b') || c == 0x7f;
      continue;
    }
    size_t more = c >= 0xF0 && c <= 0xF4 ? 3 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xC2 && c < 0xE0;
    if (more == 0) ++bad;
    for (; more > 0 && i < bytes.size(); --more, ++i) {
      if ((bytes[i] & 0xC0) != 0x80) {
        ++bad;
        break;
      }
    }
  }
  return bad * 16 <= bytes.size();
}

bool contains_word(std::string_view text, std::string_view lower) noexcept {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         }) != text.end();
}

Guess guess_string(ByteSpan first, bool final) noexcept {
  const size_t start = skip_blanks(first, 0);
  const bool enough = final || first.size() >= kJsonSniffBytes;
  if (start == first.size()) return {enough ? Kind::kText : Kind::kMore};
  if (first[start] != '{' && first[start] != '[') return {Kind::kText};
  if (!enough) return {Kind::kMore};
  const bool json = begins_json(first.first(std::min(first.size(), kJsonSniffBytes)));
  return {json ? Kind::kJson : Kind::kText};
}

Guess guess_body(ByteSpan first, bool final, const StreamInfo& info) noexcept {
  if (!final && first.size() < kSniffBytes) return {};
  first = first.first(std::min(first.size(), kSniffBytes));
  const bool declared = contains_word(info.content_type, "json");
  size_t start = 0;
  if (as_chars(first).substr(0, 3) == "\xEF\xBB\xBF") start = 3;
  start = skip_blanks(first, start);
  if (start < first.size()) {
    const uint8_t c = first[start];
    if (declared && (c == '{' || c == '[' || c == '"')) return {Kind::kJson, true};
    if (begins_json(first.subspan(start))) return {Kind::kJson};
  }
  return {looks_like_text(first) ? Kind::kText : Kind::kBinary};
}

}  // namespace weir::inspect
