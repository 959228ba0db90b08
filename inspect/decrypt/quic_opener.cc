#include "inspect/decrypt/quic_opener.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string_view>

#include "inspect/identify/quic_header.h"

namespace weir::inspect {
namespace {

constexpr size_t kPnRoom = 4;  // the sample begins this far behind the packet number

EVP_CIPHER_CTX* as_context(void* context) noexcept { return static_cast<EVP_CIPHER_CTX*>(context); }

struct Ciphers {
  EVP_CIPHER* gcm128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  EVP_CIPHER* gcm256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  EVP_CIPHER* poly = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  EVP_CIPHER* ecb128 = EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr);
  EVP_CIPHER* ecb256 = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  EVP_CIPHER* chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr);
};

// Fetched once a process, as each look-up by name costs more than a packet.
const Ciphers& ciphers() noexcept {
  static const Ciphers found;
  return found;
}

constexpr uint16_t kAes128Suite = 0x1301;
constexpr uint16_t kAes256Suite = 0x1302;
constexpr uint16_t kChaChaSuite = 0x1303;

}  // namespace

bool derive_quic_keys(const TlsSuite& suite, bool v2, ByteSpan secret, QuicKeys& out) noexcept {
  const size_t size = suite.bulk->key_bytes;
  const auto expand = [&](std::string_view v1_label, std::string_view v2_label,
                          std::span<uint8_t> to) {
    return hkdf_expand_label(suite.prf, secret, v2 ? v2_label : v1_label, {}, to);
  };
  return expand("quic key", "quicv2 key", std::span(out.key).first(size)) &&
         expand("quic iv", "quicv2 iv", out.iv) &&
         expand("quic hp", "quicv2 hp", std::span(out.hp).first(size));
}

QuicKeys to_quic_keys(const QuicInitialKeys& keys) noexcept {
  QuicKeys out;
  std::copy(keys.key.begin(), keys.key.end(), out.key.begin());
  std::copy(keys.iv.begin(), keys.iv.end(), out.iv.begin());
  std::copy(keys.hp.begin(), keys.hp.end(), out.hp.begin());
  return out;
}

bool update_quic_secret(const TlsSuite& suite, bool v2, Secret& secret) noexcept {
  std::array<uint8_t, kMaxHashBytes> next{};
  const std::span<uint8_t> out = std::span(next).first(hash_bytes(suite.prf));
  const bool good =
      hkdf_expand_label(suite.prf, secret.bytes(), v2 ? "quicv2 ku" : "quic ku", {}, out);
  if (good) secret.assign(out);
  wipe_memory(next.data(), next.size());
  return good;
}

QuicMask::~QuicMask() { EVP_CIPHER_CTX_free(as_context(context_)); }

bool QuicMask::begin(const TlsSuite& suite, const QuicKeys& keys) noexcept {
  const Ciphers& c = ciphers();
  const EVP_CIPHER* cipher = suite.id == kAes128Suite   ? c.ecb128
                             : suite.id == kAes256Suite ? c.ecb256
                             : suite.id == kChaChaSuite ? c.chacha
                                                        : nullptr;
  ready_ = false;
  if (cipher == nullptr) return false;
  chacha_ = suite.id == kChaChaSuite;
  if (context_ == nullptr) context_ = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* ctx = as_context(context_);
  EVP_CIPHER_CTX_reset(ctx);
  constexpr std::array<uint8_t, 16> kNoIv{};
  ready_ = EVP_EncryptInit_ex2(ctx, cipher, keys.hp.data(), chacha_ ? kNoIv.data() : nullptr,
                               nullptr) == 1 &&
           EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
  return ready_;
}

