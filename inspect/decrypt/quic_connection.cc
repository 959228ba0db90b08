// Datagrams, packets, frames and the handshake; see quic_connection.h.
#include "inspect/decrypt/quic_connection.h"

#include <algorithm>

#include "inspect/decrypt/quic_frames.h"

namespace weir::inspect {
namespace {

constexpr size_t kMinDcid = 8;  // of a client's first Initial (RFC 9000 section 7.2)
// Generic bounds of one connection's handshake.
constexpr size_t kCryptoPieces = 256;
constexpr TlsRandom kRetryRandom{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
constexpr uint16_t kAlpnExtension = 16;
constexpr uint16_t kInitialSuite = 0x1301;

}  // namespace

QuicConnection::QuicConnection(QuicDecryptServices& services, QuicSink& sink,
                               bool of_interest) noexcept
    : services_(services), sink_(sink), of_interest_(of_interest) {
  for (Side& side : sides_.slot) {
    for (HandshakeReader& reader : side.messages) reader.set_room(services.shared.handshake_room);
  }
}

QuicConnection::~QuicConnection() {
  drop_held();
  services_.stream_held -= crypto_held_;
  set_stream_held(0);
}

const QuicVersionTraits* QuicConnection::traits() const noexcept {
  const QuicVersionTraits* known = quic_version_traits(version_);
  return known != nullptr ? known : initial_traits_;
}

// The keys of both sides come from the id that the client made up (RFC 9001 section 5.2).
bool QuicConnection::set_initial_keys(const QuicVersionTraits& traits, ByteSpan dcid) {
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    const auto keys = derive_quic_initial_keys(
        traits, dcid, d == Direction::kToServer ? QuicSide::kClient : QuicSide::kServer);
    auto made = std::make_unique<LevelKeys>();
    made->suite = find_tls_suite(kInitialSuite);
    if (!keys || made->suite == nullptr) return false;
    const QuicKeys quic_keys = to_quic_keys(*keys);
    if (!made->mask.begin(*made->suite, quic_keys) || !made->aead->begin(*made->suite, quic_keys)) {
      return false;
    }
    sides_[d].keys[kInitial] = std::move(made);
  }
  initial_traits_ = &traits;
  return true;
}

bool QuicConnection::begin(ByteSpan datagram) noexcept {
  const auto header = read_quic_long_header(datagram);
  if (!header || header->traits == nullptr || header->type != QuicPacketType::kInitial ||
      header->dcid.size() < kMinDcid) {
    return false;
  }
  const ByteSpan packet = datagram.first(header->size);
  const QuicVersionTraits* candidate = nullptr;
  for (size_t i = 0; (candidate = quic_version_traits(header->version, i)) != nullptr; ++i) {
    ByteSpan payload;
    if (!set_initial_keys(*candidate, header->dcid)) return false;
    if (!open_with(*sides_[Direction::kToServer].keys[kInitial], Direction::kToServer, kInitial,
                   packet, header->pn_offset, payload)) {
      continue;
    }
    sides_[Direction::kToServer].next_pn = {};
    version_ = header->version;
    initial_id_size_ = static_cast<uint8_t>(header->dcid.size());
    std::copy(header->dcid.begin(), header->dcid.end(), initial_id_.begin());
    services_.counters.connections.add();
    sides_[Direction::kToServer].id_size = initial_id_size_;
    add_id(Direction::kToServer, header->dcid);
    return true;
  }
  return false;
}

bool QuicConnection::has_id(const Side& side, ByteSpan start) noexcept {
  return std::any_of(side.ids.begin(), side.ids.end(), [start](const auto& id) {
    return id.second > 0 && id.second <= start.size() &&
           std::equal(id.first.begin(), id.first.begin() + id.second, start.begin());
  });
}

size_t QuicConnection::known_id(Direction to, ByteSpan datagram) const noexcept {
  ByteSpan start = datagram.subspan(1);
  if ((datagram[0] & kQuicLongHeader) != 0) {
    const auto header = read_quic_long_header(datagram);
    if (!header) return 0;
    start = header->dcid;
  }
  size_t most = 0;
  for (const auto& id : sides_[to].ids) {
    if (id.second > most && id.second <= start.size() &&
        std::equal(id.first.begin(), id.first.begin() + id.second, start.begin())) {
      most = id.second;
    }
  }
  return most;
}

Direction QuicConnection::direction_of(Direction hint, ByteSpan datagram) const noexcept {
  const bool is_long = (datagram[0] & kQuicLongHeader) != 0;
  ByteSpan id = datagram.subspan(1);
  if (is_long) {
    const auto header = read_quic_long_header(datagram);
    if (!header) return hint;
    id = header->dcid;
  }
  // A client may choose for itself the id that it made up for the server.
  const bool to_server = has_id(sides_[Direction::kToServer], id);
  const bool to_client = has_id(sides_[Direction::kToClient], id);
  if (to_server == to_client) return hint;
  return to_server ? Direction::kToServer : Direction::kToClient;
}

// Servers give out ids of one size, as a short header does not tell it.
size_t QuicConnection::short_id_size(Direction d, ByteSpan packet) const noexcept {
  const Side& side = sides_[d];
  const ByteSpan start = packet.subspan(1);
  for (const auto& id : side.ids) {
    if (id.second <= start.size() && id.second > 0 &&
        std::equal(id.first.begin(), id.first.begin() + id.second, start.begin())) {
      return id.second;
    }
  }
  return side.id_size;
}

void QuicConnection::add_id(Direction to, ByteSpan id) {
  if (id.empty() || id.size() > kMaxQuicId) return;
  Side& side = sides_[to];
  const auto same = [id](const auto& known) {
    return known.second == id.size() && std::equal(id.begin(), id.end(), known.first.begin());
  };
  if (std::any_of(side.ids.begin(), side.ids.end(), same)) return;
  if (side.ids.size() >= services_.shared.limits.quic_connection_ids) {
    services_.counters.connection_ids_dropped.add();
    const auto& oldest = side.ids.front();
    sink_.on_connection_id_gone(ByteSpan(oldest.first).first(oldest.second));
    side.ids.erase(side.ids.begin());
  }
  auto& added = side.ids.emplace_back();
  std::copy(id.begin(), id.end(), added.first.begin());
  added.second = static_cast<uint8_t>(id.size());
  services_.counters.connection_ids.add();
  sink_.on_connection_id(id);
}

bool QuicConnection::on_datagram(Direction hint, ByteSpan datagram, Timestamp now) noexcept {
  if (datagram.empty() || finished_) return false;
  poll(now);
  const uint64_t before = authenticated_;
  const Direction d = direction_of(hint, datagram);
  while (!datagram.empty()) {
    services_.counters.packets.add();
    if ((datagram[0] & kQuicLongHeader) == 0) {
      // Zeros behind the last packet are padding of the datagram.
      const bool padding =
          std::all_of(datagram.begin(), datagram.end(), [](uint8_t byte) { return byte == 0; });
      if (!padding) (void)on_protected(d, kOneRtt, datagram, 1 + short_id_size(d, datagram));
      break;
    }
    const auto header = read_quic_long_header(datagram);
    if (!header) {
      services_.counters.packets_malformed.add();
      break;
    }
    if (header->traits == nullptr) {
      services_.counters.unknown_versions.add();
      break;
    }
    on_long(d, *header, datagram.first(header->size));
    datagram = datagram.subspan(header->size);
  }
  return authenticated_ > before;
}

// What is sent after the ServerHello is of its version. Anybody can make an Initial of another one.
bool QuicConnection::version_settled() const noexcept {
  if (!client_hello_) return false;
  if (sides_[Direction::kToClient].crypto[0].next() > 0) return true;
  return std::any_of(sides_.slot.begin(), sides_.slot.end(), [](const Side& side) {
    return side.keys[kHandshake] != nullptr || side.keys[kOneRtt] != nullptr;
  });
}

void QuicConnection::on_long(Direction d, const QuicLongHeader& header, ByteSpan packet) {
  switch (header.type) {
    case QuicPacketType::kRetry:
      // The client goes on with a new Initial to this id.
      services_.counters.retries.add();
      if (d == Direction::kToClient) add_id(Direction::kToServer, header.scid);
      return;
    case QuicPacketType::kInitial:
      on_initial(d, header, packet);
      return;
    case QuicPacketType::kZeroRtt:
      if (d == Direction::kToServer) (void)on_protected(d, kEarly, packet, header.pn_offset);
      return;
    case QuicPacketType::kHandshake: {
      // Version 2 may be agreed on in the handshake (RFC 9368): its labels hold from here on, if
      // they open the packet.
      const uint32_t before = version_;
      if (!version_settled()) version_ = header.version;
      if (!on_protected(d, kHandshake, packet, header.pn_offset)) version_ = before;
      return;
    }
  }
}

void QuicConnection::on_initial(Direction d, const QuicLongHeader& header, ByteSpan packet) {
  ByteSpan payload;
  const auto try_open = [&] {
    LevelKeys* keys = sides_[d].keys[kInitial].get();
    return keys != nullptr && open_with(*keys, d, kInitial, packet, header.pn_offset, payload);
  };
  bool opened = version_ == header.version && try_open();
  if (!opened && !version_settled()) {
    // Another version with the same id; or, from the client after a Retry, another id.
    const ByteSpan first_id = ByteSpan(initial_id_).first(initial_id_size_);
    const bool new_id =
        d == Direction::kToServer &&
        !std::equal(header.dcid.begin(), header.dcid.end(), first_id.begin(), first_id.end());
    const QuicVersionTraits* old = initial_traits_;
    std::array<uint8_t, kMaxQuicId> old_id = initial_id_;
    const ByteSpan old_span = ByteSpan(old_id).first(initial_id_size_);
    opened = header.version != version_ && set_initial_keys(*header.traits, first_id) && try_open();
    if (!opened && new_id && sides_[Direction::kToClient].crypto[0].next() == 0) {
      opened = set_initial_keys(*header.traits, header.dcid) && try_open();
      if (opened) {
        initial_id_size_ = static_cast<uint8_t>(header.dcid.size());
        std::copy(header.dcid.begin(), header.dcid.end(), initial_id_.begin());
        sides_[d].next_pn[0] = 0;
      }
    }
    if (!opened && old != nullptr) (void)set_initial_keys(*old, old_span);
  }
  if (!opened) {
    services_.counters.packets_not_opened.add();
    return;
  }
  services_.counters.packets_opened.add();
  version_ = header.version;
  // Each side tells the other how to address it; the client first makes up an id.
  const Direction back = reverse(d);
  sides_[back].id_size = static_cast<uint8_t>(header.scid.size());
  add_id(back, header.scid);
  const bool made_up = std::equal(header.dcid.begin(), header.dcid.end(), initial_id_.begin(),
                                  initial_id_.begin() + initial_id_size_);
  if (d == Direction::kToServer && !made_up) {
    sides_[d].id_size = static_cast<uint8_t>(header.dcid.size());
    add_id(d, header.dcid);
  }
  read_frames(d, kInitial, payload);
}

bool QuicConnection::on_protected(Direction d, Level level, ByteSpan packet, size_t pn_offset) {
  ByteSpan payload;
  look_up();
  if (sides_[d].keys[level] == nullptr && secret_of(d, level).empty()) {
    // Handshake packets are of no use once what comes behind them can be opened.
    if (level == kHandshake && !secret_of(d, kOneRtt).empty()) return false;
    hold(d, packet);
    return false;
  }
  Side& side = sides_[d];
  if (!open(d, level, packet, pn_offset, payload)) {
    services_.counters.packets_not_opened.add();
    ++side.failed;
    if (level == kEarly || level == kOneRtt) ++side.not_opened;
    if (d == Direction::kToServer) sealed_bytes_ += packet.size();
    return false;
  }
  services_.counters.packets_opened.add();
  side.failed = 0;
  ++authenticated_;
  if (level == kEarly) services_.counters.early_packets.add();
  if (level == kEarly || level == kOneRtt) ++side.opened;
  read_frames(d, level, payload);
  return true;
}

void QuicConnection::read_frames(Direction d, Level level, ByteSpan payload) {
  const QuicVersionTraits* form = traits();
  // Google's first versions with TLS number their frames in a way of their own.
  if (form != nullptr && form->crypto_frame != 0x06) {
    services_.counters.odd_frames.add();
    frames_unread_ = true;
    return;
  }
  QuicFrameReader frames(payload);
  QuicFrame frame;
  while (frames.next(frame)) {
    switch (frame.kind) {
      case QuicFrame::Kind::kCrypto:
        if (level == kInitial) read_crypto(d, 0, frame.offset, frame.data);
        if (level == kHandshake) read_crypto(d, 1, frame.offset, frame.data);
        break;
      case QuicFrame::Kind::kStream:
        on_stream_frame(d, frame);
        break;
      case QuicFrame::Kind::kReset:
        on_reset(d, frame);
        break;
      case QuicFrame::Kind::kStop:
        break;
      case QuicFrame::Kind::kNewId:
        add_id(reverse(d), frame.data);
        break;
      case QuicFrame::Kind::kDatagram:
        if (d == Direction::kToServer) sink_.on_datagram_frame(frame.data);
        break;
      case QuicFrame::Kind::kClose:
        closed_ = true;
        break;
    }
  }
  if (frames.ok()) return;
  services_.counters.odd_frames.add();
  if (d == Direction::kToServer && (level == kEarly || level == kOneRtt)) frames_unread_ = true;
}

void QuicConnection::read_crypto(Direction d, size_t space, uint64_t offset, ByteSpan data) {
  const Limits& limits = services_.shared.limits;
  if (offset > limits.quic_crypto_bytes || data.size() > limits.quic_crypto_bytes - offset) return;
  Side& side = sides_[d];
  const auto give = [&](ByteSpan part, uint64_t) {
    HandshakeMessage message;
    while (side.messages[space].next(part, limits.quic_crypto_bytes, message)) {
      on_message(d, message);
    }
  };
  QuicReassembly& crypto = side.crypto[space];
  const uint64_t before = crypto.held();
  const uint64_t others = services_.stream_held - before;
  const uint64_t free =
      limits.quic_bytes_total - std::min<uint64_t>(limits.quic_bytes_total, others);
  const QuicReassembly::Bounds bounds{std::min<uint64_t>(limits.quic_crypto_bytes, free),
                                      kCryptoPieces};
  if (!crypto.add(offset, data, bounds, give)) services_.counters.crypto_limit.add();
  crypto_held_ = crypto_held_ - before + crypto.held();
  services_.stream_held = others + crypto.held();
}

void QuicConnection::on_message(Direction d, const HandshakeMessage& message) {
  if (!message.whole) return;
  ByteReader in(message.body);
  if (d == Direction::kToServer) {
    if (message.type != kClientHelloMessage || client_hello_) return;
    in.skip(2);
    const ByteSpan random = in.take(kRandomBytes);
    if (!in.ok()) return;
    std::copy(random.begin(), random.end(), client_random_.begin());
    client_hello_ = true;
    seen_generation_ = 0;
    return;
  }
  if (message.type == kServerHelloMessage) {
    in.skip(2);
    const ByteSpan random = in.take(kRandomBytes);
    in.skip(in.u8());
    const uint16_t cipher = in.u16();
    if (!in.ok() || std::equal(random.begin(), random.end(), kRetryRandom.begin())) return;
    suite_ = cipher;
  } else if (message.type == kEncryptedExtensionsMessage) {
    ByteReader extensions = in.sub(in.u16());
    while (!extensions.empty()) {
      const uint16_t type = extensions.u16();
      ByteReader extension = extensions.sub(extensions.u16());
      if (!extensions.ok()) return;
      if (type != kAlpnExtension) continue;
      extension.skip(2);
      alpn_ = safe_token(extension.take(extension.u8()));
    }
  }
}

TlsSight QuicConnection::sight() const noexcept {
  if (waiting()) return TlsSight::kWaiting;
  uint64_t opened = 0;
  uint64_t sealed = 0;
  uint64_t failed = 0;
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    opened += sides_[d].opened;
    sealed += sides_[d].sealed;
    failed += sides_[d].not_opened;
  }
  // A stateless reset, or a packet that was damaged on its way, opens for nobody.
  constexpr uint64_t kStray = 3;
  if (opened == 0 && sealed == 0 && failed == 0) return TlsSight::kPending;
  if (opened > 0) {
    const Side& client = sides_[Direction::kToServer];
    const bool missing = client.sealed > 0 || failed > kStray || holes_ > 0 || frames_unread_;
    return missing ? TlsSight::kPartly : TlsSight::kDecrypted;
  }
  if (!client_hello_) return TlsSight::kNoHandshake;
  return failed > 0 ? TlsSight::kFailed : TlsSight::kNoKey;
}

