#include "inspect/unwrap/sniff.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "inspect/unwrap/json_unescape.h"
#include "inspect/unwrap/protobuf_stage.h"

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

constexpr bool is_hex(uint8_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 2046 bchars.
constexpr bool is_boundary(uint8_t c) noexcept {
  return is_alnum(c) ||
         std::string_view("'()+_,-./:=? ").find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr std::array<uint8_t, 256> make_base64() {
  std::array<uint8_t, 256> table{};
  for (auto& entry : table) entry = 255;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  table['-'] = 62;
  table['_'] = 63;
  return table;
}

constexpr auto kBase64 = make_base64();

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
  bool saw_literal = false;
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
      saw_literal = true;
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
      saw_literal = true;
      expect = Expect::kComma;
    } else {
      return false;
    }
  }
  return saw_string || (!saw_literal && prefix.size() >= kJsonSniffBytes);
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

bool is_plain_text(ByteSpan bytes) noexcept {
  for (size_t i = 0; i < bytes.size();) {
    const uint8_t c = bytes[i++];
    if (c < 0x80) {
      if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != 0x1B) ||
          c == 0x7F) {
        return false;
      }
      continue;
    }
    size_t more = c >= 0xF0 && c <= 0xF4 ? 3 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xC2 && c < 0xE0;
    if (more == 0) return false;
    for (; more > 0 && i < bytes.size(); --more, ++i) {
      if ((bytes[i] & 0xC0) != 0x80) return false;
    }
  }
  return true;
}

bool holds_content(std::string_view name) noexcept {
  constexpr size_t kShortest = 16;
  if (name.size() < kShortest) return false;
  return !std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
  });
}

bool contains_word(std::string_view text, std::string_view lower) noexcept {
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         }) != text.end();
}

Member gzip_member(ByteSpan bytes) noexcept {
  constexpr std::array<uint8_t, 3> kMagic{0x1f, 0x8b, 8};
  const size_t count = std::min(bytes.size(), kMagic.size());
  if (!std::equal(kMagic.begin(), kMagic.begin() + count, bytes.begin())) return Member::kNo;
  return count == kMagic.size() ? Member::kYes : Member::kMaybe;
}

Member zstd_frame(ByteSpan bytes) noexcept {
  constexpr std::array<uint8_t, 4> kFrame{0x28, 0xb5, 0x2f, 0xfd};
  constexpr std::array<uint8_t, 3> kSkippable{0x2a, 0x4d, 0x18};  // behind 0x50 to 0x5f
  const size_t count = std::min(bytes.size(), kFrame.size());
  if (count == 0) return Member::kMaybe;
  const bool frame = std::equal(kFrame.begin(), kFrame.begin() + count, bytes.begin());
  const bool skippable =
      bytes[0] >> 4 == 5 &&
      std::equal(kSkippable.begin(), kSkippable.begin() + (count - 1), bytes.begin() + 1);
  if (!frame && !skippable) return Member::kNo;
  return count == kFrame.size() ? Member::kYes : Member::kMaybe;
}

uint8_t base64_value(uint8_t c) noexcept { return kBase64[c]; }

bool is_qoder_byte(uint8_t c) noexcept {
  return kQoderAlphabet.find(static_cast<char>(c)) != std::string_view::npos;
}

bool starts_with_word(std::string_view text, std::string_view lower) noexcept {
  return contains_word(text.substr(0, lower.size()), lower) && text.size() >= lower.size();
}

std::string_view header_parameter(std::string_view field, std::string_view name) noexcept {
  for (size_t at = field.find(';'); at != std::string_view::npos;) {
    ++at;
    while (at < field.size() && is_blank(static_cast<uint8_t>(field[at]))) ++at;
    const bool wanted =
        starts_with_word(field.substr(at), name) && field.substr(at + name.size(), 1) == "=";
    // The value, so that a quoted semicolon does not end it.
    const size_t equals = field.find_first_of("=;", at);
    if (equals == std::string_view::npos) return {};
    if (field[equals] == ';') {
      at = equals;
      continue;
    }
    size_t from = equals + 1;
    size_t to = 0;
    if (field.substr(from, 1) == "\"") {
      ++from;
      to = std::min(field.find('"', from), field.size());
      at = field.find(';', to);
    } else {
      at = field.find(';', from);
      to = std::min(at, field.size());
      while (to > from && is_blank(static_cast<uint8_t>(field[to - 1]))) --to;
    }
    if (wanted) return field.substr(from, to - from);
  }
  return {};
}