std::optional<QuicUnmasked> QuicMask::unmask(ByteSpan packet, size_t pn_offset) noexcept {
  if (!ready_ || packet.size() > kMaxQuicPacket || packet.size() < kPnRoom + kQuicSampleBytes ||
      pn_offset > packet.size() - kPnRoom - kQuicSampleBytes) {
    return std::nullopt;
  }
  const uint8_t* sample = packet.data() + pn_offset + kPnRoom;
  EVP_CIPHER_CTX* ctx = as_context(context_);
  std::array<uint8_t, 32> mask{};
  int size = 0;
  if (chacha_) {
    // The sample is the block counter, little-endian, and the nonce: OpenSSL's IV.
    constexpr std::array<uint8_t, 5> kZeros{};
    if (EVP_EncryptInit_ex2(ctx, nullptr, nullptr, sample, nullptr) != 1 ||
        EVP_EncryptUpdate(ctx, mask.data(), &size, kZeros.data(), 5) != 1) {
      return std::nullopt;
    }
  } else if (EVP_EncryptUpdate(ctx, mask.data(), &size, sample,
                               static_cast<int>(kQuicSampleBytes)) != 1) {
    return std::nullopt;
  }
  QuicUnmasked out;
  const bool long_header = (packet[0] & 0x80) != 0;
  out.first = static_cast<uint8_t>(packet[0] ^ (mask[0] & (long_header ? 0x0f : 0x1f)));
  out.pn_bytes = static_cast<uint8_t>((out.first & 3) + 1);
  for (size_t i = 0; i < out.pn_bytes; ++i) {
    out.truncated_pn = out.truncated_pn << 8 | (packet[pn_offset + i] ^ mask[1 + i]);
  }
  return out;
}

QuicAead::~QuicAead() { EVP_CIPHER_CTX_free(as_context(context_)); }

bool QuicAead::begin(const TlsSuite& suite, const QuicKeys& keys) noexcept {
  const Ciphers& c = ciphers();
  const EVP_CIPHER* cipher = suite.id == kAes128Suite   ? c.gcm128
                             : suite.id == kAes256Suite ? c.gcm256
                             : suite.id == kChaChaSuite ? c.poly
                                                        : nullptr;
  ready_ = false;
  if (cipher == nullptr) return false;
  if (context_ == nullptr) context_ = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* ctx = as_context(context_);
  EVP_CIPHER_CTX_reset(ctx);
  iv_ = keys.iv;
  ready_ = EVP_DecryptInit_ex2(ctx, cipher, keys.key.data(), nullptr, nullptr) == 1;
  return ready_;
}

std::optional<ByteSpan> QuicAead::open(ByteSpan packet, size_t pn_offset,
                                       const QuicUnmasked& unmasked, uint64_t pn,
                                       uint8_t* out) noexcept {
  const size_t header = pn_offset + unmasked.pn_bytes;
  if (!ready_ || packet.size() < header + kQuicTagBytes) return std::nullopt;
  const ByteSpan sealed = packet.subspan(header, packet.size() - header - kQuicTagBytes);
  std::array<uint8_t, 12> nonce = iv_;
  for (size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<uint8_t>(pn >> (8 * (7 - i)));
  // Of the associated data only the first byte and the packet number differ from what was sent.
  std::array<uint8_t, 4> number{};
  for (size_t i = 0; i < unmasked.pn_bytes; ++i) {
    number[i] = static_cast<uint8_t>(unmasked.truncated_pn >> (8 * (unmasked.pn_bytes - 1U - i)));
  }
  std::array<uint8_t, kQuicTagBytes> tag;
  std::copy_n(packet.end() - static_cast<ptrdiff_t>(kQuicTagBytes), kQuicTagBytes, tag.begin());
  EVP_CIPHER_CTX* ctx = as_context(context_);
  int done = 0;
  // Short headers, the hot path, fit into one buffer and one update.
  std::array<uint8_t, 1 + kMaxQuicId + 4> joined;
  const auto add_header = [&]() noexcept {
    if (header <= joined.size()) {
      joined[0] = unmasked.first;
      std::copy_n(packet.begin() + 1, pn_offset - 1, joined.begin() + 1);
      std::copy_n(number.begin(), unmasked.pn_bytes,
                  joined.begin() + static_cast<ptrdiff_t>(pn_offset));
      return EVP_DecryptUpdate(ctx, nullptr, &done, joined.data(), static_cast<int>(header)) == 1;
    }
    return EVP_DecryptUpdate(ctx, nullptr, &done, &unmasked.first, 1) == 1 &&
           EVP_DecryptUpdate(ctx, nullptr, &done, packet.data() + 1,
                             static_cast<int>(pn_offset - 1)) == 1 &&
           EVP_DecryptUpdate(ctx, nullptr, &done, number.data(), unmasked.pn_bytes) == 1;
  };
  const int size = static_cast<int>(sealed.size());
  const bool opened = EVP_DecryptInit_ex2(ctx, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
                      add_header() &&
                      EVP_DecryptUpdate(ctx, out, &done, sealed.data(), size) == 1 &&
                      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
                                          static_cast<int>(kQuicTagBytes), tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(ctx, out + size, &done) == 1;
  if (!opened) return std::nullopt;
  return ByteSpan(out, sealed.size());
}

}  // namespace weir::inspect
