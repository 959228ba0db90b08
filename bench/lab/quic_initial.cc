#include "bench/lab/quic_initial.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "core/check.h"

namespace weir::lab {
namespace {

constexpr std::array<uint8_t, 20> kSaltV1{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
                                          0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
                                          0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr size_t kDatagram = 1200;
constexpr size_t kTag = 16;
constexpr size_t kCryptoPerPacket = 1080;

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

int as_int(size_t size) { return static_cast<int>(size); }

// HKDF-SHA256; `extract` uses `info` as the salt.
Bytes hkdf(bool extract, ByteSpan key, ByteSpan info, size_t size) {
  const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(
      EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  Bytes out(size);
  bool good =
      context && EVP_PKEY_derive_init(context.get()) > 0 &&
      EVP_PKEY_CTX_set_hkdf_mode(context.get(), extract ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY
                                                        : EVP_KDF_HKDF_MODE_EXPAND_ONLY) > 0 &&
      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) > 0 &&
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), key.data(), as_int(key.size())) > 0;
  good =
      good &&
      (extract ? EVP_PKEY_CTX_set1_hkdf_salt(context.get(), info.data(), as_int(info.size()))
               : EVP_PKEY_CTX_add1_hkdf_info(context.get(), info.data(), as_int(info.size()))) > 0;
  WEIR_CHECK(good && EVP_PKEY_derive(context.get(), out.data(), &size) > 0 && size == out.size());
  return out;
}

// HKDF-Expand-Label of RFC 8446 section 7.1 with an empty context.
Bytes expand_label(ByteSpan secret, std::string_view label, size_t size) {
  const std::string full = "tls13 " + std::string(label);
  return hkdf(false, secret, ByteWriter().u16(size).vector(1, as_bytes(full)).u8(0).span(), size);
}

struct Keys {
  Bytes key, iv, header;
};

Keys client_keys(ByteSpan destination_id) {
  const Bytes initial = hkdf(true, destination_id, kSaltV1, 32);
  const Bytes secret = expand_label(initial, "client in", 32);
  return {expand_label(secret, "quic key", 16), expand_label(secret, "quic iv", 12),
          expand_label(secret, "quic hp", 16)};
}

Bytes seal(const Keys& keys, uint64_t number, ByteSpan header, ByteSpan plain) {
  Bytes nonce = keys.iv;
  for (size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<uint8_t>(number >> (8 * (7 - i)));
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  Bytes out(plain.size() + kTag);
  int size = 0;
  const bool good =
      context &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, keys.key.data(), nonce.data()) >
          0 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, header.data(), as_int(header.size())) > 0 &&
      EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(), as_int(plain.size())) > 0 &&
      EVP_EncryptFinal_ex(context.get(), out.data() + size, &size) > 0 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, as_int(kTag),
                          out.data() + plain.size()) > 0;
  WEIR_CHECK(good);
  return out;
}

// The mask of RFC 9001 section 5.4.3: AES-ECB of a sample of the ciphertext.
Bytes header_mask(const Keys& keys, ByteSpan sample) {
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  Bytes out(32);
  int size = 0;
  WEIR_CHECK(context &&
             EVP_EncryptInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, keys.header.data(),
                                nullptr) > 0 &&
             EVP_EncryptUpdate(context.get(), out.data(), &size, sample.data(), 16) > 0);
  return out;
}

void put_varint(ByteWriter& out, uint64_t value) {
  if (value < 64) {
    out.u8(static_cast<unsigned>(value));
  } else {
    WEIR_CHECK(value < 16'384);
    out.u16(0x4000 | value);
  }
}

void put_crypto(ByteWriter& out, ByteSpan hello, size_t from, size_t to) {
  out.u8(0x06);
  put_varint(out, from);
  put_varint(out, to - from);
  out.bytes(hello.subspan(from, to - from));
}

Bytes initial_packet(const Keys& keys, ByteSpan destination_id, ByteSpan source_id, uint64_t number,
                     ByteSpan frames) {
  ByteWriter header;
  header.u8(0xc3).u32(1).vector(1, destination_id).vector(1, source_id).u8(0);  // no token
  const size_t padded =
      std::max(frames.size(), kDatagram - header.size() - 2 - 4 - kTag);  // length, number, tag
  put_varint(header, 4 + padded + kTag);
  const size_t number_at = header.size();
  header.u32(number);
  Bytes plain(frames.begin(), frames.end());
  plain.resize(padded);
  const Bytes sealed = seal(keys, number, header.span(), plain);
  Bytes packet(header.span().begin(), header.span().end());
  packet.insert(packet.end(), sealed.begin(), sealed.end());
  const Bytes mask = header_mask(keys, ByteSpan(packet).subspan(number_at + 4, 16));
  packet[0] = static_cast<uint8_t>(packet[0] ^ (mask[0] & 0x0f));
  for (size_t i = 0; i < 4; ++i) packet[number_at + i] ^= mask[1 + i];
  return packet;
}

}  // namespace

std::vector<Bytes> quic_client_flight(LabRandom& random, ClientHelloPlan plan, bool scattered) {
  const Bytes destination_id = random.bytes(8);
  const Bytes source_id = random.bytes(8);
  plan.alpn = {"h3"};
  // initial_source_connection_id and initial_max_data.
  plan.quic_parameters =
      ByteWriter().u8(0x0f).vector(1, source_id).u8(0x04).u8(4).u32(0x80100000).take();
  const Bytes hello = client_hello(random, plan);
  const Keys keys = client_keys(destination_id);
  std::vector<Bytes> out;
  for (size_t from = 0; from < hello.size(); from += kCryptoPerPacket) {
    const size_t to = std::min(hello.size(), from + kCryptoPerPacket);
    ByteWriter frames;
    if (scattered) {
      const size_t third = from + (to - from) / 3;
      const size_t half = from + (to - from) / 2;
      put_crypto(frames, hello, half, to);
      frames.u8(0x01).zeros(3);  // PING, PADDING
      put_crypto(frames, hello, from, third);
      put_crypto(frames, hello, third, half);
    } else {
      put_crypto(frames, hello, from, to);
    }
    out.push_back(initial_packet(keys, destination_id, source_id, out.size(), frames.span()));
  }
  if (scattered) std::reverse(out.begin(), out.end());
  return out;
}

Bytes quic_opaque(LabRandom& random, size_t size) {
  Bytes out = random.bytes(std::max<size_t>(size, 24));
  out[0] = static_cast<uint8_t>(0x40 | (out[0] & 0x3f));
  return out;
}

}  // namespace weir::lab