std::string_view multipart_boundary(ByteSpan first, std::string_view content_type) noexcept {
  const std::string_view text = as_chars(first);
  std::string_view declared;
  if (contains_word(content_type, "multipart/")) {
    declared = header_parameter(content_type, "boundary");
    if (declared.size() > kBoundaryBytes) declared = {};
    if (!declared.empty() && text.find("--") != std::string_view::npos) {
      const size_t at = text.find(declared);
      if (at != std::string_view::npos) return declared;
    }
  }
  // The first line is a boundary, the second a header of a part.
  if (text.substr(0, 2) == "--") {
    size_t end = 2;
    while (end < text.size() && is_boundary(static_cast<uint8_t>(text[end]))) ++end;
    const std::string_view line = text.substr(2, end - 2);
    const std::string_view rest = text.substr(end);
    if (!line.empty() && line.size() <= kBoundaryBytes &&
        (starts_with_word(rest, "\r\ncontent-") || starts_with_word(rest, "\ncontent-"))) {
      return line;
    }
  }
  return declared;
}

namespace {

// UTF-16 and UTF-32 by their byte order mark, by an opening bracket of JSON, or by their zeros.
Guess guess_wide(ByteSpan first) noexcept {
  const auto is = [](Kind kind, size_t skip) {
    Guess guess;
    guess.kind = kind;
    guess.skip = skip;
    return guess;
  };
  if (first.size() < 4) return {};
  const auto begins = [first](uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return first[0] == a && first[1] == b && first[2] == c && first[3] == d;
  };
  if (begins(0xFF, 0xFE, 0, 0)) return is(Kind::kUtf32Le, 4);
  if (begins(0, 0, 0xFE, 0xFF)) return is(Kind::kUtf32Be, 4);
  if (first[0] == 0xFF && first[1] == 0xFE) return is(Kind::kUtf16Le, 2);
  if (first[0] == 0xFE && first[1] == 0xFF) return is(Kind::kUtf16Be, 2);
  for (const uint8_t bracket : {uint8_t{'{'}, uint8_t{'['}}) {
    if (begins(bracket, 0, 0, 0)) return is(Kind::kUtf32Le, 0);
    if (begins(0, 0, 0, bracket)) return is(Kind::kUtf32Be, 0);
    if (begins(bracket, 0, first[2], 0)) return is(Kind::kUtf16Le, 0);
    if (begins(0, bracket, 0, first[3])) return is(Kind::kUtf16Be, 0);
  }
  std::array<size_t, 4> zeros{};
  const size_t quads = first.size() / 4;
  for (size_t i = 0; i < 4 * quads; ++i) zeros[i % 4] += first[i] == 0;
  if (quads < 4) return {};
  const auto most = [&](size_t i) { return zeros[i] * 4 >= quads * 3; };
  const auto few = [&](size_t i) { return zeros[i] * 8 <= quads; };
  if (few(0) && most(2) && most(3)) return is(Kind::kUtf32Le, 0);
  if (most(0) && most(1) && few(3)) return is(Kind::kUtf32Be, 0);
  if (few(0) && most(1) && few(2) && most(3)) return is(Kind::kUtf16Le, 0);
  if (most(0) && few(1) && most(2) && few(3)) return is(Kind::kUtf16Be, 0);
  return {};
}

// Worth decoding: what `bytes`, the start of a decoded run, look like.
bool worth_decoding(ByteSpan bytes) noexcept {
  const std::string_view text = as_chars(bytes);
  return looks_like_text(bytes) || gzip_member(bytes) == Member::kYes ||
         zstd_frame(bytes) == Member::kYes || guess_wide(bytes).kind != Kind::kMore ||
         text.substr(0, 4) == "PK\x03\x04" || text.substr(0, 5) == "%PDF-";
}

// Serialised messages have some bytes between their strings that are no text.
bool mostly_printable(ByteSpan bytes) noexcept {
  const auto printable = std::count_if(
      bytes.begin(), bytes.end(), [](uint8_t c) { return (c >= 0x20 && c < 0x7f) || is_blank(c); });
  return static_cast<size_t>(printable) * 8 >= bytes.size() * 5;
}

// Is it one long run of base64 or hexadecimal digits? kText: no, or not worth decoding.
Guess guess_run(ByteSpan first, bool final) noexcept {
  Guess guess;
  size_t at = 0;
  const std::string_view text = as_chars(first);
  constexpr std::string_view kData = "data:";
  const bool data_url = text.substr(0, kData.size()) == kData;
  if (data_url) {
    const size_t comma = text.substr(0, kSniffBytes / 2).find(',');
    if (comma == std::string_view::npos) {
      if (final || first.size() >= kSniffBytes / 2) guess.kind = Kind::kText;
      return guess;
    }
    if (comma < 7 || text.substr(comma - 7, 7) != ";base64") return {Kind::kText};
    at = comma + 1;
    guess.skip = at;
  }
  std::array<uint8_t, kHexRun> run;
  size_t length = 0;
  bool hex = true;
  bool ended = false;
  size_t i = at;
  for (; i < std::min(first.size(), kSniffBytes) && length < run.size() && !ended; ++i) {
    const uint8_t c = first[i];
    if (c == '\r' || c == '\n') continue;
    if (kBase64[c] > 63) {
      ended = true;
    } else {
      if (length >= kBase64Run && hex && !is_hex(c)) break;
      hex = hex && is_hex(c);
      run[length++] = c;
      if (length >= kBase64Run && !hex) break;
    }
  }
  const bool all_seen = final && i >= first.size();
  if (length < kBase64Run) {
    if (ended || all_seen || first.size() >= kSniffBytes) guess.kind = Kind::kText;
    return guess;
  }
  std::array<uint8_t, kHexRun> decoded;
  size_t count = 0;
  if (hex && length == kHexRun) {
    for (size_t k = 0; k + 1 < length; k += 2) {
      decoded[count++] = static_cast<uint8_t>(hex_value(run[k]) << 4 | hex_value(run[k + 1]));
    }
    const ByteSpan bytes(decoded.data(), count);
    const bool worth = worth_decoding(bytes) || mostly_printable(bytes);
    guess.kind = worth ? Kind::kHex : Kind::kText;
    guess.unreadable = !worth;
    return guess;
  }
  // JSON, of a token (JWT) maybe, that rules look for: it stays in the text, which is searched for
  // runs as well.
  if (as_chars({run.data(), 3}) == "eyJ") return {Kind::kText};
  // All hexadecimal so far, and it may become long enough.
  if (hex && length < kHexRun && !ended && !all_seen && first.size() < kSniffBytes) return guess;
  const Run held = look_at_run({run.data(), kBase64Run});
  guess.kind = held.kind == Run::Kind::kBase64 ? Kind::kBase64
               : held.kind == Run::Kind::kHex  ? Kind::kHex
                                               : Kind::kText;
  guess.unreadable = guess.kind == Kind::kText;
  // Line ends before the first digits, and digits of a group that was cut, are left out.
  for (size_t skip = held.skip; skip > 0; ++guess.skip) {
    skip -= kBase64[first[guess.skip]] <= 63;
  }
  return guess;
}

// The last element of a comma-separated list, which `list` then lacks.
bool take_last(std::string_view& list, std::string_view& element) noexcept {
  const auto blank_or_comma = [](char c) { return c == ' ' || c == '\t' || c == ','; };
  while (!list.empty() && blank_or_comma(list.back())) list.remove_suffix(1);
  if (list.empty()) return false;
  const size_t comma = list.rfind(',');
  element = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
  while (!element.empty() && blank_or_comma(element.front())) element.remove_prefix(1);
  return true;
}

// A line break stands behind the first bracket.
bool is_laid_out(ByteSpan json) noexcept {
  const size_t bracket = skip_blanks(json, 0);
  const size_t next = skip_blanks(json, std::min(bracket + 1, json.size()));
  return as_chars(json.subspan(bracket, next - bracket)).find('\n') != std::string_view::npos;
}

bool is_word(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() && contains_word(text, lower);
}

bool is_zlib_header(ByteSpan first) noexcept {
  return first.size() >= 2 && (first[0] & 0x0F) == 8 && first[0] >> 4 <= 7 &&
         (first[0] << 8 | first[1]) % 31 == 0;
}

// The coding that the header names, when the content does not contradict. Reading the list stops at
// the first that is taken or unknown.
Guess guess_coding(ByteSpan first, std::string_view list) noexcept {
  Guess guess;
  const bool gzip = gzip_member(first) == Member::kYes;
  const bool zstd = zstd_frame(first) == Member::kYes;
  const auto take = [&](Coding coding) {
    guess.kind = Kind::kCoding;
    guess.coding = coding;
    guess.codings_left = list.size();
    return guess;
  };
  std::string_view name;
  while (take_last(list, name)) {
    if (is_word(name, "identity") || is_word(name, "none")) continue;
    if (is_word(name, "gzip") || is_word(name, "x-gzip")) {
      if (gzip) return take(Coding::kGzip);
    } else if (is_word(name, "zstd")) {
      if (zstd) return take(Coding::kZstd);
    } else if (is_word(name, "deflate")) {
      if (is_zlib_header(first)) return take(Coding::kZlib);
      if (!gzip && !zstd && !looks_like_text(first)) return take(Coding::kDeflate);
    } else if (is_word(name, "br")) {
      if (!gzip && !zstd && !looks_like_text(first)) return take(Coding::kBrotli);
    } else {
      guess.unknown_coding = true;
      break;
    }
    guess.wrong_coding = true;
  }
  list = {};
  if (gzip) return take(Coding::kGzip);
  if (zstd) return take(Coding::kZstd);
  return guess;
}

bool looks_like_form(ByteSpan first, bool declared) noexcept {
  size_t escapes = 0;
  bool equals = false;
  for (size_t i = 0; i < first.size(); ++i) {
    const uint8_t c = first[i];
    if (c == '=' && i > 0) equals = true;
    if (c == '%' && i + 2 < first.size() && is_hex(first[i + 1]) && is_hex(first[i + 2])) ++escapes;
    const bool usual =
        is_alnum(c) || std::string_view("%+=&-_.*~[]()!'$,;:@/?").find(static_cast<char>(c)) !=
                           std::string_view::npos;
    if (!usual && !declared) return false;
    if (c < 0x20 && !is_blank(c)) return false;
    if (declared && equals) return true;
  }
  return equals && escapes >= 3;
}

bool looks_like_qoder(ByteSpan first) noexcept {
  size_t special = 0;
  for (const uint8_t c : first) {
    if (!is_qoder_byte(c)) return false;
    special += std::string_view(",@#&*)%^(!").find(static_cast<char>(c)) != std::string_view::npos;
  }
  return first.size() >= 32 && special * 16 >= first.size();
}

bool looks_like_envelope(ByteSpan first, std::string_view content_type) noexcept {
  return first.size() >= 5 && first[0] <= 3 &&
         (contains_word(content_type, "connect+") || contains_word(content_type, "grpc"));
}

bool looks_like_protobuf(ByteSpan first, std::string_view content_type) noexcept {
  uint64_t size = first.size() < kSniffBytes ? first.size() : std::numeric_limits<uint64_t>::max();
  ProtobufPrefix told;
  if (contains_word(content_type, "proto") || contains_word(content_type, "grpc")) {
    return begins_protobuf(first, size, 1U << 29, told);
  }
  // Where no header says so, half of it must be text, at some depth.
  constexpr uint32_t kLargestNumber = 1000;
  constexpr int kDepth = 4;
  size_t strings = 0;
  ByteSpan message = first;
  for (int depth = 0; depth < kDepth && !message.empty(); ++depth) {
    if (!begins_protobuf(message, size, kLargestNumber, told)) return false;
    strings += told.strings;
    if (strings * 2 >= first.size()) return true;
    message = told.inner;
    size = told.inner_size;
  }
  return false;
}

}  // namespace

