#include "inspect/detect/hit_order.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

namespace weir::inspect {
namespace {

struct Place {
  uint64_t key = 0;  // file, text line
  uint32_t hit = 0;
};

constexpr unsigned kDigitBits = 11;
constexpr size_t kDigits = 6;  // of 64 bits
constexpr uint64_t kDigitMask = (uint64_t{1} << kDigitBits) - 1;

// By key, digit by digit from the last one; digits that are the same in all are passed over.
void sort_by_key(std::vector<Place>& places) {
  static thread_local std::vector<Place> other;
  static thread_local std::array<std::array<uint32_t, kDigitMask + 1>, kDigits> counts;
  uint64_t all = ~uint64_t{0};
  uint64_t any = 0;
  for (const Place& place : places) {
    all &= place.key;
    any |= place.key;
  }
  const uint64_t differ = all ^ any;
  other.resize(places.size());
  for (size_t digit = 0; digit < kDigits; ++digit) {
    const unsigned shift = static_cast<unsigned>(digit) * kDigitBits;
    if ((differ >> shift & kDigitMask) == 0) continue;
    auto& begin = counts[digit];
    begin.fill(0);
    for (const Place& place : places) ++begin[place.key >> shift & kDigitMask];
    uint32_t sum = 0;
    for (uint32_t& count : begin) sum += std::exchange(count, sum);
    for (const Place& place : places) other[begin[place.key >> shift & kDigitMask]++] = place;
    places.swap(other);
  }
}

// Of one text line in one file: whole lines first, for their excerpt; the rest makes the order a
// total one.
bool before(const CodeHit& a, const CodeHit& b) noexcept {
  return std::tie(a.global_line, a.kind, a.id, a.head) <
         std::tie(b.global_line, b.kind, b.id, b.head);
}

}  // namespace

std::vector<HitsOfFile> order_hits(const signatures::IndexProbe& index,
                                   std::vector<CodeHit>& hits) {
  static thread_local std::vector<Place> places;
  static thread_local std::vector<CodeHit> ordered;
  places.clear();
  // Hits that follow one another are often of one file.
  uint32_t file = 0;
  std::optional<signatures::IndexedFile> about;
  for (uint32_t i = 0; i < hits.size(); ++i) {
    const uint32_t line = hits[i].global_line;
    if (!about || line < about->first_line || line - about->first_line >= about->lines) {
      const auto found = index.file_of(line);
      about = found ? index.file(*found) : std::nullopt;
      if (!about) continue;
      file = *found;
    }
    places.push_back({uint64_t{file} << 32 | hits[i].text_line, i});
  }
  sort_by_key(places);
  ordered.clear();
  ordered.reserve(places.size());
  std::vector<HitsOfFile> out;
  for (size_t i = 0; i < places.size();) {
    const uint64_t key = places[i].key;
    const size_t first = i;
    for (; i < places.size() && places[i].key == key; ++i) ordered.push_back(hits[places[i].hit]);
    std::sort(ordered.begin() + static_cast<std::ptrdiff_t>(first), ordered.end(), before);
    const auto of = static_cast<uint32_t>(key >> 32);
    if (out.empty() || out.back().file != of) out.push_back({of, first, first});
    out.back().end = i;
  }
  hits.assign(ordered.begin(), ordered.end());
  return out;
}

}  // namespace weir::inspect
