#include "inspect/decrypt/server_keys.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/descriptor.h"
#include "inspect/decrypt/hmac.h"

namespace weir::inspect {
namespace {

constexpr size_t kSecureHeap = 256U << 10;
constexpr size_t kSecureHeapLeast = 32;
constexpr size_t kMostFile = 64U << 10;
constexpr size_t kPremasterBytes = 48;
constexpr size_t kLeastPadding = 8;

EVP_PKEY* as_key(void* key) noexcept { return static_cast<EVP_PKEY*>(key); }

// Once a process: whether OpenSSL has locked memory for private numbers.
bool secure_heap() noexcept {
  static const bool locked = CRYPTO_secure_malloc_init(kSecureHeap, kSecureHeapLeast) == 1;
  return locked;
}

// The first block of a PEM file that holds a private key. `problem` says why there is none.
EVP_PKEY* read_pem(int fd, std::string& problem) noexcept {
  BIO* in = BIO_new_fd(fd, BIO_NOCLOSE);
  problem = "holds no private key in PEM form";
  EVP_PKEY* out = nullptr;
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  while (out == nullptr &&
         PEM_read_bio_ex(in, &name, &header, &data, &size, PEM_FLAG_SECURE) == 1) {
    const std::string_view label = name;
    const bool encrypted = label.starts_with("ENCRYPTED ") ||
                           std::string_view(header).find("ENCRYPTED") != std::string_view::npos;
    const bool last = label.ends_with("PRIVATE KEY");
    if (last && encrypted) {
      problem = "holds an encrypted private key, expected a plain one";
    } else if (last) {
      const unsigned char* at = data;
      out = d2i_AutoPrivateKey(nullptr, &at, size);
      if (out == nullptr) problem = "holds a private key that cannot be read";
    }
    OPENSSL_secure_free(name);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(data, static_cast<size_t>(size));
    if (last) break;
  }
  BIO_free(in);
  ERR_clear_error();
  return out;
}

TlsRandom place_of(ServerKeys::Handle kind, ByteSpan handle) noexcept {
  TlsRandom out{};
  const auto label = static_cast<uint8_t>(kind);
  (void)hash_of(HashKind::kSha256, std::array<ByteSpan, 2>{ByteSpan(&label, 1), handle},
                out.data());
  return out;
}

}  // namespace

ServerKeys::~ServerKeys() {
  for (const Key& key : keys_) EVP_PKEY_free(as_key(key.key));
}

Result<std::unique_ptr<ServerKeys>> ServerKeys::load(const std::vector<std::string>& paths,
                                                     const KeyStore::Options& sessions) {
  auto out = std::unique_ptr<ServerKeys>(new ServerKeys(sessions));
  if (paths.size() > kMaxKeys) {
    return Error{"more than " + std::to_string(kMaxKeys) + " server keys", paths[kMaxKeys]};
  }
  if (!paths.empty()) out->locked_ = secure_heap();
  for (const std::string& path : paths) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) {
      return Error{std::string("server key cannot be read: ") + std::strerror(errno), path};
    }
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode) ||
        about.st_size > static_cast<off_t>(kMostFile)) {
      return Error{"server key is not a regular file of at most 64 KiB", path};
    }
    if ((about.st_mode & 077) != 0) {
      return Error{"server key is open to others; run chmod 600 on it", path};
    }
    std::string problem;
    EVP_PKEY* key = read_pem(fd.get(), problem);
    if (key == nullptr) return Error{"server key file " + problem, path};
    out->keys_.push_back({key, {}});
    if (EVP_PKEY_is_a(key, "RSA") != 1) return Error{"server key is not an RSA key", path};
    BIGNUM* modulus = nullptr;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1) {
      return Error{"server key has no modulus", path};
    }
    std::vector<uint8_t>& bytes = out->keys_.back().modulus;
    bytes.resize(static_cast<size_t>(BN_num_bytes(modulus)));
    BN_bn2bin(modulus, bytes.data());
    BN_free(modulus);
    if (bytes.size() < 64 || bytes.size() > kMaxModulus) {
      return Error{"server key has " + std::to_string(8 * bytes.size()) +
                       " bits, expected 512 to " + std::to_string(8 * kMaxModulus),
                   path};
    }
  }
  return out;
}

// A certificate holds the key that it is for as it is; nothing of it needs to be understood.
std::optional<size_t> ServerKeys::find(ByteSpan certificate) const noexcept {
  for (size_t i = 0; i < keys_.size(); ++i) {
    const std::vector<uint8_t>& modulus = keys_[i].modulus;
    if (std::search(certificate.begin(), certificate.end(), modulus.begin(), modulus.end()) !=
        certificate.end()) {
      return i;
    }
  }
  return std::nullopt;
}

// PKCS #1 v1.5 padding is undone here: a server must hide whether it was right, who only listens
// wants to know.
bool ServerKeys::open(size_t key, ByteSpan sealed, Secret& premaster) const noexcept {
  const size_t size = keys_[key].modulus.size();
  if (sealed.size() != size || size < kPremasterBytes + kLeastPadding + 3) return false;
  std::array<uint8_t, kMaxModulus> plain{};
  size_t plain_size = plain.size();
  EVP_PKEY_CTX* ctx = EVP_PKEY_CTX_new(as_key(keys_[key].key), nullptr);
  bool good = ctx != nullptr && EVP_PKEY_decrypt_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_decrypt(ctx, plain.data(), &plain_size, sealed.data(), sealed.size()) == 1 &&
              plain_size == size;
  EVP_PKEY_CTX_free(ctx);
  ERR_clear_error();
  if (good) {
    const ByteSpan all = ByteSpan(plain).first(size);
    const ByteSpan padding = all.subspan(2, size - kPremasterBytes - 3);
    good = all[0] == 0 && all[1] == 2 && all[size - kPremasterBytes - 1] == 0 &&
           std::find(padding.begin(), padding.end(), 0) == padding.end();
    if (good) premaster.assign(all.last(kPremasterBytes));
  }
  wipe_memory(plain.data(), plain.size());
  return good;
}

void ServerKeys::remember(Handle kind, ByteSpan handle, const Secret& master, Timestamp now) const {
  sessions_.forget_old(now);
  sessions_.add(SecretKind::kMaster, place_of(kind, handle), master.bytes(), now);
}

bool ServerKeys::recall(Handle kind, ByteSpan handle, Secret& master) const {
  SessionSecrets found;
  if (!sessions_.find(place_of(kind, handle), found)) return false;
  master = found[SecretKind::kMaster];
  return !master.empty();
}

}  // namespace weir::inspect
