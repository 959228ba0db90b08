// See confusables.h.
#include "signatures/confusables.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace weir::signatures {

namespace {

struct Row {
  uint32_t code_point;
  Disguise disguise;
  char ascii;
  std::string_view name;
};

// Ascending. Ranges that follow a rule are in confusable().
// clang-format off
constexpr std::array<Row, 196> kRows = {{
    {0x00A0, Disguise::kSpace, ' ', "NO-BREAK SPACE"},
    {0x00AD, Disguise::kInvisible, 0, "SOFT HYPHEN"},
    {0x00B4, Disguise::kModifier, '\'', "ACUTE ACCENT"},
    {0x0131, Disguise::kLetter, 'i', "LATIN SMALL LETTER DOTLESS I"},
    {0x01C3, Disguise::kMark, '!', "LATIN LETTER RETROFLEX CLICK"},
    {0x0237, Disguise::kLetter, 'j', "LATIN SMALL LETTER DOTLESS J"},
    {0x0251, Disguise::kLetter, 'a', "LATIN SMALL LETTER ALPHA"},
    {0x0261, Disguise::kLetter, 'g', "LATIN SMALL LETTER SCRIPT G"},
    {0x02B9, Disguise::kModifier, '\'', "MODIFIER LETTER PRIME"},
    {0x02BA, Disguise::kModifier, '"', "MODIFIER LETTER DOUBLE PRIME"},
    {0x02BC, Disguise::kModifier, '\'', "MODIFIER LETTER APOSTROPHE"},
    {0x02BD, Disguise::kModifier, '\'', "MODIFIER LETTER REVERSED COMMA"},
    {0x02C8, Disguise::kModifier, '\'', "MODIFIER LETTER VERTICAL LINE"},
    {0x02D0, Disguise::kMark, ':', "MODIFIER LETTER TRIANGULAR COLON"},
    {0x02D7, Disguise::kMark, '-', "MODIFIER LETTER MINUS SIGN"},
    {0x02DC, Disguise::kMark, '~', "SMALL TILDE"},
    {0x02EE, Disguise::kModifier, '"', "MODIFIER LETTER DOUBLE APOSTROPHE"},
    {0x034F, Disguise::kInvisible, 0, "COMBINING GRAPHEME JOINER"},
    {0x037E, Disguise::kMark, ';', "GREEK QUESTION MARK"},
    {0x0391, Disguise::kLetter, 'A', "GREEK CAPITAL LETTER ALPHA"},
    {0x0392, Disguise::kLetter, 'B', "GREEK CAPITAL LETTER BETA"},
    {0x0395, Disguise::kLetter, 'E', "GREEK CAPITAL LETTER EPSILON"},
    {0x0396, Disguise::kLetter, 'Z', "GREEK CAPITAL LETTER ZETA"},
    {0x0397, Disguise::kLetter, 'H', "GREEK CAPITAL LETTER ETA"},
    {0x0399, Disguise::kLetter, 'I', "GREEK CAPITAL LETTER IOTA"},
    {0x039A, Disguise::kLetter, 'K', "GREEK CAPITAL LETTER KAPPA"},
    {0x039C, Disguise::kLetter, 'M', "GREEK CAPITAL LETTER MU"},
    {0x039D, Disguise::kLetter, 'N', "GREEK CAPITAL LETTER NU"},
    {0x039F, Disguise::kLetter, 'O', "GREEK CAPITAL LETTER OMICRON"},
    {0x03A1, Disguise::kLetter, 'P', "GREEK CAPITAL LETTER RHO"},
    {0x03A4, Disguise::kLetter, 'T', "GREEK CAPITAL LETTER TAU"},
    {0x03A5, Disguise::kLetter, 'Y', "GREEK CAPITAL LETTER UPSILON"},
    {0x03A7, Disguise::kLetter, 'X', "GREEK CAPITAL LETTER CHI"},
    {0x03B1, Disguise::kLetter, 'a', "GREEK SMALL LETTER ALPHA"},
    {0x03B9, Disguise::kLetter, 'i', "GREEK SMALL LETTER IOTA"},
    {0x03BD, Disguise::kLetter, 'v', "GREEK SMALL LETTER NU"},
    {0x03BF, Disguise::kLetter, 'o', "GREEK SMALL LETTER OMICRON"},
    {0x03C1, Disguise::kLetter, 'p', "GREEK SMALL LETTER RHO"},
    {0x03C5, Disguise::kLetter, 'u', "GREEK SMALL LETTER UPSILON"},
    {0x03F2, Disguise::kLetter, 'c', "GREEK LUNATE SIGMA SYMBOL"},
    {0x03F3, Disguise::kLetter, 'j', "GREEK LETTER YOT"},
    {0x0405, Disguise::kLetter, 'S', "CYRILLIC CAPITAL LETTER DZE"},
    {0x0406, Disguise::kLetter, 'I', "CYRILLIC CAPITAL LETTER BYELORUSSIAN-UKRAINIAN I"},
    {0x0408, Disguise::kLetter, 'J', "CYRILLIC CAPITAL LETTER JE"},
    {0x0410, Disguise::kLetter, 'A', "CYRILLIC CAPITAL LETTER A"},
    {0x0412, Disguise::kLetter, 'B', "CYRILLIC CAPITAL LETTER VE"},
    {0x0415, Disguise::kLetter, 'E', "CYRILLIC CAPITAL LETTER IE"},
    {0x041A, Disguise::kLetter, 'K', "CYRILLIC CAPITAL LETTER KA"},
    {0x041C, Disguise::kLetter, 'M', "CYRILLIC CAPITAL LETTER EM"},
    {0x041D, Disguise::kLetter, 'H', "CYRILLIC CAPITAL LETTER EN"},
    {0x041E, Disguise::kLetter, 'O', "CYRILLIC CAPITAL LETTER O"},
    {0x0420, Disguise::kLetter, 'P', "CYRILLIC CAPITAL LETTER ER"},
    {0x0421, Disguise::kLetter, 'C', "CYRILLIC CAPITAL LETTER ES"},
    {0x0422, Disguise::kLetter, 'T', "CYRILLIC CAPITAL LETTER TE"},
    {0x0423, Disguise::kLetter, 'Y', "CYRILLIC CAPITAL LETTER U"},
    {0x0425, Disguise::kLetter, 'X', "CYRILLIC CAPITAL LETTER HA"},
    {0x0430, Disguise::kLetter, 'a', "CYRILLIC SMALL LETTER A"},
    {0x0435, Disguise::kLetter, 'e', "CYRILLIC SMALL LETTER IE"},
    {0x043E, Disguise::kLetter, 'o', "CYRILLIC SMALL LETTER O"},
    {0x0440, Disguise::kLetter, 'p', "CYRILLIC SMALL LETTER ER"},
    {0x0441, Disguise::kLetter, 'c', "CYRILLIC SMALL LETTER ES"},
    {0x0443, Disguise::kLetter, 'y', "CYRILLIC SMALL LETTER U"},
    {0x0445, Disguise::kLetter, 'x', "CYRILLIC SMALL LETTER HA"},
    {0x0455, Disguise::kLetter, 's', "CYRILLIC SMALL LETTER DZE"},
    {0x0456, Disguise::kLetter, 'i', "CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I"},
    {0x0458, Disguise::kLetter, 'j', "CYRILLIC SMALL LETTER JE"},
    {0x0475, Disguise::kLetter, 'v', "CYRILLIC SMALL LETTER IZHITSA"},
    {0x04BB, Disguise::kLetter, 'h', "CYRILLIC SMALL LETTER SHHA"},
    {0x04CF, Disguise::kLetter, 'l', "CYRILLIC SMALL LETTER PALOCHKA"},
    {0x0501, Disguise::kLetter, 'd', "CYRILLIC SMALL LETTER KOMI DE"},
    {0x050C, Disguise::kLetter, 'G', "CYRILLIC CAPITAL LETTER KOMI SJE"},
    {0x051B, Disguise::kLetter, 'q', "CYRILLIC SMALL LETTER QA"},
    {0x051D, Disguise::kLetter, 'w', "CYRILLIC SMALL LETTER WE"},
    {0x054D, Disguise::kLetter, 'U', "ARMENIAN CAPITAL LETTER SEH"},
    {0x0555, Disguise::kLetter, 'O', "ARMENIAN CAPITAL LETTER OH"},
    {0x055A, Disguise::kModifier, '\'', "ARMENIAN APOSTROPHE"},
    {0x0570, Disguise::kLetter, 'h', "ARMENIAN SMALL LETTER HO"},
    {0x0578, Disguise::kLetter, 'n', "ARMENIAN SMALL LETTER VO"},
    {0x057D, Disguise::kLetter, 'u', "ARMENIAN SMALL LETTER SEH"},
    {0x0581, Disguise::kLetter, 'g', "ARMENIAN SMALL LETTER CO"},
    {0x0585, Disguise::kLetter, 'o', "ARMENIAN SMALL LETTER OH"},
    {0x0589, Disguise::kMark, ':', "ARMENIAN FULL STOP"},
    {0x05F3, Disguise::kModifier, '\'', "HEBREW PUNCTUATION GERESH"},
    {0x05F4, Disguise::kModifier, '"', "HEBREW PUNCTUATION GERSHAYIM"},
    {0x061C, Disguise::kInvisible, 0, "ARABIC LETTER MARK"},
    {0x07F4, Disguise::kModifier, '\'', "NKO HIGH TONE APOSTROPHE"},
    {0x07F5, Disguise::kModifier, '\'', "NKO LOW TONE APOSTROPHE"},
    {0x115F, Disguise::kInvisible, 0, "HANGUL CHOSEONG FILLER"},
    {0x1160, Disguise::kInvisible, 0, "HANGUL JUNGSEONG FILLER"},
    {0x1680, Disguise::kSpace, ' ', "OGHAM SPACE MARK"},
    {0x17B4, Disguise::kInvisible, 0, "KHMER VOWEL INHERENT AQ"},
    {0x17B5, Disguise::kInvisible, 0, "KHMER VOWEL INHERENT AA"},
    {0x180B, Disguise::kInvisible, 0, "MONGOLIAN FREE VARIATION SELECTOR ONE"},
    {0x180C, Disguise::kInvisible, 0, "MONGOLIAN FREE VARIATION SELECTOR TWO"},
    {0x180D, Disguise::kInvisible, 0, "MONGOLIAN FREE VARIATION SELECTOR THREE"},
    {0x180E, Disguise::kInvisible, 0, "MONGOLIAN VOWEL SEPARATOR"},
    {0x1FBD, Disguise::kModifier, '\'', "GREEK KORONIS"},
    {0x1FBF, Disguise::kModifier, '\'', "GREEK PSILI"},
    {0x2000, Disguise::kSpace, ' ', "EN QUAD"},
    {0x2001, Disguise::kSpace, ' ', "EM QUAD"},
    {0x2002, Disguise::kSpace, ' ', "EN SPACE"},
    {0x2003, Disguise::kSpace, ' ', "EM SPACE"},
    {0x2004, Disguise::kSpace, ' ', "THREE-PER-EM SPACE"},
    {0x2005, Disguise::kSpace, ' ', "FOUR-PER-EM SPACE"},
    {0x2006, Disguise::kSpace, ' ', "SIX-PER-EM SPACE"},
    {0x2007, Disguise::kSpace, ' ', "FIGURE SPACE"},
    {0x2008, Disguise::kSpace, ' ', "PUNCTUATION SPACE"},
    {0x2009, Disguise::kSpace, ' ', "THIN SPACE"},
    {0x200A, Disguise::kSpace, ' ', "HAIR SPACE"},
    {0x200B, Disguise::kInvisible, 0, "ZERO WIDTH SPACE"},
    {0x200C, Disguise::kInvisible, 0, "ZERO WIDTH NON-JOINER"},
    {0x200D, Disguise::kInvisible, 0, "ZERO WIDTH JOINER"},
    {0x200E, Disguise::kInvisible, 0, "LEFT-TO-RIGHT MARK"},
    {0x200F, Disguise::kInvisible, 0, "RIGHT-TO-LEFT MARK"},
    {0x2010, Disguise::kMark, '-', "HYPHEN"},
    {0x2011, Disguise::kMark, '-', "NON-BREAKING HYPHEN"},
    {0x2012, Disguise::kMark, '-', "FIGURE DASH"},
    {0x2013, Disguise::kMark, '-', "EN DASH"},
    {0x2014, Disguise::kMark, '-', "EM DASH"},
    {0x2015, Disguise::kMark, '-', "HORIZONTAL BAR"},
    {0x2018, Disguise::kQuote, '\'', "LEFT SINGLE QUOTATION MARK"},
    {0x2019, Disguise::kQuote, '\'', "RIGHT SINGLE QUOTATION MARK"},
    {0x201A, Disguise::kMark, ',', "SINGLE LOW-9 QUOTATION MARK"},
    {0x201B, Disguise::kQuote, '\'', "SINGLE HIGH-REVERSED-9 QUOTATION MARK"},
    {0x201C, Disguise::kQuote, '"', "LEFT DOUBLE QUOTATION MARK"},
    {0x201D, Disguise::kQuote, '"', "RIGHT DOUBLE QUOTATION MARK"},
    {0x201E, Disguise::kQuote, '"', "DOUBLE LOW-9 QUOTATION MARK"},
    {0x201F, Disguise::kQuote, '"', "DOUBLE HIGH-REVERSED-9 QUOTATION MARK"},
    {0x2024, Disguise::kMark, '.', "ONE DOT LEADER"},
    {0x202A, Disguise::kInvisible, 0, "LEFT-TO-RIGHT EMBEDDING"},
    {0x202B, Disguise::kInvisible, 0, "RIGHT-TO-LEFT EMBEDDING"},
    {0x202C, Disguise::kInvisible, 0, "POP DIRECTIONAL FORMATTING"},
    {0x202D, Disguise::kInvisible, 0, "LEFT-TO-RIGHT OVERRIDE"},
    {0x202E, Disguise::kInvisible, 0, "RIGHT-TO-LEFT OVERRIDE"},
    {0x202F, Disguise::kSpace, ' ', "NARROW NO-BREAK SPACE"},
    {0x2032, Disguise::kModifier, '\'', "PRIME"},
    {0x2033, Disguise::kModifier, '"', "DOUBLE PRIME"},
    {0x2035, Disguise::kModifier, '\'', "REVERSED PRIME"},
    {0x2043, Disguise::kMark, '-', "HYPHEN BULLET"},
    {0x2044, Disguise::kMark, '/', "FRACTION SLASH"},
    {0x205F, Disguise::kSpace, ' ', "MEDIUM MATHEMATICAL SPACE"},
    {0x2060, Disguise::kInvisible, 0, "WORD JOINER"},
    {0x2061, Disguise::kInvisible, 0, "FUNCTION APPLICATION"},
    {0x2062, Disguise::kInvisible, 0, "INVISIBLE TIMES"},
    {0x2063, Disguise::kInvisible, 0, "INVISIBLE SEPARATOR"},
    {0x2064, Disguise::kInvisible, 0, "INVISIBLE PLUS"},
    {0x2066, Disguise::kInvisible, 0, "LEFT-TO-RIGHT ISOLATE"},
    {0x2067, Disguise::kInvisible, 0, "RIGHT-TO-LEFT ISOLATE"},
    {0x2068, Disguise::kInvisible, 0, "FIRST STRONG ISOLATE"},
    {0x2069, Disguise::kInvisible, 0, "POP DIRECTIONAL ISOLATE"},
    {0x206A, Disguise::kInvisible, 0, "INHIBIT SYMMETRIC SWAPPING"},
    {0x206B, Disguise::kInvisible, 0, "ACTIVATE SYMMETRIC SWAPPING"},
    {0x206C, Disguise::kInvisible, 0, "INHIBIT ARABIC FORM SHAPING"},
    {0x206D, Disguise::kInvisible, 0, "ACTIVATE ARABIC FORM SHAPING"},
    {0x206E, Disguise::kInvisible, 0, "NATIONAL DIGIT SHAPES"},
    {0x206F, Disguise::kInvisible, 0, "NOMINAL DIGIT SHAPES"},
    {0x2170, Disguise::kLetter, 'i', "SMALL ROMAN NUMERAL ONE"},
    {0x2174, Disguise::kLetter, 'v', "SMALL ROMAN NUMERAL FIVE"},
    {0x2179, Disguise::kLetter, 'x', "SMALL ROMAN NUMERAL TEN"},
    {0x217C, Disguise::kLetter, 'l', "SMALL ROMAN NUMERAL FIFTY"},
    {0x217D, Disguise::kLetter, 'c', "SMALL ROMAN NUMERAL ONE HUNDRED"},
    {0x217E, Disguise::kLetter, 'd', "SMALL ROMAN NUMERAL FIVE HUNDRED"},
    {0x217F, Disguise::kLetter, 'm', "SMALL ROMAN NUMERAL ONE THOUSAND"},
    {0x2212, Disguise::kMark, '-', "MINUS SIGN"},
    {0x2215, Disguise::kMark, '/', "DIVISION SLASH"},
    {0x2217, Disguise::kMark, '*', "ASTERISK OPERATOR"},
    {0x2236, Disguise::kMark, ':', "RATIO"},
    {0x223C, Disguise::kMark, '~', "TILDE OPERATOR"},
    {0x29F8, Disguise::kMark, '/', "BIG SOLIDUS"},
    {0x3000, Disguise::kSpace, ' ', "IDEOGRAPHIC SPACE"},
    {0x3164, Disguise::kInvisible, 0, "HANGUL FILLER"},
    {0xA789, Disguise::kMark, ':', "MODIFIER LETTER COLON"},
    {0xA78C, Disguise::kModifier, '\'', "LATIN SMALL LETTER SALTILLO"},
    {0xFE00, Disguise::kInvisible, 0, "VARIATION SELECTOR-1"},
    {0xFE01, Disguise::kInvisible, 0, "VARIATION SELECTOR-2"},
    {0xFE02, Disguise::kInvisible, 0, "VARIATION SELECTOR-3"},
    {0xFE03, Disguise::kInvisible, 0, "VARIATION SELECTOR-4"},
    {0xFE04, Disguise::kInvisible, 0, "VARIATION SELECTOR-5"},
    {0xFE05, Disguise::kInvisible, 0, "VARIATION SELECTOR-6"},
    {0xFE06, Disguise::kInvisible, 0, "VARIATION SELECTOR-7"},
    {0xFE07, Disguise::kInvisible, 0, "VARIATION SELECTOR-8"},
    {0xFE08, Disguise::kInvisible, 0, "VARIATION SELECTOR-9"},
    {0xFE09, Disguise::kInvisible, 0, "VARIATION SELECTOR-10"},
    {0xFE0A, Disguise::kInvisible, 0, "VARIATION SELECTOR-11"},
    {0xFE0B, Disguise::kInvisible, 0, "VARIATION SELECTOR-12"},
    {0xFE0C, Disguise::kInvisible, 0, "VARIATION SELECTOR-13"},
    {0xFE0D, Disguise::kInvisible, 0, "VARIATION SELECTOR-14"},
    {0xFE0E, Disguise::kInvisible, 0, "VARIATION SELECTOR-15"},
    {0xFE0F, Disguise::kInvisible, 0, "VARIATION SELECTOR-16"},
    {0xFE58, Disguise::kMark, '-', "SMALL EM DASH"},
    {0xFE63, Disguise::kMark, '-', "SMALL HYPHEN-MINUS"},
    {0xFEFF, Disguise::kInvisible, 0, "ZERO WIDTH NO-BREAK SPACE"},
    {0xFFA0, Disguise::kInvisible, 0, "HALFWIDTH HANGUL FILLER"},
    {0xFFF9, Disguise::kInvisible, 0, "INTERLINEAR ANNOTATION ANCHOR"},
    {0xFFFA, Disguise::kInvisible, 0, "INTERLINEAR ANNOTATION SEPARATOR"},
    {0xFFFB, Disguise::kInvisible, 0, "INTERLINEAR ANNOTATION TERMINATOR"},
}};
// clang-format on

const Row* row_of(uint32_t code_point) noexcept {
  const auto found =
      std::lower_bound(kRows.begin(), kRows.end(), code_point,
                       [](const Row& row, uint32_t value) { return row.code_point < value; });
  return found != kRows.end() && found->code_point == code_point ? &*found : nullptr;
}

// Mathematical alphabets: thirteen of A to Z and a to z, then five of digits.
std::optional<Confusable> mathematical(uint32_t c) noexcept {
  if (c >= 0x1D7CE && c <= 0x1D7FF) {
    return Confusable{Disguise::kLetter, static_cast<char>('0' + (c - 0x1D7CE) % 10)};
  }
  if (c > 0x1D6A3) return std::nullopt;
  const uint32_t place = (c - 0x1D400) % 52;
  return Confusable{Disguise::kLetter,
                    static_cast<char>(place < 26 ? 'A' + place : 'a' + place - 26)};
}

}  // namespace

