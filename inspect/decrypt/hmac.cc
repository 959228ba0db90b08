#include "inspect/decrypt/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string>

namespace weir::inspect {
namespace {

const char* name_of(HashKind hash) noexcept {
  switch (hash) {
    case HashKind::kMd5:
      return "MD5";
    case HashKind::kSha1:
      return "SHA1";
    case HashKind::kSha256:
      return "SHA256";
    case HashKind::kSha384:
      return "SHA384";
    case HashKind::kNone:
      break;
  }
  return nullptr;
}

// Looked up once a process; OpenSSL keeps it.
EVP_MAC* algorithm() noexcept {
  static EVP_MAC* const found = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return found;
}

EVP_MAC_CTX* as_context(void* context) noexcept { return static_cast<EVP_MAC_CTX*>(context); }

}  // namespace

size_t hash_bytes(HashKind hash) noexcept {
  switch (hash) {
    case HashKind::kMd5:
      return 16;
    case HashKind::kSha1:
      return 20;
    case HashKind::kSha256:
      return 32;
    case HashKind::kSha384:
      return 48;
    case HashKind::kNone:
      break;
  }
  return 0;
}

bool hash_of(HashKind hash, std::span<const ByteSpan> parts, uint8_t* out) noexcept {
  const EVP_MD* kind = hash == HashKind::kMd5      ? EVP_md5()
                       : hash == HashKind::kSha1   ? EVP_sha1()
                       : hash == HashKind::kSha256 ? EVP_sha256()
                       : hash == HashKind::kSha384 ? EVP_sha384()
                                                   : nullptr;
  if (kind == nullptr) return false;
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  bool good = EVP_DigestInit_ex2(ctx, kind, nullptr) == 1;
  for (const ByteSpan part : parts) {
    good = good && EVP_DigestUpdate(ctx, part.data(), part.size()) == 1;
  }
  good = good && EVP_DigestFinal_ex(ctx, out, nullptr) == 1;
  EVP_MD_CTX_free(ctx);
  return good;
}

Hmac::~Hmac() { EVP_MAC_CTX_free(as_context(context_)); }

bool Hmac::set_key(HashKind hash, ByteSpan key) noexcept {
  good_ = false;
  const char* name = name_of(hash);
  if (name == nullptr || algorithm() == nullptr) return false;
  if (context_ == nullptr) context_ = EVP_MAC_CTX_new(algorithm());
  std::string digest = name;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  // A key of no bytes must still be a pointer, or OpenSSL takes it for "the key as before".
  static constexpr uint8_t kNoKey = 0;
  const uint8_t* bytes = key.empty() ? &kNoKey : key.data();
  good_ = EVP_MAC_init(as_context(context_), bytes, key.size(), params) == 1;
  return good_;
}

void Hmac::begin() noexcept {
  good_ = good_ && EVP_MAC_init(as_context(context_), nullptr, 0, nullptr) == 1;
}

void Hmac::add(ByteSpan part) noexcept {
  good_ = good_ && EVP_MAC_update(as_context(context_), part.data(), part.size()) == 1;
}

bool Hmac::end(uint8_t* out) noexcept {
  size_t size = 0;
  return good_ && EVP_MAC_final(as_context(context_), out, &size, kMaxHashBytes) == 1;
}

}  // namespace weir::inspect
