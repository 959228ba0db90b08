// Finding the keys of a connection, and the ciphertext that waits for them; see tls_decryptor.h.
#include <algorithm>

#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/decrypt/tls_record.h"

namespace weir::inspect {
namespace {

// Of what may be held, the server's part: its answers matter less than what is sent to it.
constexpr uint64_t kServerShare = 4;
// Held of flows that are of no interest until the ServerHello says what their records are.
constexpr uint64_t kHeldWithoutInterest = 32U << 10;

}  // namespace

DecodeStatus TlsDecryptor::poll_keys(Timestamp now) noexcept {
  now_ = now;
  if (!blocked()) return status();
  if (waiting_since_.ns == 0) waiting_since_ = now;
  if (look_up()) {
    catch_up();
  } else if (!expired_ && now - waiting_since_ > services_.limits.hold_age) {
    if (settle()) {
      catch_up();
      return status();
    }
    expired_ = true;
    if (hold_.bytes() > 0) services_.counters.hold_expired.add();
    drop_hold();
    for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
      Side& side = sides_[d];
      if (!side.waiting || !side.pending_end) continue;
      side.waiting = false;
      give_up(d, DecryptFault::kNoKey);
    }
  }
  return status();
}

// True when records can be opened. When not, the record at hand, which needs keys, was taken care
// of: held, or its direction given up.
bool TlsDecryptor::need_keys(Direction d, ByteSpan body) {
  if (ready_) return true;
  Side& side = sides_[d];
  if (look_up()) {
    if (blocked()) catch_up();
    return true;
  }
  DecryptFault hopeless = client_hello_ ? unusable_ : DecryptFault::kNoHandshake;
  if (hopeless == DecryptFault::kNone && !of_interest_ && server_hello_) {
    hopeless = DecryptFault::kNoKey;
  }
  if (hopeless != DecryptFault::kNone) {
    count_sealed(d, body.size());
    give_up(d, hopeless);
    return false;
  }
  if (!blocked()) waiting_since_ = now_;
  side.waiting = true;
  hold_.begin(d);
  hold(d, side.header);
  hold(d, body);
  return false;
}

bool TlsDecryptor::look_up() {
  if (ready_) return true;
  if (!client_hello_ || unusable_ != DecryptFault::kNone) return false;
  if (exchange_ && open_exchange()) return true;
  if (now_ - hello_time_ < services_.key_delay) return false;
  const uint64_t generation = services_.keys.generation();
  if (generation == seen_generation_) return false;
  seen_generation_ = generation;
  SessionSecrets found;
  if (!services_.keys.find(client_random_, found)) return false;
  ready_ = take_secrets(found);
  if (ready_) {
    services_.counters.connections_keyed.add();
    if (hold_.bytes() > 0) services_.counters.connections_keyed_late.add();
  }
  return ready_;
}

// By the server's RSA key.
bool TlsDecryptor::open_exchange() {
  if (!server_hello_ || !exchange_->ready()) return false;
  if (exchange_->costs() && !services_.may_exchange(now_)) {
    services_.counters.rsa_limit.add();
    exchange_->give_up();
    return false;
  }
  SessionSecrets found;
  if (!exchange_->open(version_, suite_->prf, client_random_, server_random_, now_,
                       found[SecretKind::kMaster])) {
    if (exchange_->costs()) services_.counters.rsa_not_opened.add();
    return false;
  }
  ready_ = take_secrets(found);
  if (ready_) {
    services_.counters.connections_keyed.add();
    services_.counters.connections_by_rsa.add();
  }
  return ready_;
}

// The time is up: what secrets there are must do. True when they do.
bool TlsDecryptor::settle() {
  settle_ = true;
  seen_generation_ = 0;
  return look_up();
}

// False when they are not enough yet. The key log of a TLS 1.3 session is written in four lines or
// five: all are awaited, unless the time is up.
bool TlsDecryptor::take_secrets(const SessionSecrets& found) {
  uint16_t version = version_;
  if (!server_hello_) {
    // Without the ServerHello only TLS 1.3 can be decrypted: the cipher is found by trial.
    if (!settle_ && !server_hello_lost_) return false;
    if (found[SecretKind::kClientTraffic].empty()) return false;
    version = kTls13;
  }
  if (version < kTls13) {
    const Secret& master = found[SecretKind::kMaster];
    if (master.empty()) return false;
    PerDirection<RecordKeys> keys;
    if (!derive_key_block(version, *suite_, master.bytes(), client_random_, server_random_, keys)) {
      unusable_ = DecryptFault::kUnknownCipher;
      return false;
    }
    keys_[client_] = keys[Direction::kToServer];
    keys_[reverse(client_)] = keys[Direction::kToClient];
    return true;
  }
  size_t there = 0;
  for (const SecretKind kind : {SecretKind::kClientHandshake, SecretKind::kServerHandshake,
                                SecretKind::kClientTraffic, SecretKind::kServerTraffic}) {
    there += found[kind].empty() ? 0 : 1;
  }
  if (there == 0 || (there < 4 && !settle_)) return false;
  version_ = version;
  Side& client = sides_[client_];
  Side& server = sides_[reverse(client_)];
  client.handshake = found[SecretKind::kClientHandshake];
  client.traffic = found[SecretKind::kClientTraffic];
  server.handshake = found[SecretKind::kServerHandshake];
  server.traffic = found[SecretKind::kServerTraffic];
  early_secret_ = found[SecretKind::kClientEarly];
  return true;
}

