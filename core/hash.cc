#include "core/hash.h"

#include <sys/random.h>

#include "core/check.h"
#include "core/sip_state.h"

namespace weir {

HashKey HashKey::random() {
  HashKey key;
  WEIR_CHECK(getrandom(key.words.data(), sizeof(key.words), 0) ==
             static_cast<ssize_t>(sizeof(key.words)));
  return key;
}

uint64_t siphash(const HashKey& key, ByteSpan bytes) noexcept {
  SipState s(key);
  const size_t whole = bytes.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) {
    uint64_t word = 0;
    for (size_t j = 8; j-- > 0;) word = word << 8 | bytes[i + j];
    s.absorb(word, 2);
  }
  uint64_t last = static_cast<uint64_t>(bytes.size() & 0xff) << 56;
  for (size_t j = bytes.size(); j-- > whole;) {
    last |= static_cast<uint64_t>(bytes[j]) << (8 * (j - whole));
  }
  s.absorb(last, 2);
  return s.finish(4);
}

std::string to_hex(ByteSpan bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::string to_hex(uint64_t value) {
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
  return to_hex(ByteSpan(bytes));
}

}  // namespace weir
