// Private RSA keys of the company's own servers. They open TLS up to 1.2 where the client sends its
// secret encrypted to the server's key (RFC 5246 section 7.4.7.1). Where both agree on a secret
// instead (Diffie-Hellman, all of TLS 1.3) no private key tells it.
//
// Read once; shared by all workers. Keys lie in OpenSSL's secure heap: locked pages, left out of
// core dumps. Remembers the master secrets of sessions that clients may resume.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "inspect/decrypt/key_store.h"
#include "inspect/decrypt/secret.h"

namespace weir::inspect {

class ServerKeys {
 public:
  static constexpr size_t kMaxKeys = 64;
  static constexpr size_t kMaxModulus = 1024;  // bytes

  // Files in PEM, not encrypted, that their owner alone can read (mode 0600 or 0400).
  // `sessions`: how many are remembered, and for how long.
  [[nodiscard]] static Result<std::unique_ptr<ServerKeys>> load(
      const std::vector<std::string>& paths, const KeyStore::Options& sessions = {});
  ~ServerKeys();
  ServerKeys(const ServerKeys&) = delete;
  ServerKeys& operator=(const ServerKeys&) = delete;

  [[nodiscard]] size_t size() const noexcept { return keys_.size(); }
  // The system keeps the keys from swap; else RLIMIT_MEMLOCK is too small.
  [[nodiscard]] bool locked() const noexcept { return locked_; }

  // Any thread. Which key a certificate (DER) is for, if it is one of these.
  [[nodiscard]] std::optional<size_t> find(ByteSpan certificate) const noexcept;
  // Any thread. The 48 bytes that were encrypted to that key; false when they were not.
  // Some tenths of a millisecond.
  [[nodiscard]] bool open(size_t key, ByteSpan sealed, Secret& premaster) const noexcept;

  // Any thread. What a session is resumed by: its id, or the ticket that the client keeps.
  enum class Handle : uint8_t { kId, kTicket };
  void remember(Handle kind, ByteSpan handle, const Secret& master, Timestamp now) const;
  [[nodiscard]] bool recall(Handle kind, ByteSpan handle, Secret& master) const;

 private:
  struct Key {
    void* key = nullptr;           // EVP_PKEY
    std::vector<uint8_t> modulus;  // as a certificate writes it
  };
  explicit ServerKeys(const KeyStore::Options& sessions) : sessions_(sessions) {}

  std::vector<Key> keys_;
  bool locked_ = true;
  mutable KeyStore sessions_;
};

}  // namespace weir::inspect
