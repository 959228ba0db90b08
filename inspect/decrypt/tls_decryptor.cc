// Records; see tls_decryptor.h. Handshake messages: tls_decryptor_messages.cc. Keys:
// tls_decryptor_keys.cc. Lost bytes: tls_decryptor_loss.cc.
#include "inspect/decrypt/tls_decryptor.h"

#include <algorithm>

#include "inspect/decrypt/tls_record.h"

namespace weir::inspect {
namespace {

constexpr size_t kSmallRecord = 2048;
// A client that has sent more than this has been answered, whether or not the answer was captured.
constexpr uint64_t kMostBeforeServerHello = 256U << 10;

Counter& counter_of(DecryptFault fault, DecryptCounters& counters) noexcept {
  switch (fault) {
    case DecryptFault::kNoHandshake:
      return counters.no_handshake;
    case DecryptFault::kUnknownVersion:
      return counters.unknown_version;
    case DecryptFault::kUnknownCipher:
      return counters.unknown_cipher;
    case DecryptFault::kWrongKey:
      return counters.wrong_key;
    case DecryptFault::kBadRecord:
      return counters.bad_record;
    case DecryptFault::kBadFraming:
      return counters.bad_framing;
    case DecryptFault::kLostRecords:
      return counters.lost_records;
    case DecryptFault::kRenegotiation:
      return counters.renegotiations;
    case DecryptFault::kNone:
    case DecryptFault::kNoKey:
      break;
  }
  return counters.no_key;
}

}  // namespace

std::string_view tls_sight_name(TlsSight sight) noexcept {
  constexpr std::array<std::string_view, 9> kNames{
      "pending",      "waiting",         "decrypted",      "partly", "no_key",
      "no_handshake", "unknown_version", "unknown_cipher", "failed"};
  return kNames[static_cast<size_t>(sight)];
}

std::string_view decrypt_fault_name(DecryptFault fault) noexcept {
  constexpr std::array<std::string_view, 10> kNames{
      "none",      "no_key",     "no_handshake", "unknown_version", "unknown_cipher",
      "wrong_key", "bad_record", "bad_framing",  "lost_records",    "renegotiation"};
  return kNames[static_cast<size_t>(fault)];
}

TlsDecryptor::TlsDecryptor(DecryptServices& services, ClearSink& sink, bool of_interest)
    : services_(services),
      sink_(sink),
      names_(services.limits, services.tls, services.handshake_room),
      of_interest_(of_interest) {
  services.counters.connections.add();
  if (services.server_keys != nullptr && services.server_keys->size() > 0) {
    exchange_ = std::make_unique<RsaExchange>(*services.server_keys, services.handshake_room);
  }
  for (Side& side : sides_.slot) {
    side.messages.set_room(services.handshake_room);
    side.messages.keep_exchange(exchange_ != nullptr);
  }
}

TlsDecryptor::~TlsDecryptor() {
  drop_hold();
  for (Side& side : sides_.slot) {
    if (side.buffer) wipe_memory(side.buffer.get(), side.room);
  }
}

DecodeStatus TlsDecryptor::on_data(Direction d, ByteSpan data) noexcept {
  if (!names_done_) {
    const DecodeStatus names = names_.on_data(d, data);
    if (names == DecodeStatus::kNotMine) return names;
    names_done_ = names != DecodeStatus::kContinue;
  }
  if (blocked()) {
    if (hold_.bytes(client_) > kMostBeforeServerHello) do_without_server_hello();
    if (look_up()) catch_up();
  }
  take(d, data);
  return status();
}

DecodeStatus TlsDecryptor::on_gap(Direction d, uint64_t bytes) noexcept {
  if (!names_done_) names_done_ = names_.on_gap(d, bytes) != DecodeStatus::kContinue;
  Side& side = sides_[d];
  side.gap = true;
  if (side.dead) {
    count_sealed(d, bytes);
  } else if (side.waiting) {
    hold_gap(d, bytes);
  } else {
    lose(d, bytes);
  }
  return status();
}

void TlsDecryptor::on_end(Direction d, EndReason reason) noexcept {
  if (!names_done_) names_.on_end(d, reason);
  Side& side = sides_[d];
  side.pending_end = true;
  side.end_reason = reason;
  do_without_server_hello();
  if (blocked() && look_up()) catch_up();
  if (!side.waiting) tell_end(d, reason);
}

void TlsDecryptor::finish(EndReason reason) noexcept {
  if (blocked() && settle()) catch_up();
  drop_hold();
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    Side& side = sides_[d];
    if (side.waiting) give_up(d, DecryptFault::kNoKey);
    side.waiting = false;
    tell_end(d, side.pending_end ? side.end_reason : reason);
    side.dead = true;
  }
}

