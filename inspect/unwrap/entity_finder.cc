#include "inspect/unwrap/entity_finder.h"

#include <algorithm>
#include <cstring>

#include "inspect/unwrap/json_unescape.h"

namespace weir::inspect {
namespace {

struct Named {
  std::string_view name;
  char16_t code;
};

// What escaping functions write, and the punctuation of code. A blank that does not break is a
// blank: editors of rich text put it in indentation.
constexpr Named kNamed[] = {
    {"lt", '<'},       {"gt", '>'},       {"amp", '&'},       {"quot", '"'},     {"apos", '\''},
    {"nbsp", ' '},     {"LT", '<'},       {"GT", '>'},        {"AMP", '&'},      {"QUOT", '"'},
    {"lbrace", '{'},   {"lcub", '{'},     {"rbrace", '}'},    {"rcub", '}'},     {"lbrack", '['},
    {"lsqb", '['},     {"rbrack", ']'},   {"rsqb", ']'},      {"lpar", '('},     {"rpar", ')'},
    {"semi", ';'},     {"colon", ':'},    {"comma", ','},     {"period", '.'},   {"sol", '/'},
    {"bsol", '\\'},    {"equals", '='},   {"plus", '+'},      {"minus", '-'},    {"ast", '*'},
    {"percnt", '%'},   {"num", '#'},      {"dollar", '$'},    {"commat", '@'},   {"excl", '!'},
    {"quest", '?'},    {"lowbar", '_'},   {"verbar", '|'},    {"vert", '|'},     {"Hat", '^'},
    {"grave", '`'},    {"Tab", '\t'},     {"NewLine", '\n'},  {"ensp", ' '},     {"emsp", ' '},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"lsquo", 0x2018}, {"rsquo", 0x2019},
    {"ldquo", 0x201C}, {"rdquo", 0x201D}, {"copy", 0xA9},
};

bool is_reference_byte(uint8_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

uint32_t resolve_reference(std::string_view name) noexcept {
  if (name.size() < 2) return 0;
  if (name[0] != '#') {
    const auto* const found = std::find_if(std::begin(kNamed), std::end(kNamed),
                                           [&](const Named& one) { return one.name == name; });
    return found == std::end(kNamed) ? 0 : found->code;
  }
  const bool hex = name[1] == 'x' || name[1] == 'X';
  const std::string_view digits = name.substr(hex ? 2 : 1);
  if (digits.empty() || digits.size() > 8) return 0;
  uint32_t code = 0;
  for (const char c : digits) {
    const uint8_t value = hex_value(static_cast<uint8_t>(c));
    if (value >= (hex ? 16 : 10)) return 0;
    code = code * (hex ? 16 : 10) + value;
  }
  const bool valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF) &&
                     (code >= 0x20 || code == '\t' || code == '\n' || code == '\r');
  if (!valid) return 0;
  return code == 0xA0 ? ' ' : code;
}

void EntityFinder::reset() noexcept {
  copy_.clear();
  line_size_ = reference_size_ = since_ = 0;
  line_cut_ = copying_ = full_ = false;
}

void EntityFinder::empty_copy() noexcept {
  copy_.clear();
  full_ = false;
}

size_t EntityFinder::take(ByteSpan text) noexcept {
  size_t i = 0;
  while (i < text.size() && !full_) {
    if (reference_size_ == 0) {
      const ByteSpan rest = text.subspan(i);
      const void* const found = std::memchr(rest.data(), '&', rest.size());
      const size_t count =
          found == nullptr ? rest.size()
                           : static_cast<size_t>(static_cast<const uint8_t*>(found) - rest.data());
      i += plain(rest.first(count));
      if (found == nullptr || full_) continue;
      reference_[reference_size_++] = '&';
      ++i;
      continue;
    }
    const uint8_t c = text[i];
    if (reference_size_ < reference_.size() &&
        (is_reference_byte(c) || (c == '#' && reference_size_ == 1))) {
      reference_[reference_size_++] = c;
      ++i;
      continue;
    }
    if (c == ';') {
      const uint32_t code =
          resolve_reference(as_chars(ByteSpan(reference_).subspan(1, reference_size_ - 1)));
      if (code != 0) {
        ++i;
        reference_size_ = 0;
        resolved(code);
        continue;
      }
    }
    finish();
  }
  return i;
}

void EntityFinder::finish() noexcept {
  // A few bytes over what the copy is to hold do no harm.
  const size_t size = reference_size_;
  reference_size_ = 0;
  for (size_t taken = 0; taken < size;) {
    taken += plain(ByteSpan(reference_).subspan(taken, size - taken));
    if (full_ && taken < size) {
      copy_.insert(copy_.end(), reference_.begin() + static_cast<ptrdiff_t>(taken),
                   reference_.begin() + static_cast<ptrdiff_t>(size));
      return;
    }
  }
}

void EntityFinder::resolved(uint32_t code) noexcept {
  if (!copying_) {
    copying_ = true;
    if (copy_.capacity() == 0) copy_.reserve(kCopyBytes + kLineBytes + 32);
    if (!copy_.empty() && copy_.back() != '\n') copy_.push_back('\n');
    // Of a longer line the start is of no use without what follows it.
    if (!line_cut_) {
      copy_.insert(copy_.end(), line_.begin(), line_.begin() + static_cast<ptrdiff_t>(line_size_));
    }
    line_size_ = 0;
    line_cut_ = false;
  }
  since_ = 0;
  uint8_t utf8[4];
  const size_t count = put_utf8(code, utf8);
  copy_.insert(copy_.end(), utf8, utf8 + count);
  full_ = copy_.size() >= kCopyBytes;
}

// Returns how much was taken: all unless the copy becomes full.
size_t EntityFinder::plain(ByteSpan text) noexcept {
  size_t i = 0;
  while (i < text.size()) {
    if (!copying_) {
      keep_line(text.subspan(i));
      return text.size();
    }
    if (copy_.size() >= kCopyBytes) {
      full_ = true;
      return i;
    }
    const size_t room = kCopyBytes - copy_.size();
    const ByteSpan rest = text.subspan(i, std::min(text.size() - i, room));
    if (since_ < kQuiet) {
      const size_t count = std::min(rest.size(), kQuiet - since_);
      copy_.insert(copy_.end(), rest.begin(), rest.begin() + static_cast<ptrdiff_t>(count));
      since_ += count;
      i += count;
    } else {
      const auto end = std::find(rest.begin(), rest.end(), uint8_t{'\n'});
      const size_t count =
          static_cast<size_t>(end - rest.begin()) + static_cast<size_t>(end != rest.end());
      copy_.insert(copy_.end(), rest.begin(), rest.begin() + static_cast<ptrdiff_t>(count));
      i += count;
      copying_ = end == rest.end();
    }
  }
  full_ = copying_ && copy_.size() >= kCopyBytes;
  return i;
}

void EntityFinder::keep_line(ByteSpan text) noexcept {
  const std::string_view chars = as_chars(text);
  const size_t end = chars.rfind('\n');
  if (end != std::string_view::npos) {
    line_size_ = 0;
    line_cut_ = false;
    text = text.subspan(end + 1);
  }
  const size_t count = std::min(text.size(), line_.size() - line_size_);
  std::copy_n(text.begin(), count, line_.begin() + static_cast<ptrdiff_t>(line_size_));
  line_size_ += count;
  line_cut_ = line_cut_ || count < text.size();
}

}  // namespace weir::inspect
