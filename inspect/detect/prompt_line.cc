// See prompt_line.h.
#include "inspect/detect/prompt_line.h"

#include <algorithm>
#include <optional>

#include "signatures/confusables.h"

namespace weir::inspect {

namespace {

using signatures::CodePoint;
using signatures::Confusable;
using signatures::Disguise;

bool digit(uint32_t c) noexcept { return c >= '0' && c <= '9'; }
bool letter(uint32_t c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// What stands between the numbers of a date, a time, a large number.
bool separates(char c) noexcept {
  return c == '-' || c == '/' || c == '.' || c == ',' || c == ':' || c == '\'';
}

// Symbols that prose and user interfaces use: arrows, bullets, boxes, emoji, ellipsis, currency.
bool is_symbol(uint32_t c) noexcept {
  return (c >= 0xA1 && c <= 0xBF) || c == 0xD7 || c == 0xF7 || (c >= 0x2016 && c <= 0x2031) ||
         (c >= 0x2039 && c <= 0x205E) || (c >= 0x20A0 && c <= 0x20CF) || c == 0x20E3 ||
         (c >= 0x2100 && c <= 0x2BFF) || (c >= 0x1F000 && c <= 0x1FAFF) || c == 0xFFFD;
}

uint32_t next_of(std::string_view line, size_t at) noexcept {
  return at < line.size() ? signatures::read_code_point(line.substr(at)).value : 0;
}

// Behind punctuation that ends a part of a sentence, where every language has an ordinary blank
// (French and German put others before it, after abbreviations and between numbers and units).
bool ends_a_phrase(std::string_view text) noexcept {
  if (text.empty()) return false;
  const char mark = text.back();
  if (mark != ',' && mark != ';' && mark != '.' && mark != '!' && mark != '?') return false;
  constexpr size_t kWord = 5;  // shorter ones may be abbreviations
  const size_t least = mark == '.' ? kWord : 1;
  size_t letters = 0;
  for (size_t i = text.size() - 1; i > 0 && letters < least; --i) {
    if (!letter(static_cast<uint8_t>(text[i - 1]))) return false;
    ++letters;
  }
  return letters == least;
}

// A selector or joiner belongs to the symbol before it; flags of regions are made of tags.
bool in_its_place(uint32_t c, uint32_t before, uint32_t after) noexcept {
  if (c == 0xFE0E || c == 0xFE0F) return before >= 0x2000 || after == 0x20E3 || is_symbol(before);
  if (c == 0x200D) return before >= 0x2190 && after >= 0x2190;
  if (c >= 0xE0020 && c <= 0xE007F) {
    return before == 0x1F3F4 || (before >= 0xE0020 && before <= 0xE007E);
  }
  return false;
}

}  // namespace

void fold_line(std::string_view line, FoldedLine& out) {
  out.reading.clear();
  out.writing.clear();
  out.letters = 0;
  line = line.substr(0, kPromptLine);
  size_t end = line.size();
  while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t' || line[end - 1] == '\r')) --end;
  std::string_view tail = line.substr(end);
  line = line.substr(0, end);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  for (size_t at = 0; at < line.size();) {
    const auto byte = static_cast<uint8_t>(line[at]);
    if (byte < 0x80) {
      const char c = line[at++];
      if (digit(byte)) {
        // A number, whatever its digits.
        if (!out.writing.empty() && out.writing.back() == '0') continue;
        out.reading += '0';
        out.writing += '0';
        continue;
      }
      if (c == ' ' || c == '\t') {
        if (!out.reading.empty() && out.reading.back() == ' ') continue;
        out.reading += ' ';
        out.writing += ' ';
        continue;
      }
      out.letters += letter(byte) ? 1 : 0;
      const bool between = separates(c) && at >= 2 && digit(static_cast<uint8_t>(line[at - 2])) &&
                           at < line.size() && digit(static_cast<uint8_t>(line[at]));
      out.reading += between ? '-' : c;
      out.writing += c;
      continue;
    }
    const CodePoint point = signatures::read_code_point(line.substr(at));
    const std::string_view bytes = line.substr(at, point.size);
    const std::optional<Confusable> looks = signatures::confusable(point.value);
    const bool between = at > 0 && digit(static_cast<uint8_t>(line[at - 1])) &&
                         at + point.size < line.size() &&
                         digit(static_cast<uint8_t>(line[at + point.size]));
    at += point.size;
    out.writing += bytes;
    if (!looks) {
      out.reading += bytes;
    } else if (between && (separates(looks->ascii) || looks->ascii == ' ')) {
      out.reading += '-';
    } else if (looks->ascii == ' ') {
      if (out.reading.empty() || out.reading.back() != ' ') out.reading += ' ';
    } else if (looks->ascii != '\0') {
      out.reading += looks->ascii;
    }
  }
  // A line break of two characters is no mark.
  while (!tail.empty() && tail.back() == '\r') tail.remove_suffix(1);
  out.writing += tail;
}

void find_marks(std::string_view line, std::vector<LineMark>& out) {
  out.clear();
  line = line.substr(0, kPromptLine);
  if (std::all_of(line.begin(), line.end(),
                  [](char c) { return static_cast<uint8_t>(c) < 0x80; })) {
    return;
  }
  uint32_t letters = 0;
  uint32_t before = 0;
  for (size_t at = 0; at < line.size();) {
    const CodePoint point = signatures::read_code_point(line.substr(at));
    const uint32_t c = point.value;
    const uint32_t after = next_of(line, at + point.size);
    letters += letter(c) ? 1 : 0;
    if (c >= 0x80) {
      const std::optional<Confusable> looks = signatures::confusable(c);
      if (!looks && !is_symbol(c)) return out.clear();
      const bool inside = letter(before) && letter(after);
      if (looks && looks->disguise == Disguise::kLetter && (letter(before) || letter(after))) {
        out.push_back({MarkKind::kLookAlike, c, at});
      } else if (looks && looks->disguise == Disguise::kModifier && inside) {
        out.push_back({MarkKind::kLookAlike, c, at});
      } else if (looks && looks->disguise == Disguise::kQuote && looks->ascii == '\'' && inside) {
        out.push_back({MarkKind::kQuote, c, at});
      } else if (looks && looks->disguise == Disguise::kSpace &&
                 (inside || (letter(after) && ends_a_phrase(line.substr(0, at))))) {
        out.push_back({MarkKind::kSpace, c, at});
      } else if (looks && looks->disguise == Disguise::kInvisible && at > 0 &&
                 !in_its_place(c, before, after)) {
        out.push_back({MarkKind::kInvisible, c, at});
      } else if (looks && looks->disguise == Disguise::kLetter) {
        return out.clear();  // a word of its own: Greek or Cyrillic text
      }
    }
    before = c;
    at += point.size;
  }
  if (letters < 8) out.clear();
}

uint32_t plain_apostrophes(std::string_view line) noexcept {
  uint32_t count = 0;
  for (size_t i = 1; i + 1 < line.size(); ++i) {
    if (line[i] == '\'' && letter(static_cast<uint8_t>(line[i - 1])) &&
        letter(static_cast<uint8_t>(line[i + 1]))) {
      ++count;
    }
  }
  return count;
}

std::string shown_around(std::string_view line, size_t at) {
  constexpr size_t kShown = 3;
  static constexpr std::string_view kMore = "…";
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  at = std::min(at, line.size());
  size_t begin = at;
  while (begin > 0 && at - begin < kShown && plain(line[begin - 1])) --begin;
  size_t own = at;
  if (at < line.size()) own += signatures::read_code_point(line.substr(at)).size;
  own = std::min(own, line.size());
  size_t end = own;
  while (end < line.size() && end - own < kShown && plain(line[end])) ++end;
  std::string out;
  if (begin > 0 && !blank(line[begin - 1])) out += kMore;
  for (const char c : line.substr(begin, end - begin)) {
    const auto byte = static_cast<uint8_t>(c);
    out += digit(byte) ? '0' : byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (end < line.size() && !blank(line[end])) out += kMore;
  return out;
}

Difference first_difference(std::string_view left, std::string_view right) noexcept {
  Difference out;
  while (out.left_at < left.size() || out.right_at < right.size()) {
    const CodePoint l = out.left_at < left.size()
                            ? signatures::read_code_point(left.substr(out.left_at))
                            : CodePoint{0, 0};
    const CodePoint r = out.right_at < right.size()
                            ? signatures::read_code_point(right.substr(out.right_at))
                            : CodePoint{0, 0};
    if (l.value != r.value) {
      out.left = l.value;
      out.right = r.value;
      return out;
    }
    out.left_at += l.size;
    out.right_at += r.size;
  }
  return out;
}

}  // namespace weir::inspect
