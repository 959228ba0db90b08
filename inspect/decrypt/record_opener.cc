#include "inspect/decrypt/record_opener.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <utility>

namespace weir::inspect {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kFixedNonce = 4;
constexpr size_t kExplicitNonce = 8;

EVP_CIPHER_CTX* as_context(void* context) noexcept { return static_cast<EVP_CIPHER_CTX*>(context); }

// Fetched once a process, as each look-up by name costs more than a small record.
EVP_CIPHER* cipher_of(const BulkCipher& bulk) noexcept {
  struct Ciphers {
    std::array<EVP_CIPHER*, kBulkSlots> found{};
  };
  static const Ciphers ciphers = [] {
    Ciphers made;
    // In a library context of its own: nobody else in the process gets weak ciphers.
    OSSL_LIB_CTX* const apart = OSSL_LIB_CTX_new();
    const bool legacy = apart != nullptr && OSSL_PROVIDER_load(apart, "legacy") != nullptr;
    for (const int id : {0x1301, 0x1302, 0x1303, 0x1304, 0xc09d, 0xc050, 0xc051, 0x002f, 0x0035,
                         0x0041, 0x0084, 0x000a, 0x0005, 0x0009, 0x0006, 0x0096}) {
      const BulkCipher& wanted = *find_tls_suite(static_cast<uint16_t>(id))->bulk;
      if (wanted.legacy && !legacy) continue;
      made.found[wanted.slot] =
          EVP_CIPHER_fetch(wanted.legacy ? apart : nullptr, wanted.name, nullptr);
    }
    return made;
  }();
  return ciphers.found[bulk.slot];
}

void put_u64(uint64_t value, uint8_t* out) noexcept {
  for (size_t i = 0; i < 8; ++i) out[i] = static_cast<uint8_t>(value >> (8 * (7 - i)));
}

}  // namespace

RecordOpener::~RecordOpener() {
  EVP_CIPHER_CTX_free(as_context(context_));
  EVP_CIPHER_CTX_free(as_context(ahead_));
  wipe_memory(iv_.data(), iv_.size());
  wipe_memory(mac_key_.data(), mac_key_.size());
}

bool RecordOpener::begin(const TlsSuite& suite, uint16_t version, bool encrypt_then_mac,
                         const RecordKeys& keys) noexcept {
  ready_ = false;
  bulk_ = suite.bulk;
  tls13_ = suite.tls13();
  iv_ = keys.iv;
  mac_bytes_ = hash_bytes(suite.mac);
  explicit_nonce_ = !tls13_ && (bulk_->mode == RecordMode::kGcm || bulk_->mode == RecordMode::kCcm);
  encrypt_then_mac_ = encrypt_then_mac && bulk_->mode == RecordMode::kCbc;
  ssl3_ = version == kSsl30;
  mac_ = suite.mac;
  if (ssl3_) mac_key_ = keys.mac;
  chained_ = bulk_->mode == RecordMode::kCbc && version <= kTls10;
  overhead_ = 0;
  if (bulk_->tag_bytes == 0) {
    if (!hmac_.set_key(suite.mac, ByteSpan(keys.mac).first(mac_bytes_))) return false;
  }
  if (bulk_->mode == RecordMode::kPlain) {
    overhead_ = mac_bytes_;
    ready_ = true;
    return true;
  }
  if (bulk_->idea()) {
    idea_ = std::make_unique<IdeaDecryptor>();
    idea_->set_key(ByteSpan(keys.key).first(IdeaDecryptor::kKeyBytes));
    ready_ = true;
    return true;
  }
  idea_.reset();
  const EVP_CIPHER* cipher = cipher_of(*bulk_);
  if (cipher == nullptr) return false;
  if (context_ == nullptr) context_ = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX* ctx = as_context(context_);
  EVP_CIPHER_CTX_reset(ctx);
  if (bulk_->mode == RecordMode::kCbc) {
    ready_ = EVP_DecryptInit_ex2(ctx, cipher, keys.key.data(), nullptr, nullptr) == 1 &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) == 1;
    return ready_;
  }
  if (bulk_->mode == RecordMode::kStream) {
    overhead_ = mac_bytes_;
    if (ahead_ == nullptr) ahead_ = EVP_CIPHER_CTX_new();
    ready_ = ahead_ != nullptr &&
             EVP_DecryptInit_ex2(ctx, cipher, keys.key.data(), nullptr, nullptr) == 1;
    return ready_;
  }
  overhead_ = bulk_->tag_bytes + (tls13_ ? 1U : 0U) + (explicit_nonce_ ? kExplicitNonce : 0U);
  // CCM wants the sizes of nonce and tag before the key.
  ready_ = EVP_DecryptInit_ex2(ctx, cipher, nullptr, nullptr, nullptr) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, kNonceBytes, nullptr) == 1 &&
           (bulk_->mode != RecordMode::kCcm ||
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, bulk_->tag_bytes, nullptr) == 1) &&
           EVP_DecryptInit_ex2(ctx, nullptr, keys.key.data(), nullptr, nullptr) == 1;
  return ready_;
}

