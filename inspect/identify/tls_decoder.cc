#include "inspect/identify/tls_decoder.h"

#include <algorithm>
#include <array>

#include "core/byte_reader.h"
#include "inspect/identify/certificate_names.h"

namespace weir::inspect {
namespace {

enum ContentType : uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
  kHeartbeat = 24,
};

enum MessageType : uint8_t {
  kHelloRequest = 0,
  kClientHello = 1,
  kServerHello = 2,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kServerHelloDone = 14,
  kMaxMessageType = 25,
};

constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr size_t kMaxFragment = (1U << 14) + 2048;  // RFC 5246 section 6.2.3
constexpr uint16_t kTls13 = 0x0304;
constexpr uint8_t kSsl2Bit = 0x80;
constexpr uint8_t kSsl2ClientHello = 1;
constexpr uint8_t kSsl2ServerHello = 4;
constexpr uint32_t kSsl2InHeader = 3;  // bytes of the SSL 2 message inside the first five
// When one side has sent this much after its readable part and the other is still not through,
// the other side will not be seen.
constexpr uint64_t kPatienceBytes = 64U << 10;

// RFC 8446 section 4.1.3: the random of a HelloRetryRequest, SHA-256 of "HelloRetryRequest".
constexpr std::array<uint8_t, 32> kRetryRandom{
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

// Peers ignore the minor version of records (RFC 8446 section 5.1), so a client may send any.
bool record_version(uint8_t major, uint8_t) { return major == 3; }

uint32_t body_size(const uint8_t* message_header) {
  return static_cast<uint32_t>(message_header[1]) << 16 |
         static_cast<uint32_t>(message_header[2]) << 8 | message_header[3];
}

// TLS 1.3 and its drafts (0x7f00 and what follows), where the certificate is encrypted.
bool hides_certificate(uint16_t version) { return version >= kTls13; }

}  // namespace

ProbeAnswer probe_tls(ByteSpan first) noexcept {
  // `agrees(i, test)`: byte i passes the test, or is not there yet.
  const auto agrees = [first](size_t i, auto test) { return i >= first.size() || test(first[i]); };
  if (first.empty()) return ProbeAnswer::kMaybe;
  const bool ssl2 = (first[0] & kSsl2Bit) != 0;
  if (ssl2) {
    // A short SSL 2 length, so that random bytes seldom pass.
    const bool fits = agrees(0, [](uint8_t b) { return b <= 0x83; }) &&
                      agrees(2, [](uint8_t b) { return b == kSsl2ClientHello; }) &&
                      agrees(3, [](uint8_t b) { return b == 3 || b == 0; }) &&
                      agrees(4, [first](uint8_t b) { return first[3] == 3 ? b <= 4 : b == 2; }) &&
                      agrees(6, [first](uint8_t b) { return (first[5] << 8 | b) % 3 == 0; });
    if (!fits) return ProbeAnswer::kNo;
    return first.size() >= 7 ? ProbeAnswer::kYes : ProbeAnswer::kMaybe;
  }
  const bool fits = first[0] == kHandshake && agrees(1, [](uint8_t b) { return b == 3; }) &&
                    agrees(4,
                           [first](uint8_t b) {
                             const size_t size = static_cast<size_t>(first[3]) << 8 | b;
                             return size > 0 && size <= kMaxFragment;
                           }) &&
                    agrees(5, [](uint8_t b) { return b == kClientHello || b == kServerHello; });
  if (!fits) return ProbeAnswer::kNo;
  return first.size() > kRecordHeader ? ProbeAnswer::kYes : ProbeAnswer::kMaybe;
}

DecodeStatus TlsDecoder::on_data(Direction d, ByteSpan data) noexcept {
  Side& side = sides_[d];
  while (!data.empty()) {
    switch (side.state) {
      case State::kHeader: {
        const size_t count = std::min(data.size(), kRecordHeader - side.header_fill);
        std::copy_n(data.begin(), count, side.header + side.header_fill);
        side.header_fill = static_cast<uint8_t>(side.header_fill + count);
        data = data.subspan(count);
        if (side.header_fill == kRecordHeader && !on_header(d)) return broken(d);
        break;
      }
      case State::kFragment:
      case State::kSsl2: {
        const ByteSpan part = data.first(std::min<size_t>(data.size(), side.fragment_left));
        data = data.subspan(part.size());
        side.fragment_left -= static_cast<uint32_t>(part.size());
        on_fragment(d, part);
        if (side.state == State::kFragment && side.fragment_left == 0) {
          side.state = State::kHeader;
          side.header_fill = 0;
        }
        break;
      }
      case State::kFinished:
        side.message.free();
        side.bytes_after += data.size();
        data = {};
        break;
    }
  }
  return status();
}

bool TlsDecoder::on_header(Direction d) {
  Side& side = sides_[d];
  const uint8_t* h = side.header;
  if (!side.started && (h[0] & kSsl2Bit) != 0) {
    const uint32_t size = static_cast<uint32_t>(h[0] & 0x7f) << 8 | h[1];
    if (h[2] == kSsl2ServerHello && info_.ssl2_hello) {
      finish_side(d);
      return true;
    }
    if (h[2] != kSsl2ClientHello || size <= kSsl2InHeader ||
        !(record_version(h[3], h[4]) || (h[3] == 0 && h[4] == 2))) {
      return false;
    }
    side.started = true;
    side.state = State::kSsl2;
    if (!side.message.append(ByteSpan(h + 2, kSsl2InHeader))) return false;
    side.fragment_left = size - kSsl2InHeader;
    return true;
  }
  const uint32_t size = static_cast<uint32_t>(h[3]) << 8 | h[4];
  if (h[0] < kChangeCipherSpec || h[0] > kHeartbeat || !record_version(h[1], h[2]) ||
      size > kMaxFragment) {
    return false;
  }
  side.started = true;
  if (h[0] == kAlert) counters_.alerts.add();
  if (h[0] == kApplicationData || (h[0] == kChangeCipherSpec && !retry_pending_)) {
    finish_side(d);
    return true;
  }
  side.fragment_left = size;
  side.state = State::kFragment;
  if (size == 0) {
    side.state = State::kHeader;
    side.header_fill = 0;
  }
  return true;
}

void TlsDecoder::on_fragment(Direction d, ByteSpan part) {
  Side& side = sides_[d];
  if (side.state == State::kSsl2) {
    if (!side.message.append(part)) {
      finish_side(d);
    } else if (side.fragment_left == 0) {
      on_ssl2_hello(d, side.message);
      side.message.free();
    }
    return;
  }
  if (side.header[0] == kHandshake) on_handshake(d, part);
}

void TlsDecoder::on_handshake(Direction d, ByteSpan part) {
  Side& side = sides_[d];
  while (!part.empty() && side.state == State::kFragment) {
    if (side.message_fill < kMessageHeader) {
      side.message_header[side.message_fill++] = part[0];
      part = part.subspan(1);
      if (side.message_fill == kMessageHeader) begin_message(d);
      continue;
    }
    const ByteSpan body = part.first(std::min<size_t>(part.size(), side.message_left));
    part = part.subspan(body.size());
    if (side.want > 0) keep_message(d, body);
    side.message_left -= static_cast<uint32_t>(body.size());
    if (side.message_left == 0) side.message_fill = 0;
  }
}

// `body`: the next bytes of the message's body.
void TlsDecoder::keep_message(Direction d, ByteSpan body) {
  Side& side = sides_[d];
  const bool limited = side.want < body_size(side.message_header);
  // The whole message in one piece, the usual case, is read where it lies.
  ByteSpan message;
  if (side.message.empty() && body.size() >= side.want) {
    message = body.first(side.want);
  } else {
    const ByteSpan kept = body.first(std::min(body.size(), side.want - side.message.size()));
    if (side.message.append(kept)) {
      if (side.message.size() < side.want) return;
      message = side.message;
    } else {
      // What is there must do: names stand near the beginning.
      side.want = 0;
      on_message(d, side.message.empty() ? kept : side.message.bytes(), true);
      side.message.free();
      return;
    }
  }
  side.want = 0;
  on_message(d, message, limited);
  side.message.free();
}

void TlsDecoder::begin_message(Direction d) {
  Side& side = sides_[d];
  const uint8_t* h = side.message_header;
  side.message_left = body_size(h);
  side.message.clear();
  side.want = 0;
  const auto at_most = [&side](size_t limit) {
    return static_cast<uint32_t>(std::min<size_t>(side.message_left, limit));
  };
  switch (h[0]) {
    case kClientHello:
      side.want = at_most(limits_.client_hello_bytes);
      break;
    case kServerHello:
      side.want = at_most(limits_.server_hello_bytes);
      break;
    case kCertificate:
      side.want = at_most(limits_.certificate_bytes);
      break;
    case kServerKeyExchange:
    case kServerHelloDone:
      finish_side(d);
      return;
    default:
      // Encrypted, with its ChangeCipherSpec missed: nothing readable follows.
      if (h[0] > kMaxMessageType) {
        finish_side(d);
        return;
      }
  }
  if (side.message_left == 0) side.message_fill = 0;
}

void TlsDecoder::on_message(Direction d, ByteSpan body, bool limited) {
  switch (sides_[d].message_header[0]) {
    case kClientHello:
      if (limited) counters_.client_hello_limit.add();
      on_client_hello(d, body, limited);
      break;
    case kServerHello:
      on_server_hello(d, body);
      break;
    case kCertificate:
      on_certificate(d, body, limited);
      break;
    default:
      break;
  }
}

void TlsDecoder::on_client_hello(Direction d, ByteSpan body, bool cut) {
  // After a HelloRetryRequest the hello is repeated; the first one is the fingerprint.
  if (!info_.client_hello_seen) {
    const std::optional<ClientHello> hello = parse_client_hello(body, cut);
    if (!hello) {
      counters_.client_hellos_malformed.add();
    } else {
      counters_.client_hellos.add();
      if (hello->cut) counters_.client_hellos_cut.add();
      if (hello->malformed) counters_.client_hellos_malformed.add();
      if (!hello->has_sni) counters_.client_hellos_without_name.add();
      fill_client_hello(*hello, HelloTransport::kTcp, info_);
      info_.client = d;
      ++changes_;
    }
  }
  finish_side(d);
}

void TlsDecoder::on_server_hello(Direction d, ByteSpan body) {
  ByteReader in(body);
  uint16_t version = in.u16();
  const ByteSpan random = in.take(kRetryRandom.size());
  in.skip(in.u8());
  const uint16_t cipher = in.u16();
  in.skip(1);
  if (!in.ok()) {
    finish_side(d);
    return;
  }
  std::string alpn;
  bool ech = false;
  if (!in.empty()) {
    ByteReader extensions = in.sub(in.u16());
    while (!extensions.empty()) {
      const uint16_t type = extensions.u16();
      ByteReader extension = extensions.sub(extensions.u16());
      if (!extensions.ok()) break;
      if (type == 43) version = extension.u16();
      ech = ech || type == 0xfe0d;
      if (type == 16) {
        extension.skip(2);
        alpn = safe_token(extension.take(extension.u8()));
      }
    }
  }
  if (std::equal(random.begin(), random.end(), kRetryRandom.begin(), kRetryRandom.end())) {
    counters_.hello_retries.add();
    info_.hello_retry = true;
    // Only a server that holds an ECH key answers so (draft-ietf-tls-esni section 7.2.1).
    if (ech && info_.ech == EchSeen::kPossible) info_.ech = EchSeen::kLikely;
    retry_pending_ = true;
    ++changes_;
    return;
  }
  counters_.server_hellos.add();
  retry_pending_ = false;
  info_.server_hello_seen = true;
  info_.version = version;
  info_.cipher = cipher;
  info_.alpn = std::move(alpn);
  if (!info_.client_hello_seen) info_.client = reverse(d);
  ++changes_;
  if (hides_certificate(version)) finish_side(d);
}

void TlsDecoder::on_certificate(Direction d, ByteSpan body, bool limited) {
  ByteReader in(body);
  in.skip(3);  // length of the chain
  const ByteSpan leaf = in.take(in.u24());
  if (!in.ok()) {
    (limited ? counters_.certificate_limit : counters_.certificates_malformed).add();
  } else if (!leaf.empty()) {
    CertificateNames found = certificate_names(leaf, kMaxCertificateNames);
    counters_.certificates.add();
    if (!found.well_formed) counters_.certificates_malformed.add();
    if (found.limited) counters_.certificate_limit.add();
    info_.certificate_seen = true;
    info_.certificate_names = std::move(found.names);
    ++changes_;
  }
  finish_side(d);
}

// message: type, version, three lengths, then cipher specs of three bytes (RFC 5246 appendix E.2).
void TlsDecoder::on_ssl2_hello(Direction d, ByteSpan body) {
  ByteReader in(body);
  in.skip(1);
  const uint16_t version = in.u16();
  const uint16_t cipher_bytes = in.u16();
  if (in.ok() && cipher_bytes % 3 == 0) {
    counters_.ssl2_hellos.add();
    counters_.client_hellos_without_name.add();
    info_.client_hello_seen = true;
    info_.ssl2_hello = true;
    info_.offered_version = version;
    info_.client = d;
    ++changes_;
  } else {
    counters_.client_hellos_malformed.add();
  }
  finish_side(d);
}

// A ClientHello that will not come to its end still has its name near the beginning.
void TlsDecoder::read_what_is_there(Direction d) {
  Side& side = sides_[d];
  if (side.state == State::kFragment || side.state == State::kHeader) {
    if (side.message_fill == kMessageHeader && side.message_header[0] == kClientHello &&
        side.want > 0 && !side.message.empty()) {
      side.want = 0;
      on_client_hello(d, side.message, true);
    }
  }
}

DecodeStatus TlsDecoder::on_gap(Direction d, uint64_t bytes) noexcept {
  Side& side = sides_[d];
  if (side.state == State::kFinished) {
    side.bytes_after += bytes;
    return status();
  }
  counters_.gaps.add();
  read_what_is_there(d);
  // A gap of known size inside a message that is skipped anyway loses nothing.
  if (bytes > 0 && side.state == State::kFragment && side.header[0] == kHandshake &&
      side.want == 0 && side.message_fill == kMessageHeader && bytes <= side.message_left &&
      bytes < side.fragment_left) {
    side.message_left -= static_cast<uint32_t>(bytes);
    side.fragment_left -= static_cast<uint32_t>(bytes);
    if (side.message_left == 0) side.message_fill = 0;
    return status();
  }
  finish_side(d);
  side.message.free();
  return status();
}

void TlsDecoder::on_end(Direction d, EndReason) noexcept {
  read_what_is_there(d);
  finish_side(d);
  sides_[d].message.free();
}

void TlsDecoder::finish_side(Direction d) noexcept {
  Side& side = sides_[d];
  side.state = State::kFinished;
  // Not cleared here: the bytes may be those that are just being read.
  side.want = 0;
}

DecodeStatus TlsDecoder::status() const noexcept {
  const Side& up = sides_[Direction::kToServer];
  const Side& down = sides_[Direction::kToClient];
  const bool both = up.state == State::kFinished && down.state == State::kFinished;
  const bool alone = up.bytes_after >= kPatienceBytes || down.bytes_after >= kPatienceBytes;
  return both || alone ? DecodeStatus::kDone : DecodeStatus::kContinue;
}

DecodeStatus TlsDecoder::broken(Direction d) noexcept {
  const bool known = sides_[d].started || info_.client_hello_seen || info_.server_hello_seen;
  finish_side(d);
  sides_[d].message.free();
  if (!known) {
    counters_.not_tls.add();
    return DecodeStatus::kNotMine;
  }
  counters_.malformed.add();
  return info_.client_hello_seen ? DecodeStatus::kDone : DecodeStatus::kMalformed;
}

}  // namespace weir::inspect
