#include "inspect/decrypt/idea.h"

#include <algorithm>

#include "inspect/decrypt/secret.h"

namespace weir::inspect {
namespace {

// Modulo 2^16 + 1, where 0 stands for 2^16.
uint16_t multiply(uint16_t a, uint16_t b) noexcept {
  const uint64_t x = a == 0 ? 0x10000 : a;
  const uint64_t y = b == 0 ? 0x10000 : b;
  return static_cast<uint16_t>(x * y % 0x10001);
}

// x to the power of 2^16 - 1: the modulus is prime.
uint16_t inverse(uint16_t x) noexcept {
  uint16_t out = 1;
  for (int bit = 0; bit < 16; ++bit) {
    out = multiply(out, x);
    x = multiply(x, x);
  }
  return out;
}

uint16_t sum(int a, int b) noexcept { return static_cast<uint16_t>(a + b); }

}  // namespace

IdeaDecryptor::~IdeaDecryptor() { wipe_memory(keys_.data(), sizeof(keys_)); }

void IdeaDecryptor::set_key(ByteSpan key) noexcept {
  // Of encryption: the key in pieces of 16 bits, rotated left by 25 bits after every eight.
  std::array<uint16_t, 6 * kRounds + 4> forward{};
  for (size_t i = 0; i < forward.size(); ++i) {
    const size_t bit = (i % 8 * 16 + i / 8 * 25) % 128;
    const size_t byte = bit / 8;
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k) three = three << 8 | key[(byte + k) % kKeyBytes];
    forward[i] = static_cast<uint16_t>(three >> (8 - bit % 8));
  }
  // The rounds backwards. Inner ones have the two middle words exchanged.
  for (size_t round = 0; round <= kRounds; ++round) {
    const size_t from = 6 * (kRounds - round);
    const bool outer = round == 0 || round == kRounds;
    const size_t to = 6 * round;
    keys_[to] = inverse(forward[from]);
    keys_[to + 1] = sum(0, -forward[from + (outer ? 1 : 2)]);
    keys_[to + 2] = sum(0, -forward[from + (outer ? 2 : 1)]);
    keys_[to + 3] = inverse(forward[from + 3]);
    if (round == kRounds) break;
    keys_[to + 4] = forward[from - 2];
    keys_[to + 5] = forward[from - 1];
  }
  wipe_memory(forward.data(), sizeof(forward));
}

void IdeaDecryptor::decrypt_cbc(ByteSpan iv, ByteSpan sealed, uint8_t* out) const noexcept {
  std::array<uint8_t, kBlockBytes> before{};
  std::copy_n(iv.begin(), kBlockBytes, before.begin());
  for (size_t at = 0; at + kBlockBytes <= sealed.size(); at += kBlockBytes) {
    std::array<uint8_t, kBlockBytes> block{};
    std::copy_n(sealed.begin() + static_cast<ptrdiff_t>(at), kBlockBytes, block.begin());
    std::array<uint16_t, 4> x{};
    for (size_t i = 0; i < 4; ++i) x[i] = sum(block[2 * i] << 8, block[2 * i + 1]);
    for (size_t round = 0; round < kRounds; ++round) {
      const uint16_t* k = &keys_[6 * round];
      x = {multiply(x[0], k[0]), sum(x[1], k[1]), sum(x[2], k[2]), multiply(x[3], k[3])};
      const uint16_t p = multiply(static_cast<uint16_t>(x[0] ^ x[2]), k[4]);
      const uint16_t q = multiply(sum(p, x[1] ^ x[3]), k[5]);
      const uint16_t r = sum(p, q);
      x = {static_cast<uint16_t>(x[0] ^ q), static_cast<uint16_t>(x[2] ^ q),
           static_cast<uint16_t>(x[1] ^ r), static_cast<uint16_t>(x[3] ^ r)};
    }
    const uint16_t* k = &keys_[6 * kRounds];
    x = {multiply(x[0], k[0]), sum(x[2], k[1]), sum(x[1], k[2]), multiply(x[3], k[3])};
    for (size_t i = 0; i < kBlockBytes; ++i) {
      const auto byte = static_cast<uint8_t>(x[i / 2] >> (i % 2 == 0 ? 8 : 0));
      out[at + i] = static_cast<uint8_t>(byte ^ before[i]);
    }
    before = block;
  }
}

}  // namespace weir::inspect
