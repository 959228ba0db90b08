// What happens after lost bytes. Record numbers are not on the wire, so a record behind a gap is
// opened by trying numbers, and epochs where the change of keys may have been lost: the tag says
// which one was right. Where a gap hides the record boundaries too, headers are searched for and
// confirmed in the same way. Trials are bounded in number and bytes.
#include <algorithm>

#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/decrypt/tls_record.h"

namespace weir::inspect {
namespace {

constexpr uint64_t kUnsizedTrials = 64;
constexpr uint64_t kMostTrials = 512;
constexpr uint64_t kHandshakeTrials = 8;
constexpr uint64_t kHintSpread = 16;
constexpr uint64_t kMostTrialBytes = 4U << 20;  // since the loss
constexpr uint8_t kMostFailed = 16;
constexpr uint8_t kMostEarlySealed = 128;
constexpr size_t kSmallestSealed = 9;  // CCM-8 with a content type
constexpr size_t kMostTls13Body = kMaxPlaintext + 256;

}  // namespace

// Keys and record numbers to try.
struct TlsDecryptor::Trial {
  Epoch epoch = Epoch::kTraffic;
  bool next_generation = false;  // a KeyUpdate may have been lost
  uint64_t from = 0;
  uint64_t count = 0;
};

void TlsDecryptor::lose(Direction d, uint64_t bytes) {
  Side& side = sides_[d];
  side.gap = true;
  if (!is_client(d) && client_hello_) do_without_server_hello();
  switch (side.framing) {
    case Framing::kBody:
    case Framing::kSkip: {
      if (side.framing == Framing::kBody) lose_record(d, body_bytes(side.header));
      side.framing = Framing::kSkip;
      if (bytes > 0 && bytes <= side.left) {
        side.left -= static_cast<uint32_t>(bytes);
        if (side.left == 0) {
          side.framing = Framing::kHeader;
          side.header_fill = 0;
        }
        return;
      }
      begin_scan(d, bytes == 0 ? 0 : bytes - side.left, bytes > 0);
      return;
    }
    case Framing::kHeader:
    case Framing::kScan:
      begin_scan(d, side.header_fill + bytes, bytes > 0);
      return;
  }
}

// A record whose header was seen is not whole.
void TlsDecryptor::lose_record(Direction d, size_t body) {
  Side& side = sides_[d];
  services_.counters.records_missed.add();
  if (side.epoch == Epoch::kClear) {
    if (side.header[0] == kHandshakeRecord) {
      side.messages.lose(body);
      if (exchange_) exchange_->lose();
    }
    return;
  }
  if (side.header[0] == kChangeCipherSpecRecord) return;
  count_sealed(d, body);
  ++side.seq;
  side.messages.reset();
  side.resync = true;
  side.trial_bytes = 0;
  side.failed = 0;
  if (side.epoch == Epoch::kHandshake || side.header[0] != kApplicationDataRecord) return;
  const size_t overhead = side.opener.overhead();
  tell_gap(d, overhead > 0 && body > overhead ? body - overhead : 0);
}

// `wire` bytes of whole and partial records are missing before the next header.
void TlsDecryptor::begin_scan(Direction d, uint64_t wire, bool sized) {
  Side& side = sides_[d];
  count_sealed(d, wire);
  if (side.scanning) {
    side.lost_wire += wire;
    side.loss_sized = side.loss_sized && sized;
  } else {
    side.lost_wire = wire;
    side.loss_sized = sized;
    side.trial_bytes = 0;
    side.failed = 0;
  }
  side.scanning = true;
  side.framing = Framing::kScan;
  side.header_fill = 0;
  if (side.epoch != Epoch::kClear) side.resync = true;
  if (exchange_) exchange_->lose();
  side.messages.reset();
}

void TlsDecryptor::scan(Direction d, ByteSpan& data) {
  Side& side = sides_[d];
  while (!data.empty()) {
    side.header[side.header_fill++] = data[0];
    data = data.subspan(1);
    if (side.header_fill < kRecordHeaderBytes) continue;
    if (header_fits(d)) {
      begin_body(d, data);
      return;
    }
    std::copy(side.header.begin() + 1, side.header.end(), side.header.begin());
    --side.header_fill;
    ++side.lost_wire;
  }
}

bool TlsDecryptor::header_fits(Direction d) const noexcept {
  const Side& side = sides_[d];
  const RecordHeader& h = side.header;
  const size_t body = body_bytes(h);
  const bool tls12 = h[1] == 3 && h[2] == 3;
  switch (side.epoch) {
    case Epoch::kClear: {
      const bool clear_type = h[0] >= kChangeCipherSpecRecord && h[0] <= kHandshakeRecord;
      if (h[0] == kApplicationDataRecord) {
        return h[1] == 3 && h[2] <= 3 && body >= kSmallestSealed && body <= kMaxRecordBody;
      }
      return clear_type && h[1] == 3 && h[2] <= 3 && body > 0 && body <= kMaxPlaintext;
    }
    case Epoch::kLegacy:
      return h[0] >= kAlertRecord && h[0] <= kApplicationDataRecord && h[1] == 3 &&
             h[2] == (version_ & 0xff) && body >= kSmallestSealed && body <= kMaxRecordBody;
    case Epoch::kEarly:
    case Epoch::kHandshake:
    case Epoch::kTraffic:
      return h[0] == kApplicationDataRecord && tls12 && body >= kSmallestSealed &&
             body <= kMostTls13Body;
  }
  return false;
}

void TlsDecryptor::open_by_trial(Direction d, ByteSpan body) {
  Side& side = sides_[d];
  std::array<Trial, 6> trials{};
  size_t count = 0;
  const auto add = [&](Epoch epoch, uint64_t from, uint64_t numbers, bool next = false) {
    trials[count++] = {epoch, next, from, numbers};
  };
  // Each lost record took at least its header and an empty content.
  const uint64_t reach = side.scanning && side.loss_sized
                             ? std::min(kMostTrials, side.lost_wire / (5 + kSmallestSealed) + 1)
                             : kUnsizedTrials;
  switch (side.epoch) {
    case Epoch::kEarly:
      if (!hello_retry_) add(Epoch::kEarly, side.seq, side.resync ? reach : 1);
      add(Epoch::kHandshake, 0, side.resync ? kHandshakeTrials : 1);
      if (side.resync) add(Epoch::kTraffic, 0, reach);
      break;
    case Epoch::kHandshake:
      add(Epoch::kHandshake, side.seq, 1);
      if (side.seq_hint > 0) {
        const uint64_t from = side.seq_hint - std::min(side.seq_hint, kHintSpread);
        add(Epoch::kTraffic, from, side.seq_hint - from + 2);
      }
      add(Epoch::kTraffic, 0, kHandshakeTrials);
      add(Epoch::kHandshake, side.seq + 1, kHandshakeTrials);
      add(Epoch::kTraffic, kHandshakeTrials, reach);
      break;
    case Epoch::kTraffic:
      add(Epoch::kTraffic, side.seq, reach);
      add(Epoch::kTraffic, 0, kHandshakeTrials, true);
      break;
    case Epoch::kLegacy:
      add(Epoch::kLegacy, side.seq, reach);
      break;
    case Epoch::kClear:
      break;
  }
  for (size_t i = 0; i < count; ++i) {
    if (suite_ != nullptr) {
      if (try_one(d, trials[i], *suite_, body)) return;
      continue;
    }
    for (const int id : {0x1301, 0x1303, 0x1304, 0x1305, 0x1302}) {
      if (try_one(d, trials[i], *find_tls_suite(static_cast<uint16_t>(id)), body)) return;
    }
  }
  count_sealed(d, body.size());
  ++side.failed;
  if (side.epoch == Epoch::kEarly && !side.resync) {
    services_.counters.early_records_sealed.add();
    if (!early_gap_told_ && !hello_retry_) tell_gap(d, 0);
    early_gap_told_ = true;
    if (side.failed > kMostEarlySealed) give_up(d, DecryptFault::kWrongKey);
    return;
  }
  if (side.opener.ready()) side.opener.pass_over(body);
  if (side.failed > kMostFailed || side.trial_bytes > kMostTrialBytes) {
    const bool keyless = side.epoch != Epoch::kLegacy && side.traffic.empty();
    give_up(d, side.opened ? DecryptFault::kLostRecords
               : keyless   ? DecryptFault::kNoKey
                           : DecryptFault::kWrongKey);
  } else if (side.scanning) {
    side.lost_wire += kRecordHeaderBytes + body.size();
    side.framing = Framing::kScan;
    side.header_fill = 0;
  } else {
    ++side.seq;
    const size_t overhead = side.opener.overhead();
    if (side.epoch == Epoch::kTraffic || side.epoch == Epoch::kLegacy) {
      tell_gap(d, overhead > 0 && body.size() > overhead ? body.size() - overhead : 0);
    }
  }
}

// True when a key and number opened the record, which was then given on.
bool TlsDecryptor::try_one(Direction d, const Trial& trial, const TlsSuite& suite, ByteSpan body) {
  Side& side = sides_[d];
  RecordOpener other;
  RecordOpener* opener = &side.opener;
  const bool as_now = trial.epoch == side.epoch && !trial.next_generation && &suite == suite_;
  if (!as_now || !side.opener.ready()) {
    if (trial.epoch == Epoch::kLegacy) return false;
    Secret secret = trial.epoch == Epoch::kEarly       ? early_secret_
                    : trial.epoch == Epoch::kHandshake ? side.handshake
                                                       : side.traffic;
    RecordKeys keys;
    if (secret.size() != hash_bytes(suite.prf) ||
        (trial.next_generation && !update_traffic_secret(suite, secret)) ||
        !derive_traffic_keys(suite, secret.bytes(), keys) ||
        !other.begin(suite, kTls13, false, keys)) {
      return false;
    }
    opener = &other;
  }
  trial_.resize(kMaxRecordBody);
  for (uint64_t i = 0; i < trial.count; ++i) {
    if (side.trial_bytes > kMostTrialBytes) return false;
    side.trial_bytes += body.size();
    const auto plain = opener->open(trial.from + i, side.header, body, trial_.data());
    if (!plain) continue;
    found_again(d, trial, suite, trial.from + i);
    if (side.dead) return true;
    if (trial.epoch == Epoch::kLegacy) {
      on_content(d, side.header[0], *plain);
    } else {
      on_tls13_plain(d, *plain);
    }
    return true;
  }
  return false;
}

void TlsDecryptor::found_again(Direction d, const Trial& trial, const TlsSuite& suite,
                               uint64_t seq) {
  Side& side = sides_[d];
  const bool same = trial.epoch == side.epoch && !trial.next_generation;
  const uint64_t lost = same ? seq - side.seq : seq;
  const uint64_t expected = side.seq;
  suite_ = &suite;
  if (!same || !side.opener.ready()) {
    const bool was_early = side.epoch == Epoch::kEarly;
    if (was_early && !side.resync && early_told_) {
      // No end of the early data came: the server had refused it, and it is sent again.
      services_.counters.early_data_rejected.add();
      tell_gap(d, 0);
    }
    if (trial.next_generation) {
      services_.counters.key_updates.add();
      if (!update_traffic_secret(suite, side.traffic)) {
        give_up(d, DecryptFault::kUnknownCipher);
        return;
      }
    }
    enter(d, trial.epoch);
    if (side.dead) return;
  }
  if (side.resync && (side.gap || side.seq_hint > 0 || lost > 0)) services_.counters.resyncs.add();
  const bool carries_data = side.epoch != Epoch::kHandshake;
  if (side.scanning && carries_data && (lost > 0 || !same)) {
    services_.counters.records_missed.add(lost);
    const uint64_t around = lost * (kRecordHeaderBytes + side.opener.overhead());
    const bool exact =
        same && side.loss_sized && side.opener.overhead() > 0 && side.lost_wire > around;
    if (same || seq > 0) tell_gap(d, exact ? side.lost_wire - around : 0);
  } else if (!same && seq > 0 && carries_data && expected > 0) {
    tell_gap(d, 0);
  }
  side.seq = seq + 1;
  side.resync = false;
  side.scanning = false;
  side.failed = 0;
  side.lost_wire = 0;
  side.trial_bytes = 0;
  side.seq_hint = 0;
}

}  // namespace weir::inspect
