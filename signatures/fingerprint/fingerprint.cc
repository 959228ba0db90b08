#include "signatures/fingerprint/fingerprint.h"

#include <algorithm>

namespace weir::signatures {
namespace {

constexpr uint64_t kHashLabel = 0x77656972'68617368ULL;

}  // namespace

Fingerprinter::Fingerprinter(const SiteKey& key) noexcept {
  for (size_t i = 0; i < 5; ++i) {
    const HashKey part = key.derive(kHashLabel + i);
    secrets_[2 * i] = part.words[0];
    secrets_[2 * i + 1] = part.words[1];
  }
  anchor_multiplier_ = key.derive(kHashLabel + 5).words[0] | 1;
}

void Fingerprinter::anchors(ByteSpan bytes, size_t from, std::vector<uint32_t>& out,
                            uint32_t bits) const {
  if (bytes.size() < kWindow || from > bytes.size() - kWindow) return;
  const size_t last = bytes.size() - kWindow;
  size_t count = out.size();
  // In steps, so that the room asked for stays near what is used.
  constexpr size_t kStep = 4096;
  for (size_t begin = from; begin <= last; begin += kStep) {
    const size_t end = std::min(begin + kStep, last + 1);
    out.resize(count + (end - begin));
    uint32_t* to = out.data();
    for (size_t i = begin; i < end; ++i) {
      to[count] = static_cast<uint32_t>(i);
      count += is_anchor(bytes.data() + i, bits) ? 1 : 0;
    }
  }
  out.resize(count);
}

uint64_t Fingerprinter::line(ByteSpan s) const noexcept {
  uint64_t h = secrets_[7] ^ s.size();
  const uint8_t* at = s.data();
  size_t left = s.size();
  while (left > 16) {
    h = fold(load(at) ^ secrets_[0], load(at + 8) ^ secrets_[1] ^ h);
    at += 16;
    left -= 16;
  }
  uint64_t low = 0;
  uint64_t high = 0;
  if (left > 8) {
    low = load(at);
    high = load(at + left - 8);
  } else if (left > 0) {
    std::memcpy(&low, at, left);
  }
  h = fold(low ^ secrets_[2], high ^ secrets_[3] ^ h);
  return fold(h ^ secrets_[5], secrets_[6]);
}

bool low_in_entropy(ByteSpan s) noexcept {
  std::array<uint64_t, 4> seen{};
  size_t letters = 0;
  // Both can only rise: most text is cleared by its first bytes.
  for (size_t at = 0; at < s.size(); at += 8) {
    for (const uint8_t c : s.subspan(at, std::min<size_t>(8, s.size() - at))) {
      seen[c >> 6] |= uint64_t{1} << (c & 63);
      // Not those of hexadecimal tables.
      letters += (c > 'f' && c <= 'z' && c != 'x') || c >= 0x80 ? 1 : 0;
    }
    size_t different = 0;
    for (const uint64_t word : seen) different += static_cast<size_t>(__builtin_popcountll(word));
    if (different >= 7 && letters >= 3) return false;
  }
  return true;
}

}  // namespace weir::signatures