std::optional<Confusable> confusable(uint32_t c) noexcept {
  if (c < 0xA0) return std::nullopt;
  if (const Row* row = row_of(c)) return Confusable{row->disguise, row->ascii};
  // Full width forms of ASCII.
  if (c >= 0xFF01 && c <= 0xFF5E) {
    const char ascii = static_cast<char>(c - 0xFEE0);
    const bool letter = (ascii >= 'A' && ascii <= 'Z') || (ascii >= 'a' && ascii <= 'z') ||
                        (ascii >= '0' && ascii <= '9');
    return Confusable{letter ? Disguise::kLetter : Disguise::kMark, ascii};
  }
  if (c >= 0x1D400 && c <= 0x1D7FF) return mathematical(c);
  // Tags, and the variation selectors of the supplement.
  if ((c >= 0xE0000 && c <= 0xE007F) || (c >= 0xE0100 && c <= 0xE01EF)) {
    return Confusable{Disguise::kInvisible, '\0'};
  }
  return std::nullopt;
}

std::string name_of_character(uint32_t c) {
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(c));
  std::string out = code.data();
  std::string_view name;
  if (const Row* row = row_of(c)) {
    name = row->name;
  } else if (c == ' ') {
    name = "SPACE";
  } else if (c == '\'') {
    name = "APOSTROPHE";
  } else if (c == '"') {
    name = "QUOTATION MARK";
  } else if (c == '-') {
    name = "HYPHEN-MINUS";
  } else if (c == '/') {
    name = "SOLIDUS";
  } else if (c == '.') {
    name = "FULL STOP";
  } else if (c == ',') {
    name = "COMMA";
  } else if (c == ':') {
    name = "COLON";
  } else if (c >= 0xFF01 && c <= 0xFF5E) {
    name = "FULLWIDTH FORM";
  } else if (c >= 0x1D400 && c <= 0x1D7FF) {
    name = "MATHEMATICAL ALPHANUMERIC SYMBOL";
  } else if (c >= 0xE0000 && c <= 0xE007F) {
    name = "TAG CHARACTER";
  } else if (c >= 0xE0100 && c <= 0xE01EF) {
    name = "VARIATION SELECTOR";
  } else if (c > ' ' && c < 0x7F) {
    return out + " '" + static_cast<char>(c) + "'";
  }
  if (!name.empty()) out += " " + std::string(name);
  return out;
}

CodePoint read_code_point(std::string_view text) noexcept {
  const auto byte = [text](size_t i) -> uint32_t { return static_cast<uint8_t>(text[i]); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return {0xFFFD, 1};
  uint32_t value = first & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {0xFFFD, 1};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  return {value, size};
}

}  // namespace weir::signatures
