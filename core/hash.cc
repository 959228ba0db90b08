#include "core/hash.h"

#include <sys/random.h>

#include <bit>

#include "core/check.h"

namespace weir {
namespace {

struct SipState {
  uint64_t v0, v1, v2, v3;
  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

}  // namespace

HashKey HashKey::random() {
  HashKey key;
  WEIR_CHECK(getrandom(key.words.data(), sizeof(key.words), 0) ==
             static_cast<ssize_t>(sizeof(key.words)));
  return key;
}

uint64_t siphash(const HashKey& key, ByteSpan bytes) noexcept {
  const uint64_t k0 = key.words[0];
  const uint64_t k1 = key.words[1];
  SipState s{k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
             k1 ^ 0x7465646279746573ULL};
  const size_t whole = bytes.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) {
    uint64_t word = 0;
    for (size_t j = 8; j-- > 0;) word = word << 8 | bytes[i + j];
    s.v3 ^= word;
    s.round();
    s.round();
    s.v0 ^= word;
  }
  uint64_t last = static_cast<uint64_t>(bytes.size() & 0xff) << 56;
  for (size_t j = bytes.size(); j-- > whole;) {
    last |= static_cast<uint64_t>(bytes[j]) << (8 * (j - whole));
  }
  s.v3 ^= last;
  s.round();
  s.round();
  s.v0 ^= last;
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
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
