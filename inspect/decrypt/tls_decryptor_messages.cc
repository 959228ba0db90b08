// Handshake messages, clear and decrypted; see tls_decryptor.h.
#include <algorithm>

#include "core/byte_reader.h"
#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/identify/certificate_names.h"

namespace weir::inspect {
namespace {

// RFC 8446 section 4.1.3: the random of a HelloRetryRequest, SHA-256 of "HelloRetryRequest".
constexpr TlsRandom kRetryRandom{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

constexpr uint16_t kAlpnExtension = 16;
constexpr uint16_t kEncryptThenMacExtension = 22;
constexpr uint16_t kExtendedMasterExtension = 23;
constexpr uint16_t kSupportedVersionsExtension = 43;
// Drafts of TLS 1.3 from 25 on protect records as the RFC does.
constexpr uint16_t kFirstDraft = 0x7f19;
constexpr uint16_t kLastDraft = 0x7f1c;

std::string read_alpn(ByteReader extension) {
  extension.skip(2);
  return safe_token(extension.take(extension.u8()));
}

}  // namespace

void TlsDecryptor::read_messages(Direction d, ByteSpan part) {
  Side& side = sides_[d];
  const size_t most =
      is_client(d) ? services_.limits.client_hello_bytes : services_.limits.server_hello_bytes;
  if (exchange_ && side.epoch == Epoch::kClear) exchange_->add(d, part);
  HandshakeMessage message;
  while (!side.dead && side.messages.next(part, most, message)) {
    on_message(d, message, part.size());
  }
}

void TlsDecryptor::on_clear_message(Direction d, const HandshakeMessage& message, size_t behind) {
  if (message.type == kClientHelloMessage && message.whole) on_client_hello(d, message.body);
  if (message.type == kServerHelloMessage && message.whole) {
    if (client_hello_ && is_client(d)) return;
    on_server_hello(message.body);
  }
  if (exchange_) on_exchange_message(d, message, behind);
}

// Messages of the handshake that a server's RSA key may open.
void TlsDecryptor::on_exchange_message(Direction d, const HandshakeMessage& message,
                                       size_t behind) {
  const bool client = is_client(d);
  switch (message.type) {
    case kCertificateMessage:
      if (!client && message.whole) exchange_->on_certificate(message.body);
      return;
    case kServerKeyExchangeMessage:
      exchange_->give_up();  // both sides agree on a secret of their own
      return;
    case kNewSessionTicketMessage:
      if (!client && message.whole) exchange_->on_ticket(message.body, now_);
      return;
    case kServerHelloDoneMessage:
      if (!client) exchange_->on_server_hello_done();
      break;
    case kClientKeyExchangeMessage:
      if (client && message.whole) {
        exchange_->on_client_key_exchange(version_, message.body, behind);
      }
      break;
    default:
      return;
  }
  if (blocked() && look_up()) catch_up();
}

void TlsDecryptor::on_message(Direction d, const HandshakeMessage& message, size_t behind) {
  Side& side = sides_[d];
  if (side.epoch == Epoch::kClear) {
    on_clear_message(d, message, behind);
    return;
  }
  if (side.epoch == Epoch::kLegacy) return;
  switch (message.type) {
    case kEncryptedExtensionsMessage:
      if (!is_client(d) && message.whole) on_encrypted_extensions(message.body);
      return;
    case kCertificateMessage:
      if (!is_client(d) && message.whole) on_certificate(message.body);
      return;
    case kEndOfEarlyDataMessage:
      if (is_client(d) && side.epoch == Epoch::kEarly) enter(d, Epoch::kHandshake);
      return;
    case kFinishedMessage:
      // Finished of an authentication after the handshake changes no keys.
      if (side.epoch == Epoch::kHandshake) enter(d, Epoch::kTraffic);
      return;
    case kKeyUpdateMessage:
      if (side.epoch != Epoch::kTraffic) return;
      services_.counters.key_updates.add();
      if (update_traffic_secret(*suite_, side.traffic)) {
        enter(d, Epoch::kTraffic);
      } else {
        give_up(d, DecryptFault::kUnknownCipher);
      }
      return;
    default:
      return;
  }
}

void TlsDecryptor::on_client_hello(Direction d, ByteSpan body) {
  const auto hello = parse_client_hello(body);
  if (!hello || hello->random.size() != kRandomBytes || server_hello_) return;
  client_ = d;
  client_hello_ = true;
  if (hello_time_.ns == 0) hello_time_ = now_;
  early_offered_ = hello->early_data;
  std::copy_n(hello->random.begin(), kRandomBytes, client_random_.begin());
  if (exchange_) exchange_->on_client_hello(d, hello->session_id, hello->session_ticket);
  seen_generation_ = 0;
}

// `body`: behind type and version. The challenge stands at the end of the random (appendix E.2).
void TlsDecryptor::on_ssl2_hello(Direction d, ByteSpan body) {
  ByteReader in(body);
  const size_t ciphers = in.u16();
  const size_t id = in.u16();
  const size_t challenge = in.u16();
  in.skip(ciphers);
  const ByteSpan session_id = in.take(id);
  const ByteSpan random = in.take(challenge);
  if (!in.ok() || random.size() > kRandomBytes || random.empty()) return;
  client_ = d;
  client_hello_ = true;
  hello_time_ = now_;
  client_random_ = {};
  std::copy(random.begin(), random.end(),
            client_random_.end() - static_cast<ptrdiff_t>(random.size()));
  if (exchange_) exchange_->on_client_hello(d, session_id, {});
  seen_generation_ = 0;
}

void TlsDecryptor::on_server_hello(ByteSpan body) {
  ByteReader in(body);
  const uint16_t legacy_version = in.u16();
  const ByteSpan random = in.take(kRandomBytes);
  const ByteSpan session_id = in.take(in.u8());
  const uint16_t cipher = in.u16();
  const uint8_t compression = in.u8();
  if (!in.ok() || ready_) return;
  uint16_t version = legacy_version;
  bool encrypt_then_mac = false;
  bool extended_master = false;
  ByteReader extensions = in.empty() ? ByteReader({}) : in.sub(in.u16());
  while (!extensions.empty()) {
    const uint16_t type = extensions.u16();
    ByteReader extension = extensions.sub(extensions.u16());
    if (!extensions.ok()) break;
    if (type == kSupportedVersionsExtension) version = extension.u16();
    if (type == kEncryptThenMacExtension) encrypt_then_mac = true;
    if (type == kExtendedMasterExtension) extended_master = true;
  }
  if (version >= kFirstDraft && version <= kLastDraft) version = kTls13;
  if (std::equal(random.begin(), random.end(), kRetryRandom.begin())) {
    hello_retry_ = true;
    version_ = kTls13;
    services_.counters.hello_retries.add();
    return;
  }
  std::copy_n(random.begin(), kRandomBytes, server_random_.begin());
  server_hello_ = true;
  version_ = version;
  encrypt_then_mac_ = encrypt_then_mac;
  suite_ = find_tls_suite(cipher);
  unusable_ = DecryptFault::kNone;
  if (version < kSsl30 || version > kTls13) {
    unusable_ = DecryptFault::kUnknownVersion;
  } else if (suite_ == nullptr || compression != 0 || suite_->tls13() != (version == kTls13)) {
    unusable_ = DecryptFault::kUnknownCipher;
  }
  seen_generation_ = 0;
  if (unusable_ != DecryptFault::kNone || version >= kTls13) exchange_.reset();
  if (exchange_) exchange_->on_server_hello(session_id, extended_master);
  // The client's side may have come to where this decides how to go on.
  if (blocked() && (unusable_ != DecryptFault::kNone || look_up())) catch_up();
}

// RFC 8446 section 4.4.2: the first entry is the server's own.
void TlsDecryptor::on_certificate(ByteSpan body) {
  ByteReader in(body);
  in.skip(in.u8());
  in.skip(3);
  const size_t high = in.u8();
  const size_t size = high << 16 | in.u16();
  const ByteSpan der = in.take(size);
  if (!in.ok() || der.empty()) return;
  certificate_names_ = inspect::certificate_names(der, kMaxCertificateNames).names;
  ++changes_;
}

void TlsDecryptor::on_encrypted_extensions(ByteSpan body) {
  ByteReader in(body);
  ByteReader extensions = in.sub(in.u16());
  while (!extensions.empty()) {
    const uint16_t type = extensions.u16();
    const ByteReader extension = extensions.sub(extensions.u16());
    if (!extensions.ok()) return;
    if (type == kAlpnExtension) {
      alpn_ = read_alpn(extension);
      ++changes_;
    }
  }
}

}  // namespace weir::inspect
