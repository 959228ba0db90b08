#include "signatures/fingerprint/names_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/bytes.h"
#include "signatures/fingerprint/line_filter.h"
#include "signatures/fingerprint/names_common.h"
#include "signatures/fingerprint/names_definition.h"
#include "signatures/fingerprint/source_files.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kNameLabel = 0x77656972'6e616d65ULL;
constexpr uint32_t kLetters = 6;  // in words that are not everyone's, at the least
static_assert(40 * 4 + 40 <= kNameScoreMax);
static_assert(kMaxSourceBytes <= uint64_t{1} << kNameOffsetBits);

constexpr std::array<bool, 256> kNameBytes = [] {
  std::array<bool, 256> out{};
  for (size_t c = 0; c < 256; ++c) out[c] = is_name_byte(static_cast<uint8_t>(c));
  return out;
}();

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

// Words as capitals and underscores part them; 0 for what looks like encoded data.
uint32_t words(std::string_view name) noexcept {
  uint32_t count = 0;
  uint32_t digits = 0;
  uint32_t figures = 0;  // groups of digits
  uint32_t odd = 0;      // capitals with one small letter behind, as hardly any word ends
  char before = '_';
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool small = !is_upper(c) && !is_digit(c) && c != '_';
    if (small && i >= 2 && is_upper(name[i - 1]) && is_upper(name[i - 2]) &&
        (i + 1 == name.size() || is_upper(name[i + 1]) || is_digit(name[i + 1]))) {
      ++odd;
    }
    if (is_digit(c)) {
      ++digits;
      figures += is_digit(before) ? 0 : 1;
    } else if (c != '_') {
      const bool begins = before == '_' || is_digit(before) || (is_upper(c) && !is_upper(before));
      count += begins ? 1 : 0;
    }
    before = c;
  }
  // Words of one or two letters on average, many figures: base64, hashes, mangled names.
  if (odd > 1 || figures > 2 || digits * 3 > name.size() || count * 3 > name.size()) return 0;
  return count;
}

// What keeps a C header from being read twice: made from its path, in no other place.
bool is_header_guard(std::string_view name) noexcept {
  while (!name.empty() && name.back() == '_') name.remove_suffix(1);
  for (const std::string_view ending : {"_H", "_HH", "_HPP", "_HXX", "_INCLUDED"}) {
    if (name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending) {
      return true;
    }
  }
  return false;
}

}  // namespace

uint32_t name_score(std::string_view name) noexcept {
  if (name.size() < kNameMin || name.size() > kNameMax || is_digit(name.front())) return 0;
  if (words(name) < 2 || is_header_guard(name)) return 0;
  const uint32_t letters = distinctive_letters(name);
  if (letters < kLetters) return 0;
  if (std::binary_search(kCommonNames.begin(), kCommonNames.end(), name)) return 0;
  return std::min(letters, 40U) * 4 + std::min(static_cast<uint32_t>(name.size()), 40U);
}

NameReader::NameReader(const SiteKey& key) : key_(key.derive(kNameLabel)) {}

namespace {

constexpr unsigned kFirstBits = 10;

// Eight bytes a step, the last eight once more: names have no fewer.
uint64_t mix(std::string_view name) noexcept {
  static_assert(kNameMin >= 8);
  uint64_t out = name.size();
  const auto take = [&](size_t at) {
    uint64_t word;
    std::memcpy(&word, name.data() + at, 8);
    out = (out ^ word) * 0x9e3779b97f4a7c15ULL;
    out ^= out >> 32;
  };
  for (size_t at = 0; at + 8 < name.size(); at += 8) take(at);
  take(name.size() - 8);
  return out * 0xd6e8feb86659fd93ULL;
}

}  // namespace

// Its place in the table, or a free one. There always is one.
NameReader::Seen& NameReader::find(std::string_view content, size_t begin, size_t size) {
  const std::string_view name = content.substr(begin, size);
  const uint64_t mixed = mix(name);
  for (size_t at = mixed >> shift_;; at = (at + 1) & (seen_.size() - 1)) {
    Seen& here = seen_[at];
    if (here.size == 0) {
      here.mixed = mixed;
      return here;
    }
    if (here.mixed == mixed && here.size == size && content.substr(here.begin, size) == name) {
      return here;
    }
  }
}

void NameReader::grow() {
  std::vector<Seen> before(2 * seen_.size());
  before.swap(seen_);
  --shift_;
  for (const Seen& one : before) {
    if (one.size == 0) continue;
    size_t at = one.mixed >> shift_;
    while (seen_[at].size != 0) at = (at + 1) & (seen_.size() - 1);
    seen_[at] = one;
  }
}

void NameReader::read(std::string_view content, std::vector<Name>& out) {
  out.clear();
  seen_.assign(size_t{1} << kFirstBits, {});
  seen_count_ = 0;
  shift_ = 64 - kFirstBits;
  const auto in_name = [&content](size_t i) {
    return kNameBytes[static_cast<uint8_t>(content[i])];
  };
  for (size_t i = 0; i + kNameMin <= content.size();) {
    // A name of eight bytes that begins at i or later has its eighth byte here or behind.
    size_t begin = i + kNameMin;
    while (begin > i && in_name(begin - 1)) --begin;
    if (begin > i) {
      i = begin;
      continue;
    }
    size_t end = begin + kNameMin;
    while (end < content.size() && in_name(end)) ++end;
    i = end;
    if (end - begin > kNameMax) continue;
    Seen& known = find(content, begin, end - begin);
    uint32_t number = known.number;
    if (known.size == 0) {
      const std::string_view name = content.substr(begin, end - begin);
      const uint32_t score = name_score(name);
      number = score > 0 ? static_cast<uint32_t>(out.size()) : kNone;
      if (score > 0) {
        out.push_back({hash(name), score << kNameOffsetBits | static_cast<uint32_t>(begin)});
      }
      known.begin = static_cast<uint32_t>(begin);
      known.size = static_cast<uint32_t>(name.size());
      known.number = number;
      if (++seen_count_ * 2 > seen_.size()) grow();
    }
    if (number == kNone) continue;
    uint32_t& place = out[number].place;
    if ((place & kNameDefined) == 0 && is_definition(content, begin, end)) place |= kNameDefined;
  }
}

}  // namespace weir::signatures
