// Opens protected records of one direction and one key: AEAD suites, CBC with HMAC (either order),
// and HMAC alone. The key is set once; a record costs one IV and no allocation. Every record is
// authenticated before its content counts.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/bytes.h"
#include "inspect/decrypt/idea.h"
#include "inspect/decrypt/tls_keys.h"

namespace weir::inspect {

inline constexpr size_t kRecordHeaderBytes = 5;
inline constexpr size_t kMaxPlaintext = 1U << 14;
// RFC 5246 section 6.2.3; TLS 1.3 allows less.
inline constexpr size_t kMaxRecordBody = kMaxPlaintext + 2048;

using RecordHeader = std::array<uint8_t, kRecordHeaderBytes>;

class RecordOpener {
 public:
  RecordOpener() noexcept = default;
  ~RecordOpener();
  RecordOpener(const RecordOpener&) = delete;
  RecordOpener& operator=(const RecordOpener&) = delete;

  // False when OpenSSL lacks the cipher.
  [[nodiscard]] bool begin(const TlsSuite& suite, uint16_t version, bool encrypt_then_mac,
                           const RecordKeys& keys) noexcept;
  [[nodiscard]] bool ready() const noexcept { return ready_; }

  // The plaintext of record number `seq`, somewhere in `out`, which has room for body.size() bytes
  // and is either body's own memory or does not overlap it. Nothing when it is not authentic; `out`
  // may then be overwritten.
  [[nodiscard]] std::optional<ByteSpan> open(uint64_t seq, const RecordHeader& header,
                                             ByteSpan body, uint8_t* out) noexcept;
  // What a record is longer than its plaintext (TLS 1.3: without padding); 0 when that varies.
  [[nodiscard]] size_t overhead() const noexcept { return overhead_; }
  // A record was not opened: TLS 1.0 takes the next one's IV from it nevertheless.
  void pass_over(ByteSpan body) noexcept;

 private:
  [[nodiscard]] std::optional<ByteSpan> open_aead(uint64_t seq, const RecordHeader& header,
                                                  ByteSpan body, uint8_t* out) noexcept;
  [[nodiscard]] std::optional<ByteSpan> open_cbc(uint64_t seq, const RecordHeader& header,
                                                 ByteSpan body, uint8_t* out) noexcept;
  [[nodiscard]] bool decrypt_cbc(ByteSpan iv, ByteSpan sealed, uint8_t* out) noexcept;
  [[nodiscard]] std::optional<ByteSpan> open_stream(uint64_t seq, const RecordHeader& header,
                                                    ByteSpan body, uint8_t* out) noexcept;
  [[nodiscard]] bool mac_matches(uint64_t seq, const RecordHeader& header, ByteSpan content,
                                 ByteSpan mac) noexcept;

  void* context_ = nullptr;  // EVP_CIPHER_CTX
  void* ahead_ = nullptr;    // kStream: one that may be thrown away
  std::unique_ptr<IdeaDecryptor> idea_;
  Hmac hmac_;
  const BulkCipher* bulk_ = nullptr;
  std::array<uint8_t, 16> iv_{};
  size_t mac_bytes_ = 0;
  size_t overhead_ = 0;
  bool tls13_ = false;
  bool explicit_nonce_ = false;
  bool chained_ = false;  // TLS 1.0: the IV is the last block of the record before
  bool encrypt_then_mac_ = false;
  bool ssl3_ = false;  // a MAC of its own, and padding of any content
  HashKind mac_ = HashKind::kNone;
  std::array<uint8_t, kMaxHashBytes> mac_key_{};  // ssl3_
  bool ready_ = false;
};

}  // namespace weir::inspect
