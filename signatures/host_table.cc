// See host_table.h.
#include "signatures/host_table.h"

#include <algorithm>
#include <bit>

#include "core/hash.h"
#include "signatures/wildcard.h"

namespace weir::signatures {

namespace {

// FNV-1a, read from the end of the name. The table is fixed and its probes compare names, so a host
// that an attacker chooses cannot make a lookup slow.
constexpr uint64_t kHashStart = 0xcbf29ce484222325ULL;
constexpr uint64_t hash_step(uint64_t hash, char c) noexcept {
  return (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3ULL;
}

uint64_t hash_of(std::string_view name) noexcept {
  uint64_t hash = kHashStart;
  for (size_t i = name.size(); i-- > 0;) hash = hash_step(hash, name[i]);
  return hash;
}

bool is_suffix_pattern(std::string_view pattern) noexcept {
  return pattern.starts_with("*.") && pattern.find('*', 1) == std::string_view::npos;
}

// The part under which a pattern is kept: all of it, or what follows its last label with a `*`.
std::string_view tail_of(std::string_view pattern) noexcept {
  const size_t star = pattern.rfind('*');
  if (star == std::string_view::npos) return pattern;
  return pattern.substr(pattern.find('.', star) + 1);
}

}  // namespace

bool HostTable::add(std::string_view pattern, uint32_t value) {
  for (Pattern& known : patterns_) {
    if (known.text == pattern) {
      known.value = value;
      return true;
    }
  }
  patterns_.push_back({std::string(pattern), value});
  return false;
}

int64_t HostTable::value_of(std::string_view pattern) const noexcept {
  for (const Pattern& known : patterns_) {
    if (known.text == pattern) return known.value;
  }
  return -1;
}

HostTable::Slot& HostTable::slot_of(std::string_view tail) {
  const uint64_t hash = hash_of(tail);
  size_t at = mix64(hash) & (slots_.size() - 1);
  while (!slots_[at].name.empty() && slots_[at].name != tail) at = (at + 1) & (slots_.size() - 1);
  slots_[at].name = tail;
  slots_[at].hash = hash;
  return slots_[at];
}

void HostTable::build() {
  slots_.assign(std::bit_ceil(patterns_.size() * 2 + 2), Slot{});
  globs_.clear();
  any_ = -1;
  std::vector<uint32_t> with_star;
  for (uint32_t i = 0; i < patterns_.size(); ++i) {
    const Pattern& pattern = patterns_[i];
    if (pattern.text == "*") {
      any_ = pattern.value;
    } else if (is_suffix_pattern(pattern.text)) {
      slot_of(tail_of(pattern.text)).suffix = pattern.value;
    } else if (pattern.text.find('*') != std::string::npos) {
      ++slot_of(tail_of(pattern.text)).globs;
      with_star.push_back(i);
    } else {
      slot_of(pattern.text).exact = pattern.value;
    }
  }
  uint32_t next = 0;
  for (Slot& slot : slots_) {
    slot.first_glob = next;
    next += slot.globs;
    slot.globs = 0;
  }
  globs_.resize(next);
  for (const uint32_t i : with_star) {
    Slot& slot = slot_of(tail_of(patterns_[i].text));
    globs_[slot.first_glob + slot.globs++] = {
        i, static_cast<uint32_t>(literal_length(patterns_[i].text))};
  }
  for (const Slot& slot : slots_) {
    const auto first = globs_.begin() + slot.first_glob;
    std::stable_sort(first, first + slot.globs,
                     [](const Glob& a, const Glob& b) { return a.literals > b.literals; });
  }
}

const HostTable::Slot* HostTable::find(std::string_view tail, uint64_t hash) const noexcept {
  for (size_t at = mix64(hash) & (slots_.size() - 1); !slots_[at].name.empty();
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].hash == hash && slots_[at].name == tail) return &slots_[at];
  }
  return nullptr;
}

void HostTable::add_globs(const Slot& slot, std::string_view host, Hits& hits) const noexcept {
  // Patterns under a longer tail come later but say more: they go in front.
  size_t found = 0;
  std::array<uint32_t, kMaxHits> values{};
  for (uint32_t i = 0; i < slot.globs && found < kMaxHits; ++i) {
    const Pattern& pattern = patterns_[globs_[slot.first_glob + i].pattern];
    if (host_matches(pattern.text, host)) values[found++] = pattern.value;
  }
  if (found == 0) return;
  const size_t kept = std::min(hits.globs, kMaxHits - found);
  std::copy_backward(hits.glob.begin(), hits.glob.begin() + static_cast<ptrdiff_t>(kept),
                     hits.glob.begin() + static_cast<ptrdiff_t>(kept + found));
  std::copy_n(values.begin(), found, hits.glob.begin());
  hits.globs = kept + found;
}

void HostTable::collect(std::string_view host, Hits& hits) const noexcept {
  if (slots_.empty()) return;
  uint64_t hash = kHashStart;
  for (size_t i = host.size(); i-- > 0;) {
    hash = hash_step(hash, host[i]);
    if (i > 0 && host[i - 1] != '.') continue;
    const Slot* slot = find(host.substr(i), hash);
    if (slot == nullptr) continue;
    if (i == 0) hits.exact = slot->exact;
    if (slot->suffix >= 0 && hits.suffixes < kMaxHits) {
      hits.suffix[hits.suffixes++] = static_cast<uint32_t>(slot->suffix);
    }
    if (slot->globs > 0) add_globs(*slot, host, hits);
  }
}

}  // namespace weir::signatures
