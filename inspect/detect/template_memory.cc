// See template_memory.h.
#include "inspect/detect/template_memory.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace weir::inspect {

namespace {

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

int places_of(uint64_t sights) noexcept { return std::popcount(sights); }

size_t power_of_two(size_t least) noexcept {
  size_t size = 1;
  while (size < least) size *= 2;
  return size;
}

}  // namespace

TemplateMemory::TemplateMemory(size_t lines) {
  // The key is fixed, so that a replay repeats itself; a flood of made-up lines only makes others
  // be forgotten.
  hash_key_.words = {0x7765697220746d70ULL, 0x6c61746520686173ULL};
  if (lines == 0) return;
  buckets_ = power_of_two((lines + kWays - 1) / kWays);
  lines_.resize(buckets_ * kWays);
  quiet_ = std::vector<std::atomic<uint64_t>>(power_of_two(lines * 2));
}

uint64_t TemplateMemory::sight_id(const TemplateSight& sight) const noexcept {
  uint64_t id = siphash(hash_key_, as_bytes(sight.version));
  id = mix64(id ^ siphash(hash_key_, as_bytes(sight.place)));
  id = mix64(id ^ siphash(hash_key_, as_bytes(sight.host)));
  return mix64(id ^ siphash(hash_key_, ByteSpan(sight.client.bytes)));
}

uint64_t TemplateMemory::line_id(const TemplateSight& /*sight*/, uint64_t sight_hash,
                                 std::string_view line) const noexcept {
  return mix64(sight_hash ^ siphash(hash_key_, as_bytes(line))) | 1;
}

TemplateObservation TemplateMemory::observe(const TemplateSight& sight, std::string_view reading,
                                            std::string_view writing,
                                            const TemplateCounters& counters) {
  if (buckets_ == 0) return {};
  uint64_t key = siphash(hash_key_, as_bytes(sight.version));
  key = mix64(key ^ siphash(hash_key_, as_bytes(sight.place)));
  key = mix64(key ^ siphash(hash_key_, as_bytes(reading))) | 1;
  const uint64_t hash = siphash(hash_key_, as_bytes(writing));
  const size_t bucket = key & (buckets_ - 1);
  const std::lock_guard lock(mutexes_[bucket % kShards]);
  const uint64_t now = ++clocks_[bucket % kShards];
  Line* const ways = &lines_[bucket * kWays];
  Line* line = std::find_if(ways, ways + kWays, [key](const Line& l) { return l.key == key; });
  if (line == ways + kWays) {
    line = std::min_element(ways, ways + kWays,
                            [](const Line& a, const Line& b) { return a.used < b.used; });
    if (line->key != 0) counters.replaced.add();
    line->key = key;
    line->writings.clear();
    counters.kept.add();
  }
  line->used = now;
  auto& writings = line->writings;
  auto own = std::find_if(writings.begin(), writings.end(),
                          [hash](const Writing& w) { return w.hash == hash; });
  const bool fresh = own == writings.end();
  if (fresh) {
    if (writings.size() == kWritings) {
      // The plain one stays where places are equal: made-up writings do not push it out.
      writings.erase(std::min_element(writings.begin(), writings.end(),
                                      [](const Writing& a, const Writing& b) {
                                        return std::pair(places_of(a.sights), a.ascii) <
                                               std::pair(places_of(b.sights), b.ascii);
                                      }));
      counters.writings_replaced.add();
    }
    Writing made;
    made.hash = hash;
    made.ascii = is_ascii(writing);
    made.text = writing.substr(0, kMaxText);
    made.host = sight.host.substr(0, 128);
    made.client = sight.client;
    writings.push_back(std::move(made));
    own = std::prev(writings.end());
  }
  own->sights |= uint64_t{1} << (sight_id(sight) & 63U);
  TemplateObservation out;
  if (writings.size() < 2) return out;
  out.crowded = writings.size() == kWritings;
  // The one to compare with: the plainest, then the one seen most.
  const Writing* other = nullptr;
  for (const Writing& w : writings) {
    if (&w == &*own) continue;
    if (other == nullptr || std::pair(w.ascii, places_of(w.sights)) >
                                std::pair(other->ascii, places_of(other->sights))) {
      other = &w;
    }
  }
  const bool odd =
      (!own->ascii && other->ascii) ||
      (own->ascii == other->ascii && places_of(own->sights) < places_of(other->sights));
  if (odd || (fresh && writings.size() == 2)) {
    out.drift = TemplateDrift{other->text, other->host, other->client != sight.client};
  }
  return out;
}

}  // namespace weir::inspect
