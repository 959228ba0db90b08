#include "inspect/engine/quic_router.h"

#include <algorithm>
#include <utility>

namespace weir::inspect {
namespace {

// Of a datagram with a client's Initial (RFC 9000 section 14.1).
constexpr size_t kMinInitialDatagram = 1200;

bool is_initial(ByteSpan datagram) noexcept {
  const auto header = read_quic_long_header(datagram);
  return header && header->type == QuicPacketType::kInitial;
}

}  // namespace

QuicRouter::Id QuicRouter::make_id(ByteSpan id) noexcept {
  Id out;
  out.size = static_cast<uint8_t>(std::min(id.size(), kMaxQuicId));
  std::copy_n(id.begin(), out.size, out.bytes.begin());
  return out;
}

void QuicRouter::add_id(ByteSpan id, QuicSession& session) noexcept {
  const auto [at, added] = by_id_.emplace(make_id(id), &session);
  if (added) {
    ++sizes_[id.size()];
  } else if (at->second != &session) {
    services_.counters.connection_ids_taken.add();
  }
}

void QuicRouter::remove_id(ByteSpan id, QuicSession& session) noexcept {
  const auto at = by_id_.find(make_id(id));
  if (at == by_id_.end() || at->second != &session) return;
  by_id_.erase(at);
  --sizes_[id.size()];
}

QuicSession* QuicRouter::find_id(ByteSpan id) const noexcept {
  if (id.size() < kTellingId || id.size() > kMaxQuicId) return nullptr;
  const auto at = by_id_.find(make_id(id));
  return at == by_id_.end() ? nullptr : at->second;
}

QuicSession* QuicRouter::find(ByteSpan datagram) const noexcept {
  if ((datagram[0] & kQuicLongHeader) != 0) {
    const auto header = read_quic_long_header(datagram);
    return header ? find_id(header->dcid) : nullptr;
  }
  // A short header does not tell how long the id is.
  for (size_t size = kMaxQuicId; size >= kTellingId; --size) {
    if (sizes_[size] == 0 || datagram.size() <= size) continue;
    if (QuicSession* session = find_id(datagram.subspan(1, size))) return session;
  }
  return nullptr;
}

std::shared_ptr<QuicSession> QuicRouter::begin(const std::shared_ptr<FlowDossier>& dossier,
                                               ByteSpan datagram, size_t missing) {
  const auto header = read_quic_long_header(datagram);
  if (!header || header->traits == nullptr || header->type != QuicPacketType::kInitial ||
      datagram.size() + missing < kMinInitialDatagram) {
    return nullptr;
  }
  auto session = std::make_shared<QuicSession>(services_, *this, dossier, hold_for_keys_);
  if (!session->begin(datagram)) return nullptr;
  const Limits& limits = dossier->services().limits;
  if (idle_.size() + proven_.size() >= limits.quic_connections) {
    services_.counters.connections_evicted.add();
    retire(idle_.empty() ? *proven_.front() : *idle_.front(), EndReason::kEvicted);
  }
  session->place = idle_.insert(idle_.end(), session.get());
  return session;
}

void QuicRouter::add_path(QuicPaths& flow, QuicPaths::Path path) {
  const Limits& limits = path.session->dossier().services().limits;
  if (flow.paths.size() >= limits.quic_connections_per_flow) {
    auto victim = std::find_if(flow.paths.begin(), flow.paths.end(), [](const auto& known) {
      return known.session->finished() || !known.session->proven();
    });
    if (victim == flow.paths.end()) victim = flow.paths.begin();
    std::shared_ptr<QuicSession> oldest = std::move(victim->session);
    flow.paths.erase(victim);
    if (oldest.use_count() == 1 && !oldest->finished()) {
      services_.counters.connections_evicted.add();
      retire(*oldest, EndReason::kEvicted);
    }
  }
  flow.paths.push_back(std::move(path));
}

// Only a packet that opens tells that the flow belongs to the connection: its ids can be read, and
// written, by anybody. While keys are missing the flow may belong to it.
QuicRouter::Answer QuicRouter::try_join(QuicPaths& flow,
                                        const std::shared_ptr<FlowDossier>& dossier,
                                        QuicSession& session, Direction direction,
                                        ByteSpan datagram) {
  if (session.finished()) return flow.active() ? Answer::kTaken : Answer::kNotMine;
  const Direction way = session.direction_of(Direction::kToServer, datagram);
  const std::shared_ptr<QuicSession> held = session.shared_from_this();
  const bool opened = feed(session, way, datagram);
  const Limits& limits = session.dossier().services().limits;
  if (!opened && (!session.waiting() || flow.paths.size() >= limits.quic_connections_per_flow)) {
    return flow.active() ? Answer::kTaken : Answer::kNotMine;
  }
  const bool fresh = !flow.sure();
  const Direction client = way == Direction::kToServer ? direction : reverse(direction);
  add_path(flow, {held, client, opened});
  if (!opened) return Answer::kTaken;
  services_.counters.paths_joined.add();
  if (!fresh) return Answer::kTaken;
  dossier->continue_from(session.dossier());
  return Answer::kJoined;
}

// The flow's own connections come first: an id that another one took before cannot turn packets
// away from them.
QuicRouter::Answer QuicRouter::on_datagram(QuicPaths& flow,
                                           const std::shared_ptr<FlowDossier>& dossier,
                                           Direction direction, ByteSpan datagram,
                                           size_t missing) noexcept {
  if (datagram.empty()) return flow.active() ? Answer::kTaken : Answer::kNotMine;
  Answer answer = Answer::kTaken;
  auto own = flow.paths.rend();
  size_t longest = 0;
  for (auto at = flow.paths.rbegin(); at != flow.paths.rend(); ++at) {
    if (at->session->finished()) continue;
    const Direction to = direction == at->client ? Direction::kToServer : Direction::kToClient;
    const size_t size = at->session->known_id(to, datagram);
    if (size <= longest) continue;
    longest = size;
    own = at;
  }
  if (own == flow.paths.rend()) {
    if (auto begun = begin(dossier, datagram, missing)) {
      add_path(flow, {std::move(begun), direction, true});
      answer = Answer::kBegun;
    } else if (QuicSession* other = is_initial(datagram) ? nullptr : find(datagram)) {
      own = std::find_if(flow.paths.rbegin(), flow.paths.rend(),
                         [other](const auto& known) { return known.session.get() == other; });
      if (own == flow.paths.rend()) return try_join(flow, dossier, *other, direction, datagram);
    } else if (!flow.active()) {
      return Answer::kNotMine;
    }
    // The client may do without an id of its own; then the flow must tell.
    if (own == flow.paths.rend() || answer == Answer::kBegun) own = flow.paths.rbegin();
  }
  QuicSession& session = *own->session;
  if (session.finished()) {
    if (direction == own->client) {
      dossier->note_unread(&EngineCounters::unread_limit_bytes, datagram.size());
    }
    return answer;
  }
  const bool opened = feed(
      session, direction == own->client ? Direction::kToServer : Direction::kToClient, datagram);
  if (!opened || own->sure) return answer;
  const bool fresh = !flow.sure();
  own->sure = true;
  services_.counters.paths_joined.add();
  if (!fresh) return answer;
  dossier->continue_from(session.dossier());
  return Answer::kJoined;
}

bool QuicRouter::feed(QuicSession& session, Direction hint, ByteSpan datagram) noexcept {
  auto& list = session.among_proven ? proven_ : idle_;
  list.splice(list.end(), list, session.place);
  const bool opened = session.on_datagram(hint, datagram);
  note_proven(session);
  return opened;
}

void QuicRouter::note_proven(QuicSession& session) noexcept {
  if (session.among_proven || session.finished() || !session.proven()) return;
  session.among_proven = true;
  proven_.splice(proven_.end(), idle_, session.place);
}

void QuicRouter::retire(QuicSession& session, EndReason reason) noexcept {
  if (session.finished()) return;
  session.finish(reason);
  (session.among_proven ? proven_ : idle_).erase(session.place);
}

void QuicRouter::end_flow(QuicPaths& flow, FlowDossier& dossier, EndReason reason) noexcept {
  for (QuicPaths::Path& path : flow.paths) {
    if (path.session.use_count() == 1) retire(*path.session, reason);
    if (path.sure) path.session->note_sight(dossier);
  }
  flow.paths.clear();
}

void QuicRouter::poll_keys() noexcept {
  for (QuicSession* session : proven_) {
    if (session->wants_poll()) session->poll();
  }
  for (auto at = idle_.begin(); at != idle_.end();) {
    QuicSession& session = **at++;
    if (!session.wants_poll()) continue;
    session.poll();
    note_proven(session);
  }
}

Action QuicRouter::action(const QuicPaths& flow, Action of_flow) noexcept {
  for (const QuicPaths::Path& path : flow.paths) {
    if (path.sure) of_flow = std::max(of_flow, path.session->dossier().action());
  }
  return of_flow;
}

}  // namespace weir::inspect