DecodeStatus TlsDecryptor::status() noexcept {
  // Without the client's side nothing of use follows.
  if (!sides_[client_].dead || !names_done_) return DecodeStatus::kContinue;
  const Side& answer = sides_[reverse(client_)];
  if (!answer.dead && sides_[client_].ended && fault_ == DecryptFault::kNone) {
    return DecodeStatus::kContinue;  // closed by the client in good order
  }
  return DecodeStatus::kDone;
}

TlsSight TlsDecryptor::sight() const noexcept {
  const Side& up = sides_[Direction::kToServer];
  const Side& down = sides_[Direction::kToClient];
  if (up.opened || down.opened) {
    const bool all = up.sealed_bytes + down.sealed_bytes == 0 && fault_ == DecryptFault::kNone;
    return all ? TlsSight::kDecrypted : TlsSight::kPartly;
  }
  if (waiting()) return TlsSight::kWaiting;
  switch (fault_) {
    case DecryptFault::kNone:
      return up.sealed_bytes + down.sealed_bytes > 0 ? TlsSight::kNoKey : TlsSight::kPending;
    case DecryptFault::kNoKey:
      return TlsSight::kNoKey;
    case DecryptFault::kNoHandshake:
      return TlsSight::kNoHandshake;
    case DecryptFault::kUnknownVersion:
      return TlsSight::kUnknownVersion;
    case DecryptFault::kUnknownCipher:
      return TlsSight::kUnknownCipher;
    default:
      return TlsSight::kFailed;
  }
}

void TlsDecryptor::take(Direction d, ByteSpan data) {
  Side& side = sides_[d];
  if (side.waiting) {
    hold(d, data);
  } else {
    process(d, data);
  }
}

void TlsDecryptor::process(Direction d, ByteSpan data) {
  Side& side = sides_[d];
  while (!data.empty()) {
    if (side.dead) {
      count_sealed(d, data.size());
      return;
    }
    if (side.waiting) {
      hold(d, data);
      return;
    }
    switch (side.framing) {
      case Framing::kHeader: {
        const size_t count = std::min(data.size(), kRecordHeaderBytes - side.header_fill);
        std::copy_n(data.begin(), count, side.header.begin() + side.header_fill);
        side.header_fill = static_cast<uint8_t>(side.header_fill + count);
        data = data.subspan(count);
        if (side.header_fill == kRecordHeaderBytes) begin_body(d, data);
        break;
      }
      case Framing::kBody: {
        const size_t count = std::min<size_t>(data.size(), side.left);
        std::copy_n(data.begin(), count, side.buffer.get() + side.fill);
        side.fill += static_cast<uint32_t>(count);
        side.left -= static_cast<uint32_t>(count);
        data = data.subspan(count);
        if (side.left > 0) break;
        side.framing = Framing::kHeader;
        side.header_fill = 0;
        on_record(d, ByteSpan(side.buffer.get(), side.fill));
        break;
      }
      case Framing::kSkip: {
        const size_t count = std::min<size_t>(data.size(), side.left);
        side.left -= static_cast<uint32_t>(count);
        data = data.subspan(count);
        if (side.left > 0) break;
        side.framing = Framing::kHeader;
        side.header_fill = 0;
        break;
      }
      case Framing::kScan:
        scan(d, data);
        break;
    }
  }
}

// The header is complete. A record that lies whole in `data` is not copied.
void TlsDecryptor::begin_body(Direction d, ByteSpan& data) {
  Side& side = sides_[d];
  const bool ssl2 = !client_hello_ && !side.gap && ssl2_hello_header(side.header) &&
                    ssl2_body_bytes(side.header) <= kMaxRecordBody;
  if (!ssl2 && !valid_header(side.header)) {
    give_up(d, client_hello_ ? DecryptFault::kBadFraming : DecryptFault::kNoHandshake);
    return;
  }
  const size_t size = ssl2 ? ssl2_body_bytes(side.header) : body_bytes(side.header);
  if (data.size() >= size) {
    const ByteSpan body = data.first(size);
    data = data.subspan(size);
    side.framing = Framing::kHeader;
    side.header_fill = 0;
    on_record(d, body);
    return;
  }
  room_for(side, size);
  side.framing = Framing::kBody;
  side.left = static_cast<uint32_t>(size);
  side.fill = 0;
}