std::optional<ByteSpan> RecordOpener::open(uint64_t seq, const RecordHeader& header, ByteSpan body,
                                           uint8_t* out) noexcept {
  if (!ready_ || body.size() > kMaxRecordBody) return std::nullopt;
  switch (bulk_->mode) {
    case RecordMode::kGcm:
    case RecordMode::kCcm:
    case RecordMode::kChaCha:
      return open_aead(seq, header, body, out);
    case RecordMode::kCbc:
      return open_cbc(seq, header, body, out);
    case RecordMode::kStream:
      return open_stream(seq, header, body, out);
    case RecordMode::kPlain:
      break;
  }
  if (body.size() < mac_bytes_) return std::nullopt;
  const ByteSpan content = body.first(body.size() - mac_bytes_);
  if (!mac_matches(seq, header, content, body.last(mac_bytes_))) return std::nullopt;
  return content;
}

std::optional<ByteSpan> RecordOpener::open_aead(uint64_t seq, const RecordHeader& header,
                                                ByteSpan body, uint8_t* out) noexcept {
  const size_t prefix = explicit_nonce_ ? kExplicitNonce : 0;
  const size_t tag_bytes = bulk_->tag_bytes;
  if (body.size() < prefix + tag_bytes) return std::nullopt;
  const ByteSpan sealed = body.subspan(prefix, body.size() - prefix - tag_bytes);

  std::array<uint8_t, kNonceBytes> nonce;
  std::copy_n(iv_.begin(), kNonceBytes, nonce.begin());
  std::array<uint8_t, 8> number;
  put_u64(seq, number.data());
  if (explicit_nonce_) {
    std::copy_n(body.begin(), kExplicitNonce, nonce.begin() + kFixedNonce);
  } else {
    for (size_t i = 0; i < number.size(); ++i) nonce[kNonceBytes - 8 + i] ^= number[i];
  }

  std::array<uint8_t, 13> associated;
  int associated_size = 0;
  if (tls13_) {
    std::copy(header.begin(), header.end(), associated.begin());
    associated_size = static_cast<int>(header.size());
  } else {
    std::copy(number.begin(), number.end(), associated.begin());
    std::copy_n(header.begin(), 3, associated.begin() + 8);
    associated[11] = static_cast<uint8_t>(sealed.size() >> 8);
    associated[12] = static_cast<uint8_t>(sealed.size() & 0xff);
    associated_size = 13;
  }

  // In place, the tag may lie where OpenSSL writes last: it is copied first.
  std::array<uint8_t, 16> tag;
  std::copy_n(body.end() - static_cast<ptrdiff_t>(tag_bytes), tag_bytes, tag.begin());
  EVP_CIPHER_CTX* ctx = as_context(context_);
  uint8_t* plain = out + prefix;
  int done = 0;
  const int size = static_cast<int>(sealed.size());
  if (bulk_->mode == RecordMode::kCcm) {
    // CCM authenticates within the one update of the content.
    const bool opened =
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_bytes), tag.data()) ==
            1 &&
        EVP_DecryptInit_ex2(ctx, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
        EVP_DecryptUpdate(ctx, nullptr, &done, nullptr, size) == 1 &&
        EVP_DecryptUpdate(ctx, nullptr, &done, associated.data(), associated_size) == 1 &&
        EVP_DecryptUpdate(ctx, plain, &done, sealed.data(), size) == 1;
    if (!opened) return std::nullopt;
    return ByteSpan(plain, sealed.size());
  }
  const bool opened =
      EVP_DecryptInit_ex2(ctx, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
      EVP_DecryptUpdate(ctx, nullptr, &done, associated.data(), associated_size) == 1 &&
      EVP_DecryptUpdate(ctx, plain, &done, sealed.data(), size) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_bytes), tag.data()) ==
          1 &&
      EVP_DecryptFinal_ex(ctx, plain + size, &done) == 1;
  if (!opened) return std::nullopt;
  return ByteSpan(plain, sealed.size());
}

// RFC 5246 section 6.2.3.2, RFC 7366. Nobody learns from how long this takes: it only listens.
std::optional<ByteSpan> RecordOpener::open_cbc(uint64_t seq, const RecordHeader& header,
                                               ByteSpan body, uint8_t* out) noexcept {
  const size_t block = bulk_->block_bytes;
  if (encrypt_then_mac_) {
    if (body.size() < mac_bytes_) return std::nullopt;
    const ByteSpan mac = body.last(mac_bytes_);
    body = body.first(body.size() - mac_bytes_);
    if (!mac_matches(seq, header, body, mac)) return std::nullopt;
  }
  std::array<uint8_t, 16> iv = iv_;
  size_t prefix = 0;
  if (!chained_) {
    if (body.size() < block) return std::nullopt;
    std::copy_n(body.begin(), block, iv.begin());
    prefix = block;
  }
  const ByteSpan sealed = body.subspan(prefix);
  if (sealed.empty() || sealed.size() % block != 0) return std::nullopt;
  // Before decryption in place overwrites it.
  std::array<uint8_t, 16> last{};
  std::copy_n(sealed.end() - static_cast<ptrdiff_t>(block), block, last.begin());
  uint8_t* plain = out + prefix;
  if (!decrypt_cbc(iv, sealed, plain)) return std::nullopt;
  const ByteSpan padded(plain, sealed.size());
  const size_t padding = padded.back() + size_t{1};
  const size_t inner_mac = encrypt_then_mac_ ? 0 : mac_bytes_;
  if (padded.size() < padding + inner_mac) return std::nullopt;
  const ByteSpan filler = padded.last(padding);
  if (!ssl3_ && !std::all_of(filler.begin(), filler.end(),
                             [&](uint8_t byte) { return byte == padded.back(); })) {
    return std::nullopt;
  }
  const ByteSpan content = padded.first(padded.size() - padding - inner_mac);
  if (!encrypt_then_mac_ &&
      !mac_matches(seq, header, content, padded.subspan(content.size(), mac_bytes_))) {
    return std::nullopt;
  }
  if (chained_) iv_ = last;
  return content;
}

