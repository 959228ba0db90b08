#include "bench/lab/quic_crypto.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "core/check.h"

namespace weir::lab {
namespace {

constexpr std::array<uint8_t, 20> kSaltV1{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
                                          0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
                                          0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr std::array<uint8_t, 20> kSaltV2{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6,
                                          0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
                                          0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
constexpr size_t kTag = 16;
constexpr uint16_t kAes256 = 0x1302;
constexpr uint16_t kChaCha = 0x1303;

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

int as_int(size_t size) { return static_cast<int>(size); }

const EVP_MD* hash_of(uint16_t suite) { return suite == kAes256 ? EVP_sha384() : EVP_sha256(); }

// `extract` uses `info` as the salt.
Bytes hkdf(const EVP_MD* hash, bool extract, ByteSpan key, ByteSpan info, size_t size) {
  const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(
      EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  Bytes out(size);
  bool good =
      context && EVP_PKEY_derive_init(context.get()) > 0 &&
      EVP_PKEY_CTX_set_hkdf_mode(context.get(), extract ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY
                                                        : EVP_KDF_HKDF_MODE_EXPAND_ONLY) > 0 &&
      EVP_PKEY_CTX_set_hkdf_md(context.get(), hash) > 0 &&
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), key.data(), as_int(key.size())) > 0;
  good =
      good &&
      (extract ? EVP_PKEY_CTX_set1_hkdf_salt(context.get(), info.data(), as_int(info.size()))
               : EVP_PKEY_CTX_add1_hkdf_info(context.get(), info.data(), as_int(info.size()))) > 0;
  WEIR_CHECK(good && EVP_PKEY_derive(context.get(), out.data(), &size) > 0 && size == out.size());
  return out;
}

// HKDF-Expand-Label of RFC 8446 section 7.1 with an empty context.
Bytes expand_label(const EVP_MD* hash, ByteSpan secret, std::string_view label, size_t size) {
  const std::string full = "tls13 " + std::string(label);
  return hkdf(hash, false, secret, ByteWriter().u16(size).vector(1, as_bytes(full)).u8(0).span(),
              size);
}

Bytes expand_quic(uint16_t suite, uint32_t version, ByteSpan secret, std::string_view label,
                  size_t size) {
  const std::string full = (version == kQuicV2 ? "quicv2 " : "quic ") + std::string(label);
  return expand_label(hash_of(suite), secret, full, size);
}

Bytes seal(const QuicKeys& keys, uint64_t number, ByteSpan header, ByteSpan plain) {
  Bytes nonce = keys.iv;
  for (size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<uint8_t>(number >> (8 * (7 - i)));
  const EVP_CIPHER* cipher = keys.suite == kAes256   ? EVP_aes_256_gcm()
                             : keys.suite == kChaCha ? EVP_chacha20_poly1305()
                                                     : EVP_aes_128_gcm();
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  Bytes out(plain.size() + kTag);
  int size = 0;
  const bool good =
      context &&
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, keys.key.data(), nonce.data()) > 0 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, header.data(), as_int(header.size())) > 0 &&
      EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(), as_int(plain.size())) > 0 &&
      EVP_EncryptFinal_ex(context.get(), out.data() + size, &size) > 0 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, as_int(kTag),
                          out.data() + plain.size()) > 0;
  WEIR_CHECK(good);
  return out;
}

// RFC 9001 sections 5.4.3 and 5.4.4: from a sample of the ciphertext.
Bytes header_mask(const QuicKeys& keys, ByteSpan sample) {
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  Bytes out(32);
  int size = 0;
  WEIR_CHECK(context != nullptr);
  if (keys.suite == kChaCha) {
    const Bytes zeros(5);
    WEIR_CHECK(EVP_EncryptInit_ex(context.get(), EVP_chacha20(), nullptr, keys.header.data(),
                                  sample.data()) > 0 &&
               EVP_EncryptUpdate(context.get(), out.data(), &size, zeros.data(), 5) > 0);
    return out;
  }
  const EVP_CIPHER* cipher = keys.suite == kAes256 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
  WEIR_CHECK(EVP_EncryptInit_ex(context.get(), cipher, nullptr, keys.header.data(), nullptr) > 0 &&
             EVP_EncryptUpdate(context.get(), out.data(), &size, sample.data(), 16) > 0);
  return out;
}

}  // namespace

size_t quic_secret_bytes(uint16_t suite) { return suite == kAes256 ? 48 : 32; }

QuicKeys quic_keys(uint16_t suite, uint32_t version, ByteSpan secret) {
  const size_t size = suite == 0x1301 ? 16 : 32;
  return {suite, expand_quic(suite, version, secret, "key", size),
          expand_quic(suite, version, secret, "iv", 12),
          expand_quic(suite, version, secret, "hp", size)};
}

QuicKeys quic_initial_keys(uint32_t version, ByteSpan client_chosen_id, bool client) {
  const Bytes initial = hkdf(EVP_sha256(), true, client_chosen_id,
                             version == kQuicV2 ? ByteSpan(kSaltV2) : ByteSpan(kSaltV1), 32);
  return quic_keys(0x1301, version,
                   expand_label(EVP_sha256(), initial, client ? "client in" : "server in", 32));
}

Bytes quic_next_secret(uint16_t suite, uint32_t version, ByteSpan secret) {
  return expand_quic(suite, version, secret, "ku", secret.size());
}

Bytes quic_protect(const QuicKeys& keys, ByteSpan header, size_t number_bytes, uint64_t number,
                   ByteSpan frames) {
  const size_t number_at = header.size() - number_bytes;
  // The sample needs four bytes from the packet number on, and sixteen more.
  Bytes plain(frames.begin(), frames.end());
  if (plain.size() + number_bytes < 4) plain.resize(4 - number_bytes);
  const Bytes sealed = seal(keys, number, header, plain);
  Bytes packet(header.begin(), header.end());
  packet.insert(packet.end(), sealed.begin(), sealed.end());
  const Bytes mask = header_mask(keys, ByteSpan(packet).subspan(number_at + 4, 16));
  const unsigned bits = (packet[0] & 0x80) != 0 ? 0x0f : 0x1f;
  packet[0] = static_cast<uint8_t>(packet[0] ^ (mask[0] & bits));
  for (size_t i = 0; i < number_bytes; ++i) packet[number_at + i] ^= mask[1 + i];
  return packet;
}

void put_quic_varint(ByteWriter& out, uint64_t value) {
  if (value < 64) {
    out.u8(static_cast<unsigned>(value));
  } else if (value < 16'384) {
    out.u16(0x4000 | value);
  } else if (value < (1U << 30)) {
    out.u32(0x80000000U | value);
  } else {
    out.u64(uint64_t{3} << 62 | value);
  }
}

}  // namespace weir::lab