DecryptFault QuicConnection::fault() const noexcept {
  switch (sight()) {
    case TlsSight::kNoKey:
      return DecryptFault::kNoKey;
    case TlsSight::kNoHandshake:
      return DecryptFault::kNoHandshake;
    case TlsSight::kFailed:
      return DecryptFault::kWrongKey;
    case TlsSight::kPartly:
      return sides_[Direction::kToServer].sealed > 0 ? DecryptFault::kNoKey
             : holes_ > 0                            ? DecryptFault::kLostRecords
                                                     : DecryptFault::kBadRecord;
    default:
      return DecryptFault::kNone;
  }
}

void QuicConnection::finish(EndReason reason) noexcept {
  if (finished_) return;
  look_up();
  if (keyed_) catch_up();
  finished_ = true;
  drop_held();
  while (!streams_.empty()) {
    end_stream(streams_.begin(),
               closed_ && reason != EndReason::kEvicted ? EndReason::kReset : reason);
  }
  for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
    for (const auto& id : sides_[d].ids) {
      sink_.on_connection_id_gone(ByteSpan(id.first).first(id.second));
    }
    sides_[d].ids.clear();
  }
  if (!keyed_ && sides_[Direction::kToServer].sealed > 0) {
    services_.counters.connections_without_key.add();
  }
}

}  // namespace weir::inspect
