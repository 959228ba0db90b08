#include "inspect/identify/quic_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "core/check.h"

namespace weir::inspect {
namespace {

constexpr size_t kHash = 32;
constexpr size_t kTag = 16;
constexpr size_t kSample = 16;
constexpr size_t kBlock = 64;  // of SHA-256

using Secret = std::array<uint8_t, kHash>;

constexpr QuicVersionTraits kVersion1{{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                       0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
                                      false,
                                      false};
constexpr QuicVersionTraits kVersion2{{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                       0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
                                      true,
                                      true};
// draft-ietf-quic-v2 before its numbers were final.
constexpr QuicVersionTraits kVersion2Draft{
    {0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
     0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3},
    true,
    true};
constexpr QuicVersionTraits kDraft29{{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                                      0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
                                     false,
                                     false};
constexpr QuicVersionTraits kDraft23{{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                                      0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
                                     false,
                                     false};
constexpr QuicVersionTraits kDraft22{{0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
                                      0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a},
                                     false,
                                     false};
// Google's versions that already carry TLS, but number frames their own way: "T050", "T051".
constexpr QuicVersionTraits kGoogleT050{
    {0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
     0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10},
    false,
    false,
    0x08};
constexpr QuicVersionTraits kGoogleT051{
    {0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
     0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d},
    false,
    false,
    0x08};

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

// Algorithms are looked up by name once a thread; each look-up costs more than what it is used for.
struct Crypto {
  Owned<EVP_MD, EVP_MD_free> sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  Owned<EVP_CIPHER, EVP_CIPHER_free> ecb{EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)};
  Owned<EVP_CIPHER, EVP_CIPHER_free> gcm{EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)};
  Owned<EVP_MD_CTX, EVP_MD_CTX_free> digest{EVP_MD_CTX_new()};
  Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> mask{EVP_CIPHER_CTX_new()};
  Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> aead{EVP_CIPHER_CTX_new()};
  [[nodiscard]] bool usable() const { return sha256 && ecb && gcm && digest && mask && aead; }
};

Crypto& crypto() {
  thread_local Crypto instance;
  return instance;
}

// HMAC-SHA-256 (RFC 2104) of `a` followed by `b`, with a key of at most one block.
bool hmac(ByteSpan key, ByteSpan a, ByteSpan b, Secret& out) {
  WEIR_ASSERT(key.size() <= kBlock);
  Crypto& c = crypto();
  std::array<uint8_t, kBlock> pad{};
  std::copy(key.begin(), key.end(), pad.begin());
  for (uint8_t& byte : pad) byte ^= 0x36;
  const auto begin = [&] {
    return EVP_DigestInit_ex2(c.digest.get(), c.sha256.get(), nullptr) == 1 &&
           EVP_DigestUpdate(c.digest.get(), pad.data(), pad.size()) == 1;
  };
  const auto end = [&] {
    unsigned size = 0;
    return EVP_DigestFinal_ex(c.digest.get(), out.data(), &size) == 1;
  };
  if (!begin() || EVP_DigestUpdate(c.digest.get(), a.data(), a.size()) != 1 ||
      EVP_DigestUpdate(c.digest.get(), b.data(), b.size()) != 1 || !end()) {
    return false;
  }
  for (uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  return begin() && EVP_DigestUpdate(c.digest.get(), out.data(), out.size()) == 1 && end();
}

// HKDF-Expand-Label (RFC 8446 section 7.1) with an empty context, for at most one hash length.
bool expand_label(const Secret& secret, std::string_view label, std::span<uint8_t> out) {
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<uint8_t, 64> info{};
  WEIR_ASSERT(label.size() + kPrefix.size() + 5 <= info.size() && out.size() <= kHash);
  size_t n = 0;
  info[n++] = 0;
  info[n++] = static_cast<uint8_t>(out.size());
  info[n++] = static_cast<uint8_t>(kPrefix.size() + label.size());
  for (const char ch : kPrefix) info[n++] = static_cast<uint8_t>(ch);
  for (const char ch : label) info[n++] = static_cast<uint8_t>(ch);
  info[n++] = 0;  // context length
  constexpr uint8_t kFirstBlock = 1;
  Secret block;
  if (!hmac(secret, ByteSpan(info.data(), n), ByteSpan(&kFirstBlock, 1), block)) return false;
  std::copy_n(block.begin(), out.size(), out.begin());
  return true;
}

bool header_mask(const QuicInitialKeys& keys, ByteSpan sample, std::array<uint8_t, 16>& mask) {
  Crypto& c = crypto();
  int size = 0;
  return EVP_EncryptInit_ex2(c.mask.get(), c.ecb.get(), keys.hp.data(), nullptr, nullptr) == 1 &&
         EVP_CIPHER_CTX_set_padding(c.mask.get(), 0) == 1 &&
         EVP_EncryptUpdate(c.mask.get(), mask.data(), &size, sample.data(),
                           static_cast<int>(kSample)) == 1 &&
         size == static_cast<int>(kSample);
}

std::array<uint8_t, 12> nonce_of(const QuicInitialKeys& keys, uint32_t packet_number) {
  std::array<uint8_t, 12> nonce = keys.iv;
  for (size_t i = 0; i < 4; ++i) {
    nonce[8 + i] ^= static_cast<uint8_t>(packet_number >> (8 * (3 - i)));
  }
  return nonce;
}

}  // namespace

const QuicVersionTraits* quic_version_traits(uint32_t version, size_t attempt) noexcept {
  if ((version & 0x0f0f0f0f) == 0x0a0a0a0a && attempt == 0) return &kVersion1;
  if ((version & 0x0f0f0f0f) == 0x0a0a0a0a && attempt == 1) return &kDraft29;
  if (attempt > 0) return nullptr;
  switch (version) {
    case 0x00000001:
      return &kVersion1;
    case 0x6b3343cf:
      return &kVersion2;
    case 0x709a50c4:
      return &kVersion2Draft;
    case 0x54303530:
      return &kGoogleT050;
    case 0x54303531:
      return &kGoogleT051;
    // Facebook's mvfst.
    case 0xfaceb001:
      return &kDraft22;
    case 0xfaceb002:
    case 0xfaceb00e:
      return &kDraft23;
    default:
      break;
  }
  if (version >> 8 == 0xff0000) {
    const uint32_t draft = version & 0xff;
    if (draft == 22) return &kDraft22;
    if (draft >= 23 && draft <= 28) return &kDraft23;
    if (draft >= 29 && draft <= 32) return &kDraft29;
    if (draft >= 33 && draft <= 34) return &kVersion1;
  }
  return nullptr;
}

std::optional<QuicInitialKeys> derive_quic_initial_keys(const QuicVersionTraits& traits,
                                                        ByteSpan dcid, QuicSide side) noexcept {
  if (!crypto().usable()) return std::nullopt;
  const bool v2 = traits.v2_labels;
  Secret initial;
  Secret secret;
  QuicInitialKeys keys;
  if (!hmac(traits.salt, dcid, {}, initial) ||
      !expand_label(initial, side == QuicSide::kClient ? "client in" : "server in", secret) ||
      !expand_label(secret, v2 ? "quicv2 key" : "quic key", keys.key) ||
      !expand_label(secret, v2 ? "quicv2 iv" : "quic iv", keys.iv) ||
      !expand_label(secret, v2 ? "quicv2 hp" : "quic hp", keys.hp)) {
    return std::nullopt;
  }
  return keys;
}

bool open_quic_packet(const QuicInitialKeys& keys, ByteSpan packet, size_t pn_offset,
                      std::vector<uint8_t>& out) {
  out.clear();
  if (packet.size() < pn_offset + 4 + kSample || !crypto().usable()) return false;
  std::array<uint8_t, 16> mask{};
  if (!header_mask(keys, packet.subspan(pn_offset + 4, kSample), mask)) return false;
  const uint8_t first = packet[0] ^ (mask[0] & 0x0f);
  const size_t pn_bytes = (first & 3U) + 1;
  const size_t header_size = pn_offset + pn_bytes;
  std::array<uint8_t, 4> number{};
  uint32_t packet_number = 0;
  for (size_t i = 0; i < pn_bytes; ++i) {
    number[i] = packet[pn_offset + i] ^ mask[1 + i];
    packet_number = packet_number << 8 | number[i];
  }
  const ByteSpan sealed = packet.subspan(header_size);
  const size_t size = sealed.size() - kTag;
  out.resize(size);
  std::array<uint8_t, kTag> tag{};
  std::copy_n(sealed.end() - kTag, kTag, tag.begin());
  const std::array<uint8_t, 12> nonce = nonce_of(keys, packet_number);
  EVP_CIPHER_CTX* ctx = crypto().aead.get();
  int done = 0;
  const auto associated = [&](ByteSpan part) {
    return EVP_DecryptUpdate(ctx, nullptr, &done, part.data(), static_cast<int>(part.size())) == 1;
  };
  const bool opened =
      EVP_DecryptInit_ex2(ctx, crypto().gcm.get(), keys.key.data(), nonce.data(), nullptr) == 1 &&
      associated(ByteSpan(&first, 1)) && associated(packet.subspan(1, pn_offset - 1)) &&
      associated(ByteSpan(number).first(pn_bytes)) &&
      EVP_DecryptUpdate(ctx, out.data(), &done, sealed.data(), static_cast<int>(size)) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(ctx, nullptr, &done) == 1;
  if (!opened) out.clear();
  return opened;
}

bool seal_quic_packet(const QuicInitialKeys& keys, ByteSpan header, size_t pn_bytes,
                      ByteSpan frames, std::vector<uint8_t>& out) {
  if (!crypto().usable() || pn_bytes < 1 || pn_bytes > 4 || header.size() <= pn_bytes ||
      frames.size() + pn_bytes < 4) {
    return false;
  }
  const size_t start = out.size();
  const size_t pn_offset = header.size() - pn_bytes;
  uint32_t packet_number = 0;
  for (const uint8_t byte : header.last(pn_bytes)) packet_number = packet_number << 8 | byte;
  const std::array<uint8_t, 12> nonce = nonce_of(keys, packet_number);
  out.insert(out.end(), header.begin(), header.end());
  out.resize(out.size() + frames.size() + kTag);
  uint8_t* sealed = out.data() + start + header.size();
  EVP_CIPHER_CTX* ctx = crypto().aead.get();
  int done = 0;
  if (EVP_EncryptInit_ex2(ctx, crypto().gcm.get(), keys.key.data(), nonce.data(), nullptr) != 1 ||
      EVP_EncryptUpdate(ctx, nullptr, &done, header.data(), static_cast<int>(header.size())) != 1 ||
      EVP_EncryptUpdate(ctx, sealed, &done, frames.data(), static_cast<int>(frames.size())) != 1 ||
      EVP_EncryptFinal_ex(ctx, nullptr, &done) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTag, sealed + frames.size()) != 1) {
    return false;
  }
  std::array<uint8_t, 16> mask{};
  if (!header_mask(keys, ByteSpan(out).subspan(start + pn_offset + 4, kSample), mask)) return false;
  out[start] = static_cast<uint8_t>(out[start] ^ (mask[0] & 0x0f));
  for (size_t i = 0; i < pn_bytes; ++i) out[start + pn_offset + i] ^= mask[1 + i];
  return true;
}

}  // namespace weir::inspect
