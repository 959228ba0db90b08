// Finding keys, packets that wait for them, and changes of keys; see quic_connection.h.
#include <algorithm>

#include "inspect/decrypt/quic_connection.h"

namespace weir::inspect {
namespace {

// Of what may be held, the server's part: its answers matter less than what is sent to it.
constexpr uint64_t kServerShare = 4;
// Windows of packet numbers that are tried when packets were lost, and for how many packets in a
// row.
constexpr uint64_t kWindowTrials = 8;
constexpr uint32_t kFailedTrials = 32;

constexpr size_t space_of(size_t level) noexcept {
  constexpr std::array<size_t, 4> kSpaces{0, 2, 1, 2};
  return kSpaces[level];
}

}  // namespace

void QuicConnection::poll(Timestamp now) noexcept {
  now_ = now;
  look_up();
  if (!held_.empty() && !expired_ && now - waiting_since_ > services_.shared.limits.hold_age) {
    services_.counters.hold_expired.add();
    expired_ = true;
    drop_held();
  }
  skip_old_holes();
}

void QuicConnection::look_up() {
  const uint64_t generation = services_.shared.keys.generation();
  if (!client_hello_ || generation == seen_generation_) return;
  seen_generation_ = generation;
  SessionSecrets found;
  if (!services_.shared.keys.find(client_random_, found)) return;
  bool usable = false;
  for (const SecretKind kind :
       {SecretKind::kClientEarly, SecretKind::kClientHandshake, SecretKind::kServerHandshake,
        SecretKind::kClientTraffic, SecretKind::kServerTraffic}) {
    if (secrets_[kind].empty()) secrets_[kind] = found[kind];
    usable = usable || !secrets_[kind].empty();
  }
  if (!usable) return;
  if (!keyed_) {
    keyed_ = true;
    services_.counters.connections_keyed.add();
    if (!held_.empty()) services_.counters.connections_keyed_late.add();
  }
  catch_up();
}

const Secret& QuicConnection::secret_of(Direction d, Level level) const noexcept {
  static const Secret kNone;
  const bool client = d == Direction::kToServer;
  switch (level) {
    case kEarly:
      return client ? secrets_[SecretKind::kClientEarly] : kNone;
    case kHandshake:
      return secrets_[client ? SecretKind::kClientHandshake : SecretKind::kServerHandshake];
    case kOneRtt:
      return secrets_[client ? SecretKind::kClientTraffic : SecretKind::kServerTraffic];
    case kInitial:
      break;
  }
  return kNone;
}

std::unique_ptr<QuicConnection::LevelKeys> QuicConnection::make_keys(Direction d, Level level,
                                                                     uint16_t suite) const {
  const QuicVersionTraits* form = traits();
  const Secret& secret = secret_of(d, level);
  auto made = std::make_unique<LevelKeys>();
  made->suite = find_tls_suite(suite);
  QuicKeys keys;
  if (form == nullptr || made->suite == nullptr || !made->suite->tls13() ||
      secret.size() != hash_bytes(made->suite->prf) ||
      !derive_quic_keys(*made->suite, form->v2_labels, secret.bytes(), keys) ||
      !made->mask.begin(*made->suite, keys) || !made->aead->begin(*made->suite, keys)) {
    return nullptr;
  }
  return made;
}

// Keys of a level are made with its first packet, and kept once they have opened one: the cipher
// may have to be found by trial, as 0-RTT uses that of an earlier connection, and the ServerHello
// may not have been seen.
bool QuicConnection::open(Direction d, Level level, ByteSpan packet, size_t pn_offset,
                          ByteSpan& payload) {
  Side& side = sides_[d];
  if (side.keys[level] != nullptr) {
    return open_with(*side.keys[level], d, level, packet, pn_offset, payload);
  }
  const bool known = suite_ != 0 && level != kEarly;
  for (const uint16_t suite : {uint16_t{0x1301}, uint16_t{0x1302}, uint16_t{0x1303}}) {
    if (known && suite != suite_) continue;
    if (level == kOneRtt) side.phases = Phases{};
    std::unique_ptr<LevelKeys> made = make_keys(d, level, suite);
    if (made == nullptr || !open_with(*made, d, level, packet, pn_offset, payload)) continue;
    side.keys[level] = std::move(made);
    if (level != kEarly) suite_ = suite;
    return true;
  }
  return false;
}

bool QuicConnection::open_with(LevelKeys& keys, Direction d, Level level, ByteSpan packet,
                               size_t pn_offset, ByteSpan& payload) {
  const auto unmasked = keys.mask.unmask(packet, pn_offset);
  if (!unmasked) return false;
  Side& side = sides_[d];
  uint64_t& next = side.next_pn[space_of(level)];
  const uint64_t first = expand_packet_number(next, unmasked->truncated_pn, unmasked->pn_bytes);
  const uint64_t window = uint64_t{1} << (8 * unmasked->pn_bytes);
  // Numbers are short: after many lost packets the next one may be a window or more ahead.
  const bool lost = unmasked->pn_bytes <= 2 && side.failed > 0 && side.failed < kFailedTrials;
  for (uint64_t trial = 0; trial <= (lost ? kWindowTrials : 0); ++trial) {
    const uint64_t pn = first + trial * window;
    const bool opened =
        level == kOneRtt ? open_phase(keys, d, *unmasked, pn, packet, pn_offset, payload) : [&] {
          const auto plain =
              keys.aead->open(packet, pn_offset, *unmasked, pn, services_.plain.data());
          if (plain) payload = *plain;
          return plain.has_value();
        }();
    if (!opened) continue;
    next = std::max(next, pn + 1);
    return true;
  }
  return false;
}

// RFC 9001 section 6: the bit of the first byte tells which keys, the packet number whether the
// ones before the current or the ones after.
bool QuicConnection::open_phase(LevelKeys& keys, Direction d, const QuicUnmasked& unmasked,
                                uint64_t pn, ByteSpan packet, size_t pn_offset, ByteSpan& payload) {
  Phases& phases = sides_[d].phases;
  const bool bit = (unmasked.first & 0x04) != 0;
  const auto try_open = [&](QuicAead& aead) {
    const auto plain = aead.open(packet, pn_offset, unmasked, pn, services_.plain.data());
    if (plain) payload = *plain;
    return plain.has_value();
  };
  if (bit == phases.bit) {
    if (!try_open(*keys.aead)) return false;
    phases.begin = std::min(phases.begin, pn);
    return true;
  }
  if (phases.previous && pn < phases.begin && try_open(*phases.previous)) return true;
  if (!prepare_next(keys, d) || !try_open(*phases.next)) return false;
  services_.counters.key_updates.add();
  phases.previous = std::move(keys.aead);
  keys.aead = std::move(phases.next);
  phases.bit = bit;
  phases.begin = pn;
  return true;
}

bool QuicConnection::prepare_next(const LevelKeys& keys, Direction d) {
  Phases& phases = sides_[d].phases;
  if (phases.next) return true;
  if (phases.secret.empty()) phases.secret = secret_of(d, kOneRtt);
  const QuicVersionTraits* form = traits();
  QuicKeys made;
  auto aead = std::make_unique<QuicAead>();
  if (form == nullptr || !update_quic_secret(*keys.suite, form->v2_labels, phases.secret) ||
      !derive_quic_keys(*keys.suite, form->v2_labels, phases.secret.bytes(), made) ||
      !aead->begin(*keys.suite, made)) {
    return false;
  }
  phases.next = std::move(aead);
  return true;
}

void QuicConnection::count_sealed(Direction d, size_t bytes) noexcept {
  services_.counters.packets_sealed.add();
  ++sides_[d].sealed;
  if (d == Direction::kToServer) sealed_bytes_ += bytes;
}

void QuicConnection::hold(Direction d, ByteSpan packet) {
  const Limits& limits = services_.shared.limits;
  const uint64_t most =
      d == Direction::kToServer ? limits.hold_bytes : limits.hold_bytes / kServerShare;
  const bool fits =
      of_interest_ && !expired_ && !finished_ && held_of_[d] + packet.size() <= most &&
      held_bytes_.size() + packet.size() <= limits.hold_bytes &&
      services_.shared.held_bytes + packet.size() <= services_.shared.may_hold_in_all(priority_);
  if (!fits) {
    if (of_interest_ && !expired_) services_.counters.hold_limit.add();
    count_sealed(d, packet.size());
    // Behind what is missing packet numbers are not certain.
    if (!held_.empty()) sides_[d].failed = std::max<uint32_t>(sides_[d].failed, 1);
    return;
  }
  if (held_.empty() && !catching_up_) waiting_since_ = now_;
  held_.push_back({d, static_cast<uint32_t>(packet.size())});
  held_bytes_.insert(held_bytes_.end(), packet.begin(), packet.end());
  held_of_[d] += packet.size();
  services_.shared.held_bytes += packet.size();
  if (!catching_up_) services_.counters.held_bytes.add(packet.size());
}

// Reads what is held; what still has no key is held on.
void QuicConnection::catch_up() {
  if (held_.empty() || catching_up_) return;
  catching_up_ = true;
  std::vector<HeldPacket> packets = std::exchange(held_, {});
  const std::vector<uint8_t> bytes = std::exchange(held_bytes_, {});
  services_.shared.held_bytes -= bytes.size();
  held_of_ = {};
  ByteSpan rest = bytes;
  for (const HeldPacket& held : packets) {
    const ByteSpan packet = rest.first(held.size);
    rest = rest.subspan(held.size);
    if ((packet[0] & kQuicLongHeader) == 0) {
      (void)on_protected(held.direction, kOneRtt, packet,
                         1 + short_id_size(held.direction, packet));
    } else if (const auto header = read_quic_long_header(packet); header && header->traits) {
      on_long(held.direction, *header, packet);
    }
  }
  catching_up_ = false;
}

void QuicConnection::drop_held() noexcept {
  size_t at = 0;
  for (const HeldPacket& held : held_) {
    // Handshake packets are no loss by themselves.
    const bool is_long = (held_bytes_[at] & kQuicLongHeader) != 0;
    if (!is_long || held.direction == Direction::kToServer) {
      count_sealed(held.direction, held.size);
    }
    at += held.size;
  }
  services_.shared.held_bytes -= held_bytes_.size();
  std::vector<HeldPacket>().swap(held_);
  std::vector<uint8_t>().swap(held_bytes_);
  held_of_ = {};
}

}  // namespace weir::inspect