bool RecordOpener::decrypt_cbc(ByteSpan iv, ByteSpan sealed, uint8_t* out) noexcept {
  if (idea_) {
    idea_->decrypt_cbc(iv, sealed, out);
    return true;
  }
  EVP_CIPHER_CTX* ctx = as_context(context_);
  int done = 0;
  return EVP_DecryptInit_ex2(ctx, nullptr, nullptr, iv.data(), nullptr) == 1 &&
         EVP_DecryptUpdate(ctx, out, &done, sealed.data(), static_cast<int>(sealed.size())) == 1 &&
         static_cast<size_t>(done) == sealed.size();
}

// The key stream goes on only behind a record that was authentic.
std::optional<ByteSpan> RecordOpener::open_stream(uint64_t seq, const RecordHeader& header,
                                                  ByteSpan body, uint8_t* out) noexcept {
  if (body.size() < mac_bytes_) return std::nullopt;
  int done = 0;
  if (EVP_CIPHER_CTX_copy(as_context(ahead_), as_context(context_)) != 1 ||
      EVP_DecryptUpdate(as_context(ahead_), out, &done, body.data(),
                        static_cast<int>(body.size())) != 1 ||
      static_cast<size_t>(done) != body.size()) {
    return std::nullopt;
  }
  const ByteSpan plain(out, body.size());
  const ByteSpan content = plain.first(plain.size() - mac_bytes_);
  if (!mac_matches(seq, header, content, plain.last(mac_bytes_))) return std::nullopt;
  std::swap(context_, ahead_);
  return content;
}

bool RecordOpener::mac_matches(uint64_t seq, const RecordHeader& header, ByteSpan content,
                               ByteSpan mac) noexcept {
  std::array<uint8_t, 13> head;
  put_u64(seq, head.data());
  std::copy_n(header.begin(), 3, head.begin() + 8);
  head[11] = static_cast<uint8_t>(content.size() >> 8);
  head[12] = static_cast<uint8_t>(content.size() & 0xff);
  std::array<uint8_t, kMaxHashBytes> computed{};
  if (ssl3_) {
    // RFC 6101 section 5.2.3.1. The version is left out.
    std::array<uint8_t, 48> pad{};
    const ByteSpan padding = ByteSpan(pad).first(mac_ == HashKind::kMd5 ? 48 : 40);
    const ByteSpan key = ByteSpan(mac_key_).first(mac_bytes_);
    std::array<uint8_t, kMaxHashBytes> inner{};
    pad.fill(0x36);
    const std::array<ByteSpan, 5> first{key, padding, ByteSpan(head).first(9),
                                        ByteSpan(head).last(2), content};
    if (!hash_of(mac_, first, inner.data())) return false;
    pad.fill(0x5c);
    const std::array<ByteSpan, 3> second{key, padding, ByteSpan(inner).first(mac_bytes_)};
    return hash_of(mac_, second, computed.data()) &&
           CRYPTO_memcmp(computed.data(), mac.data(), mac.size()) == 0;
  }
  hmac_.begin();
  hmac_.add(head);
  hmac_.add(content);
  return hmac_.end(computed.data()) && CRYPTO_memcmp(computed.data(), mac.data(), mac.size()) == 0;
}

void RecordOpener::pass_over(ByteSpan body) noexcept {
  if (ready_ && bulk_->mode == RecordMode::kStream && body.size() <= kMaxRecordBody) {
    std::array<uint8_t, 1024> thrown_away;
    int done = 0;
    while (!body.empty()) {
      const ByteSpan part = body.first(std::min(body.size(), thrown_away.size()));
      (void)EVP_DecryptUpdate(as_context(context_), thrown_away.data(), &done, part.data(),
                              static_cast<int>(part.size()));
      body = body.subspan(part.size());
    }
    return;
  }
  if (!chained_) return;
  const size_t mac = encrypt_then_mac_ ? mac_bytes_ : 0;
  const size_t block = bulk_->block_bytes;
  if (body.size() < mac + block) return;
  const ByteSpan sealed = body.first(body.size() - mac);
  std::copy_n(sealed.end() - static_cast<ptrdiff_t>(block), block, iv_.begin());
}

}  // namespace weir::inspect