uint8_t* TlsDecryptor::room_for(Side& side, size_t bytes) {
  if (side.room < bytes) {
    const size_t room = bytes <= kSmallRecord ? kSmallRecord : kMaxRecordBody;
    if (side.buffer) wipe_memory(side.buffer.get(), side.room);
    side.buffer.reset(new uint8_t[room]);
    side.room = static_cast<uint32_t>(room);
  }
  return side.buffer.get();
}

void TlsDecryptor::on_record(Direction d, ByteSpan body) {
  Side& side = sides_[d];
  // What is in clear cannot be told from what only looks like a record.
  if (side.epoch == Epoch::kClear && side.header[0] != kApplicationDataRecord) {
    side.scanning = false;
  }
  switch (side.epoch) {
    case Epoch::kClear:
      on_clear_record(d, body);
      break;
    case Epoch::kLegacy:
      on_tls12_record(d, body);
      break;
    case Epoch::kEarly:
    case Epoch::kHandshake:
    case Epoch::kTraffic:
      on_tls13_record(d, body);
      break;
  }
}

void TlsDecryptor::on_clear_record(Direction d, ByteSpan body) {
  Side& side = sides_[d];
  switch (side.header[0]) {
    case kHandshakeRecord:
      read_messages(d, body);
      return;
    case kChangeCipherSpecRecord:
      if (version_ == 0) {
        // Whether it means anything is known with the ServerHello: wait for it.
        (void)need_keys(d, body);
      } else if (version_ < kTls13) {
        enter(d, Epoch::kLegacy);
      }
      return;
    case kApplicationDataRecord:
      break;
    default:
      if (!client_hello_ && ssl2_hello_header(side.header)) on_ssl2_hello(d, body);
      return;
  }
  if (!client_hello_) {
    give_up(d, DecryptFault::kNoHandshake);
    return;
  }
  if (!need_keys(d, body)) return;
  if (version_ >= kTls13) {
    const bool early = is_client(d) && early_offered_;
    enter(d, early ? Epoch::kEarly : Epoch::kHandshake);
  } else if (side.gap) {
    enter(d, Epoch::kLegacy);  // its ChangeCipherSpec was lost
  } else {
    give_up(d, DecryptFault::kBadFraming);
  }
  if (!side.dead) on_record(d, body);
}

void TlsDecryptor::on_tls13_record(Direction d, ByteSpan body) {
  Side& side = sides_[d];
  if (side.header[0] == kHandshakeRecord && is_client(d) && side.epoch == Epoch::kEarly) {
    // The second ClientHello: the server asked to start over and ignores the early data.
    if (early_told_) {
      services_.counters.early_data_rejected.add();
      tell_gap(d, 0);
    }
    early_offered_ = false;
    side.epoch = Epoch::kClear;
    side.messages.reset();
    read_messages(d, body);
    return;
  }
  // What is not protected is for middleboxes (RFC 8446 appendix D.4), or an alert of a peer that
  // has no keys.
  if (side.header[0] != kApplicationDataRecord) return;
  if (side.resync || side.epoch == Epoch::kEarly) {
    open_by_trial(d, body);
    return;
  }
  uint8_t* out = room_for(side, body.size());
  const auto plain = side.opener.open(side.seq, side.header, body, out);
  if (!plain) {
    count_sealed(d, body.size());
    give_up(d, side.opened ? DecryptFault::kBadRecord : DecryptFault::kWrongKey);
    return;
  }
  ++side.seq;
  on_tls13_plain(d, *plain);
}

void TlsDecryptor::on_tls13_plain(Direction d, ByteSpan plain) {
  // The content type is the last byte that is not padding.
  size_t size = plain.size();
  while (size > 0 && plain[size - 1] == 0) --size;
  if (size == 0) {
    give_up(d, DecryptFault::kBadRecord);
    return;
  }
  on_content(d, plain[size - 1], plain.first(size - 1));
}