uint64_t TlsDecryptor::may_hold(Direction d) const noexcept {
  if (expired_) return 0;
  const Limits& limits = services_.limits;
  uint64_t most = limits.hold_bytes - std::min(limits.hold_bytes, hold_.bytes(reverse(d)));
  if (!is_client(d)) most = std::min<uint64_t>(most, limits.hold_bytes / kServerShare);
  if (!of_interest_) most = server_hello_ ? 0 : std::min(most, kHeldWithoutInterest);
  const uint64_t others = services_.held_bytes - hold_.bytes(d);
  const uint64_t all = services_.may_hold_in_all(priority_);
  const uint64_t free = all - std::min(all, others);
  return std::min(most, free);
}

void TlsDecryptor::hold(Direction d, ByteSpan data) {
  const bool was_whole = !hold_.dropped(d).any;
  const int64_t more = hold_.add(d, data, may_hold(d));
  services_.held_bytes += static_cast<uint64_t>(more);
  if (more > 0) services_.counters.held_bytes.add(static_cast<uint64_t>(more));
  const int64_t lost = static_cast<int64_t>(data.size()) - more;
  if (lost > 0) count_sealed(d, static_cast<uint64_t>(lost));
  if (was_whole && hold_.dropped(d).any && !expired_) services_.counters.hold_limit.add();
}

void TlsDecryptor::hold_gap(Direction d, uint64_t bytes) { hold_.add_gap(d, bytes); }

void TlsDecryptor::drop_hold() {
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    count_sealed(d, hold_.bytes(d));
  }
  services_.held_bytes -= hold_.drop_all();
}

// Keys were found, or it is known that none will do: what was held goes its way, in the order in
// which it came.
void TlsDecryptor::catch_up() {
  const CipherHold held = std::move(hold_);
  hold_ = CipherHold();
  services_.held_bytes -= held.bytes();
  PerDirection<bool> waited;
  PerDirection<uint64_t> at;
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    waited[d] = sides_[d].waiting;
    sides_[d].waiting = false;
    if (waited[d] && !ready_) {
      count_sealed(d, held.bytes(d));
      give_up(d, unusable_);
    }
  }
  for (const CipherHold::Piece& piece : held.pieces()) {
    if (!ready_) break;
    const Direction d = piece.direction;
    const ByteSpan bytes = held.held(d);
    if (!piece.gap) {
      // The end of the last piece may have been taken back.
      const ByteSpan left = bytes.subspan(at[d]);
      const ByteSpan part = left.first(std::min<size_t>(left.size(), piece.size));
      at[d] += part.size();
      process(d, part);
    } else if (piece.at <= bytes.size() && !sides_[d].dead) {
      lose(d, piece.size);
    }
  }
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    if (!waited[d]) continue;
    if (held.dropped(d).any && !sides_[d].dead) go_on_behind(d, held.dropped(d));
    if (sides_[d].pending_end) tell_end(d, sides_[d].end_reason);
  }
}

// The stream goes on where records were counted, but not kept.
void TlsDecryptor::go_on_behind(Direction d, const CipherHold::Dropped& dropped) {
  Side& side = sides_[d];
  if (dropped.framing_lost) {
    lose(d, 0);
    return;
  }
  const bool in_body = dropped.header_fill == kRecordHeaderBytes;
  const uint64_t records = dropped.records + (in_body ? 1 : 0);
  uint64_t bytes = 0;
  if (side.epoch == Epoch::kClear) {
    // Nothing was kept at all: how many of the records belong to the handshake is not known.
    enter(d, version_ >= kTls13 ? Epoch::kHandshake : Epoch::kLegacy);
    if (version_ >= kTls13) {
      side.seq_hint = records;
    } else {
      side.seq = records;
    }
  } else {
    const uint64_t body = dropped.body_bytes + (in_body ? body_bytes(dropped.header) : 0);
    const uint64_t overhead = records * side.opener.overhead();
    bytes = overhead > 0 && body > overhead ? body - overhead : 0;
    side.seq += records;
    if (side.epoch == Epoch::kHandshake) side.seq_hint = records;
  }
  if (side.dead) return;
  services_.counters.records_missed.add(records);
  side.resync = true;
  side.trial_bytes = 0;
  side.failed = 0;
  side.messages.reset();
  if (records > 0) tell_gap(d, bytes);
  side.header = dropped.header;
  side.header_fill = dropped.header_fill;
  side.left = dropped.left;
  side.framing = in_body ? Framing::kSkip : Framing::kHeader;
}

}  // namespace weir::inspect
