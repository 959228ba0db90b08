// See rule_validators.h.
#include "signatures/rule_validators.h"

#include <algorithm>
#include <cmath>

#include "signatures/content_rules.h"
#include "signatures/wildcard.h"

namespace weir::signatures {

namespace {

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

// CRC-32 of ISO 3309 (reflected 0x04c11db7), as in zlib; tokens are short, so bit by bit.
uint32_t crc32(std::string_view bytes) noexcept {
  uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

int base62(char c) noexcept {
  if (digit(c)) return c - '0';
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  if (c >= 'a' && c <= 'z') return c - 'a' + 36;
  return -1;
}

// What people write where a secret would stand.
constexpr std::string_view kPlaceholders[] = {
    "example",  "sample", "changeme", "change_me", "change-me",  "placeholder", "dummy",
    "your_",    "your-",  "yourpass", "yourkey",   "yoursecret", "yourtoken",   "insert",
    "redacted", "xxxx",   "****",     "....",      "todo",       "${",          "$(",
    "{{",       "%(",     "#{",       "0123456",   "1234567",    "abcdefg",     "replace",
};

}  // namespace

std::optional<ByteSet> ByteSet::parse(std::string_view text) {
  if (text.empty()) return std::nullopt;
  ByteSet set;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<uint8_t>(text[i]);
    auto last = first;
    if (i + 2 < text.size() && text[i + 1] == '-') {
      last = static_cast<uint8_t>(text[i + 2]);
      i += 2;
    }
    if (last < first) return std::nullopt;
    for (size_t c = first; c <= last; ++c) set.bits_[c] = true;
  }
  return set;
}

bool ByteSet::empty() const noexcept {
  return std::none_of(bits_.begin(), bits_.end(), [](bool bit) { return bit; });
}

std::string_view ValueRegion::find(std::string_view match) const noexcept {
  std::string_view value = match;
  while (!value.empty() && trim.has(value.back())) value.remove_suffix(1);
  if (!chars.empty()) {
    size_t from = value.size();
    while (from > 0 && chars.has(value[from - 1])) --from;
    value.remove_prefix(from);
  } else if (!after.empty()) {
    size_t at = 0;
    while (at < value.size() && !after.has(value[at])) ++at;
    constexpr std::string_view kBetween = " \t\r\n\"'`=:>\\";
    while (at < value.size() &&
           (after.has(value[at]) || kBetween.find(value[at]) != std::string_view::npos)) {
      ++at;
    }
    value.remove_prefix(at);
  }
  return value.empty() ? match : value;
}

std::optional<Checksum> parse_checksum(std::string_view name) noexcept {
  if (name == "luhn") return Checksum::kLuhn;
  if (name == "github") return Checksum::kGithub;
  return std::nullopt;
}

std::optional<uint8_t> parse_character_class(std::string_view name) noexcept {
  if (name == "lower") return kLower;
  if (name == "upper") return kUpper;
  if (name == "letter") return kLetter;
  if (name == "digit") return kDigit;
  if (name == "symbol") return kSymbol;
  return std::nullopt;
}

uint8_t character_classes(std::string_view value) noexcept {
  unsigned found = 0;
  for (const char c : value) {
    if (lower(c)) {
      found |= kLower | kLetter;
    } else if (upper(c)) {
      found |= kUpper | kLetter;
    } else {
      found |= digit(c) ? kDigit : kSymbol;
    }
  }
  return static_cast<uint8_t>(found);
}

double entropy(std::string_view value) noexcept {
  if (value.empty()) return 0;
  std::array<uint32_t, 256> counts{};
  for (const char c : value) ++counts[static_cast<uint8_t>(c)];
  const auto size = static_cast<double>(value.size());
  double bits = 0;
  for (const uint32_t count : counts) {
    if (count == 0) continue;
    const double share = count / size;
    bits -= share * std::log2(share);
  }
  return bits;
}

bool luhn(std::string_view value) noexcept {
  int sum = 0;
  int digits = 0;
  for (size_t i = value.size(); i-- > 0;) {
    if (value[i] == ' ' || value[i] == '-') continue;
    if (!digit(value[i])) return false;
    int d = value[i] - '0';
    if (digits % 2 == 1) {
      d *= 2;
      if (d > 9) d -= 9;
    }
    sum += d;
    ++digits;
  }
  return digits > 1 && sum % 10 == 0;
}

bool github_checksum(std::string_view token) noexcept {
  const size_t mark = token.rfind('_');
  if (mark != std::string_view::npos) token.remove_prefix(mark + 1);
  if (token.size() <= 6) return false;
  uint64_t told = 0;
  for (const char c : token.substr(token.size() - 6)) {
    const int value = base62(c);
    if (value < 0) return false;
    told = told * 62 + static_cast<uint64_t>(value);
  }
  return told == crc32(token.substr(0, token.size() - 6));
}

bool begins_line(std::string_view before, uint32_t words, bool from_start) noexcept {
  size_t start = before.find_last_of("\r\n");
  const size_t glue = before.rfind(": ");
  if (glue != std::string_view::npos && (start == std::string_view::npos || glue > start)) {
    start = glue + 1;
  }
  if (start == std::string_view::npos && !from_start) return false;
  const std::string_view lead = start == std::string_view::npos ? before : before.substr(start + 1);
  // Signs, and the bytes of arrow, dashes and CJK brackets.
  constexpr std::string_view kLead =
      " \t0123456789#/*;%<!|>.:\"'`=_[](){}+~-\xe2\x86\x92\x80\x93\x94\xe3\x8c\x90";
  for (size_t i = 0; i < lead.size(); ++i) {
    if (kLead.find(lead[i]) != std::string_view::npos) continue;
    if (!upper(lead[i]) || words == 0) return false;
    --words;
    while (i < lead.size() && lead[i] != ' ') {
      if (!lower(lead[i]) && !upper(lead[i]) && !digit(lead[i]) && lead[i] != '.' &&
          lead[i] != '&' && lead[i] != ',' && lead[i] != '-') {
        return false;
      }
      ++i;
    }
  }
  return true;
}

bool contains_any_case(std::string_view text, std::string_view word) noexcept {
  const auto same = [](char a, char b) { return ascii_lower(a) == ascii_lower(b); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool is_placeholder(std::string_view value) noexcept {
  if (value.starts_with('<') || value.starts_with('$') || value.starts_with('%')) return true;
  for (const std::string_view word : kPlaceholders) {
    if (contains_any_case(value, word)) return true;
  }
  // Few different characters: "aaaaaaaa", "--------", "ababab".
  std::array<bool, 256> seen{};
  size_t different = 0;
  for (const char c : value) {
    bool& known = seen[static_cast<uint8_t>(c)];
    different += known ? 0 : 1;
    known = true;
  }
  return different <= 3;
}

std::optional<double> validate(const RuleValidators& validators, double score,
                               std::string_view value, std::string_view before,
                               std::string_view after) noexcept {
  if (!validators.near_words.empty()) {
    const size_t distance = validators.near_distance;
    const std::string_view left = before.substr(before.size() - std::min(before.size(), distance));
    const std::string_view right = after.substr(0, distance);
    const bool near = std::any_of(
        validators.near_words.begin(), validators.near_words.end(), [&](const std::string& word) {
          return contains_any_case(left, word) || contains_any_case(right, word);
        });
    if (!near) return std::nullopt;
  }
  if (validators.line_start &&
      !begins_line(before.substr(before.size() - std::min(before.size(), kRuleNear)),
                   *validators.line_start, before.size() < kRuleNear)) {
    return std::nullopt;
  }
  if (validators.placeholders && is_placeholder(value)) return std::nullopt;
  for (const std::string& word : validators.not_in) {
    if (contains_any_case(value, word)) return std::nullopt;
  }
  if ((character_classes(value) & validators.needs) != validators.needs) return std::nullopt;
  if (validators.entropy > 0 && entropy(value) < validators.entropy) return std::nullopt;
  bool good = true;
  if (validators.checksum == Checksum::kLuhn) good = luhn(value);
  if (validators.checksum == Checksum::kGithub) good = github_checksum(value);
  if (good) return score;
  if (validators.checksum_failed > 0) return validators.checksum_failed;
  return std::nullopt;
}

std::string mask(std::string_view value) {
  const auto shown = [](char c) { return c > ' ' && c < '\x7f' ? c : '.'; };
  std::string out;
  const size_t head = std::min<size_t>(4, value.size() / 4);
  const size_t tail = value.size() >= 16 ? 2 : 0;
  for (const char c : value.substr(0, head)) out += shown(c);
  out += "****";
  for (const char c : value.substr(value.size() - tail)) out += shown(c);
  return out;
}

}  // namespace weir::signatures