namespace {

bool base64_holds_text(ByteSpan digits) noexcept {
  std::array<uint8_t, kBase64Run / 4 * 3> decoded;
  size_t count = 0;
  uint64_t seen = 0;
  for (size_t k = 0; k + 4 <= digits.size(); k += 4) {
    uint32_t bits = 0;
    for (size_t i = k; i < k + 4; ++i) {
      bits = bits << 6 | kBase64[digits[i]];
      seen |= uint64_t{1} << (kBase64[digits[i]] & 63);
    }
    decoded[count++] = static_cast<uint8_t>(bits >> 16);
    decoded[count++] = static_cast<uint8_t>(bits >> 8);
    decoded[count++] = static_cast<uint8_t>(bits);
  }
  const ByteSpan bytes(decoded.data(), count);
  if (!worth_decoding(bytes)) return false;
  // Fillers of a few letters decode to valid UTF-8 easily; encoded text has many letters, unless
  // it begins with blanks or with a rule drawn in a comment.
  constexpr int kDistinctDigits = 10;
  if (std::popcount(seen) >= kDistinctDigits) return true;
  const auto drawn = std::count_if(bytes.begin(), bytes.end(), [](uint8_t c) {
    return is_blank(c) ||
           (c < 0x7F &&
            std::string_view("-=*#/_~+.%;!|").find(static_cast<char>(c)) != std::string_view::npos);
  });
  return is_plain_text(bytes) && static_cast<size_t>(drawn) * 2 >= count;
}

bool hex_holds_text(ByteSpan digits) noexcept {
  std::array<uint8_t, kBase64Run / 2> decoded;
  size_t count = 0;
  for (size_t k = 0; k + 2 <= digits.size(); k += 2) {
    if (!is_hex(digits[k]) || !is_hex(digits[k + 1])) return false;
    decoded[count++] = static_cast<uint8_t>(hex_value(digits[k]) << 4 | hex_value(digits[k + 1]));
  }
  const ByteSpan bytes(decoded.data(), count);
  if (!is_plain_text(bytes)) return false;
  constexpr size_t kDistinctBytes = 6;  // no filler
  std::sort(decoded.begin(), decoded.begin() + static_cast<ptrdiff_t>(count));
  const auto* const last = std::unique(decoded.data(), decoded.data() + count);
  return static_cast<size_t>(last - decoded.data()) >= kDistinctBytes;
}

}  // namespace