void TlsDecryptor::on_tls12_record(Direction d, ByteSpan body) {
  Side& side = sides_[d];
  if (!need_keys(d, body)) return;
  if (!side.opener.ready() && !side.opener.begin(*suite_, version_, encrypt_then_mac_, keys_[d])) {
    give_up(d, DecryptFault::kUnknownCipher);
    return;
  }
  if (side.header[0] == kChangeCipherSpecRecord && !side.resync) {
    give_up(d, DecryptFault::kRenegotiation);
    return;
  }
  if (side.resync) {
    open_by_trial(d, body);
    return;
  }
  uint8_t* out = room_for(side, body.size());
  const auto plain = side.opener.open(side.seq, side.header, body, out);
  if (!plain) {
    count_sealed(d, body.size());
    give_up(d, side.opened ? DecryptFault::kBadRecord : DecryptFault::kWrongKey);
    return;
  }
  ++side.seq;
  on_content(d, side.header[0], *plain);
}

void TlsDecryptor::on_content(Direction d, uint8_t type, ByteSpan content) {
  Side& side = sides_[d];
  side.opened = true;
  services_.counters.records_opened.add();
  switch (type) {
    case kApplicationDataRecord:
      if (content.empty()) return;
      if (side.epoch == Epoch::kEarly) {
        early_told_ = true;
        services_.counters.early_records.add();
      }
      side.clear_bytes += content.size();
      side.told = true;
      services_.counters.clear_bytes.add(content.size());
      sink_.on_clear_data(d, content);
      return;
    case kHandshakeRecord:
      read_messages(d, content);
      return;
    case kAlertRecord:
      // close_notify. Others end the connection by themselves.
      if (content.size() == 2 && content[1] == 0) {
        tell_end(d, EndReason::kComplete);
        side.dead = true;
      }
      return;
    default:
      return;
  }
}

// It was lost, or will not be seen.
void TlsDecryptor::do_without_server_hello() noexcept {
  if (server_hello_ || server_hello_lost_) return;
  server_hello_lost_ = true;
  seen_generation_ = 0;
}

// From here on records of this direction are protected with the keys of `epoch`.
void TlsDecryptor::enter(Direction d, Epoch epoch) {
  Side& side = sides_[d];
  side.epoch = epoch;
  side.seq = 0;
  side.messages.keep_exchange(false);
  // What the server says in clear ends with a ticket, if it gives one.
  if (epoch != Epoch::kLegacy || (ready_ && !is_client(d))) exchange_.reset();
  side.messages.reset();
  if (side.gap && !side.opened) side.resync = true;
  if (epoch == Epoch::kLegacy) return;  // the keys come with the first record
  const Secret& secret = epoch == Epoch::kEarly       ? early_secret_
                         : epoch == Epoch::kHandshake ? side.handshake
                                                      : side.traffic;
  RecordKeys keys;
  if (suite_ == nullptr || secret.empty()) {
    // Early data is opened by trial anyway.
    if (epoch != Epoch::kEarly) side.resync = true;
  } else if (!derive_traffic_keys(*suite_, secret.bytes(), keys) ||
             !side.opener.begin(*suite_, kTls13, false, keys)) {
    give_up(d, DecryptFault::kUnknownCipher);
  }
}

void TlsDecryptor::give_up(Direction d, DecryptFault fault) {
  Side& side = sides_[d];
  if (side.dead) return;
  side.dead = true;
  if (fault_ == DecryptFault::kNone) fault_ = fault;
  counter_of(fault, services_.counters).add();
  exchange_.reset();
  side.messages.reset();
  side.handshake.wipe();
  side.traffic.wipe();
  tell_end(d, EndReason::kMalformed);
  // Answers alone are of no use.
  Side& other = sides_[reverse(d)];
  if (!is_client(d) || other.dead || other.waiting) return;
  other.dead = true;
  tell_end(reverse(d), EndReason::kMalformed);
}

void TlsDecryptor::tell_gap(Direction d, uint64_t bytes) {
  sides_[d].told = true;
  sink_.on_clear_gap(d, bytes);
}

void TlsDecryptor::tell_end(Direction d, EndReason reason) {
  Side& side = sides_[d];
  if (side.ended) return;
  side.ended = true;
  if (side.framing == Framing::kBody ||
      (side.framing == Framing::kHeader && side.header_fill > 0)) {
    services_.counters.records_cut.add();
  }
  if (side.told) sink_.on_clear_end(d, reason);
}

void TlsDecryptor::count_sealed(Direction d, uint64_t bytes) {
  if (sides_[d].ended && fault_ == DecryptFault::kNone) return;  // what follows a close_notify
  sides_[d].sealed_bytes += bytes;
  services_.counters.sealed_bytes.add(bytes);
}

}  // namespace weir::inspect
