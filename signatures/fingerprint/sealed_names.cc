#include "signatures/fingerprint/sealed_names.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/byte_reader.h"
#include "core/hash.h"
#include "signatures/fingerprint/index_format.h"

namespace weir::signatures {
namespace {

constexpr uint64_t kNameLabel = 0x77656972'6f706171ULL;
constexpr size_t kTag = 16;
constexpr std::string_view kDigits = "0123456789abcdef";

using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Error failed() { return {"the cryptographic library refuses X25519 or ChaCha20-Poly1305", {}}; }

Pkey private_pkey(ByteSpan bytes) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes.data(), bytes.size()),
          EVP_PKEY_free};
}

bool raw_public(const Pkey& key, SealKey& out) {
  size_t size = out.size();
  return key != nullptr && EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 &&
         size == out.size();
}

// The cipher's key: of what `own` and `other` share, bound to both public keys of the sealing.
bool shared_key(const Pkey& own, const SealKey& other, const SealKey& once, const SealKey& to,
                std::array<uint8_t, 32>& out) {
  const Pkey peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size()),
                  EVP_PKEY_free);
  if (own == nullptr || peer == nullptr) return false;
  const PkeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr), EVP_PKEY_CTX_free);
  std::array<uint8_t, 96> all{};
  size_t size = 32;
  // Refuses public keys that share nothing but zeros.
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), all.data(), &size) != 1 || size != 32) {
    return false;
  }
  std::copy(once.begin(), once.end(), all.begin() + 32);
  std::copy(to.begin(), to.end(), all.begin() + 64);
  unsigned digest = 0;
  return EVP_Digest(all.data(), all.size(), out.data(), &digest, EVP_sha256(), nullptr) == 1;
}

// Keys are used once: the nonce may be zero.
constexpr std::array<uint8_t, 12> kNonce{};

}  // namespace

Result<SealKey> load_seal_key(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Error{std::string("public key cannot be read: ") + std::strerror(errno), path};
  }
  std::array<char, 66> text{};
  const ssize_t got = ::read(fd, text.data(), text.size());
  ::close(fd);
  std::string_view digits(text.data(), got > 0 ? static_cast<size_t>(got) : 0);
  if (!digits.empty() && digits.back() == '\n') digits.remove_suffix(1);
  SealKey key{};
  bool sound = digits.size() == 64;
  for (size_t i = 0; i < digits.size() && sound; ++i) {
    const size_t value = kDigits.find(digits[i]);
    sound = value != std::string_view::npos;
    key[i / 2] = static_cast<uint8_t>(size_t{key[i / 2]} << 4 | (value & 15));
  }
  if (!sound) return Error{"public key: expected 64 hexadecimal digits in small letters", path};
  return key;
}

std::string to_hex(const SealKey& key) {
  std::string out;
  for (const uint8_t byte : key) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<SealKey> public_half(const SiteKey& private_key) {
  SealKey out{};
  if (!raw_public(private_pkey(private_key.bytes), out)) return failed();
  return out;
}

Result<std::vector<uint8_t>> seal(const SealKey& to, ByteSpan text) {
  const Pkey once(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), EVP_PKEY_free);
  SealKey once_public{};
  std::array<uint8_t, 32> key{};
  if (!raw_public(once, once_public) || !shared_key(once, to, once_public, to, key)) {
    return failed();
  }
  std::vector<uint8_t> out(once_public.begin(), once_public.end());
  out.resize(32 + text.size() + kTag);
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  int rest = 0;
  if (text.size() > 0x7fffffff || cipher == nullptr ||
      EVP_EncryptInit_ex(cipher.get(), EVP_chacha20_poly1305(), nullptr, key.data(),
                         kNonce.data()) != 1 ||
      EVP_EncryptUpdate(cipher.get(), out.data() + 32, &size, text.data(),
                        static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), out.data() + 32 + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTag),
                          out.data() + 32 + text.size()) != 1) {
    return failed();
  }
  return out;
}

Result<std::vector<uint8_t>> unseal(const SiteKey& private_key, ByteSpan sealed) {
  if (sealed.size() < 32 + kTag || sealed.size() > 0x7fffffff) {
    return Error{"sealed names are cut short", {}};
  }
  const Pkey own = private_pkey(private_key.bytes);
  SealKey once{};
  SealKey to{};
  std::copy_n(sealed.begin(), once.size(), once.begin());
  std::array<uint8_t, 32> key{};
  if (!raw_public(own, to)) return failed();
  const Error refused{"names were sealed to another key, or are damaged", {}};
  if (!shared_key(own, once, once, to, key)) return refused;
  const ByteSpan text = sealed.subspan(32, sealed.size() - 32 - kTag);
  std::array<uint8_t, kTag> tag{};
  std::copy_n(sealed.end() - static_cast<std::ptrdiff_t>(kTag), kTag, tag.begin());
  std::vector<uint8_t> out(text.size() + 1);
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  int size = 0;
  int rest = 0;
  if (cipher == nullptr ||
      EVP_DecryptInit_ex(cipher.get(), EVP_chacha20_poly1305(), nullptr, key.data(),
                         kNonce.data()) != 1 ||
      EVP_DecryptUpdate(cipher.get(), out.data(), &size, text.data(),
                        static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTag),
                          tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), out.data() + size, &rest) != 1) {
    return refused;
  }
  out.resize(text.size());
  return out;
}

std::string opaque_name(const SiteKey& site, std::string_view name) {
  const uint64_t hash = siphash(site.derive(kNameLabel), as_bytes(name));
  std::string out = "sealed-";
  for (unsigned shift = 64; shift > 0; shift -= 4) out += kDigits[hash >> (shift - 4) & 15];
  return out;
}

std::string SealedNames::add(const SiteKey& site, std::string_view name) {
  std::string opaque = opaque_name(site, name);
  for (const std::string_view part : {std::string_view(opaque), name}) {
    put32(text_, static_cast<uint32_t>(part.size()));
    text_.insert(text_.end(), part.begin(), part.end());
  }
  return opaque;
}

Result<std::vector<uint8_t>> SealedNames::section(const SealKey& to) const {
  const Result<std::vector<uint8_t>> sealed = seal(to, text_);
  if (!sealed) return sealed.error();
  std::vector<uint8_t> out;
  put32(out, static_cast<uint32_t>(sealed->size()));
  out.insert(out.end(), sealed->begin(), sealed->end());
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> open_names(const SiteKey& private_key,
                                                                    ByteSpan section) {
  std::vector<std::pair<std::string, std::string>> out;
  ByteReader parts(section);
  while (parts.ok() && !parts.empty()) {
    const Result<std::vector<uint8_t>> text = unseal(private_key, parts.take(parts.le32()));
    if (!text) return text.error();
    ByteReader names(*text);
    while (names.ok() && !names.empty()) {
      const ByteSpan opaque = names.take(names.le32());
      const ByteSpan name = names.take(names.le32());
      if (names.ok()) out.emplace_back(as_chars(opaque), as_chars(name));
    }
    if (!names.ok()) return Error{"sealed names are damaged", {}};
  }
  if (!parts.ok()) return Error{"sealed names are damaged", {}};
  return out;
}

}  // namespace weir::signatures