Run look_at_run(ByteSpan digits) noexcept {
  for (size_t skip = 0; skip < 2; ++skip) {
    if (hex_holds_text(digits.subspan(skip))) return {Run::Kind::kHex, skip};
  }
  for (size_t skip = 0; skip < 4; ++skip) {
    if (base64_holds_text(digits.subspan(skip))) return {Run::Kind::kBase64, skip};
  }
  return {};
}

Guess guess_string(ByteSpan first, bool final) noexcept {
  const size_t start = skip_blanks(first, 0);
  const bool enough = final || first.size() >= kJsonSniffBytes;
  if (start == first.size()) return {enough ? Kind::kText : Kind::kMore};
  if (first[start] == '{' || first[start] == '[') {
    if (!enough) return {Kind::kMore};
    first = first.first(std::min(first.size(), kJsonSniffBytes));
    Guess guess;
    guess.kind = begins_json(first) ? Kind::kJson : Kind::kText;
    guess.document = is_laid_out(first);
    return guess;
  }
  return guess_run(first, final);
}

Guess guess_body(ByteSpan first, bool final, const StreamInfo& info) noexcept {
  if (!final && first.size() < kSniffBytes) return {};
  final = final && first.size() <= kSniffBytes;
  first = first.first(std::min(first.size(), kSniffBytes));
  Guess guess = guess_coding(first, info.content_encoding);
  if (guess.kind != Kind::kMore) return guess;
  const auto is = [&guess](Kind kind) {
    guess.kind = kind;
    return guess;
  };
  if (looks_like_envelope(first, info.content_type)) return is(Kind::kEnvelope);
  if (const Guess wide = guess_wide(first); wide.kind != Kind::kMore) {
    guess.skip = wide.skip;
    return is(wide.kind);
  }
  size_t start = as_chars(first).substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
  start = skip_blanks(first, start);
  if (start < first.size()) {
    const uint8_t c = first[start];
    guess.declared = contains_word(info.content_type, "json");
    guess.document = info.origin != Origin::kBody && is_laid_out(first.subspan(start));
    if (guess.declared && (c == '{' || c == '[' || c == '"')) return is(Kind::kJson);
    if (begins_json(first.subspan(start))) return is(Kind::kJson);
  }
  if (!multipart_boundary(first, info.content_type).empty()) return is(Kind::kMultipart);
  if (looks_like_form(first, contains_word(info.content_type, "x-www-form-urlencoded"))) {
    return is(Kind::kForm);
  }
  if (const Guess run = guess_run(first, final);
      run.kind != Kind::kMore && (run.kind != Kind::kText || run.unreadable)) {
    guess.skip = run.skip;
    guess.unreadable = run.unreadable;
    return is(run.kind);
  }
  if (info.origin == Origin::kBody && looks_like_qoder(first)) return is(Kind::kQoder);
  if (!is_plain_text(first) && looks_like_protobuf(first, info.content_type)) {
    return is(Kind::kProtobuf);
  }
  return is(looks_like_text(first) ? Kind::kText : Kind::kBinary);
}

}  // namespace weir::inspect
