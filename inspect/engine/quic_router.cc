#include "inspect/engine/quic_router.h"

#include <algorithm>
#include <utility>

namespace weir::inspect {

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
                                               ByteSpan datagram) {
  const auto header = read_quic_long_header(datagram);
  if (!header || header->traits == nullptr || header->type != QuicPacketType::kInitial) {
    return nullptr;
  }
  auto session = std::make_shared<QuicSession>(services_, *this, dossier, hold_for_keys_);
  if (!session->begin(datagram)) return nullptr;
  const Limits& limits = dossier->services().limits;
  if (idle_.size() >= limits.quic_connections) {
    services_.counters.connections_evicted.add();
    retire(*idle_.front(), EndReason::kEvicted);
  }
  session->place = idle_.insert(idle_.end(), session.get());
  return session;
}

void QuicRouter::add_path(QuicPaths& flow, std::shared_ptr<QuicSession> session, Direction client) {
  const Limits& limits = session->dossier().services().limits;
  if (flow.paths.size() >= limits.quic_connections_per_flow) {
    std::shared_ptr<QuicSession> oldest = std::move(flow.paths.front().session);
    flow.paths.erase(flow.paths.begin());
    if (oldest.use_count() == 1 && !oldest->finished()) {
      services_.counters.connections_evicted.add();
      retire(*oldest, EndReason::kEvicted);
    }
  }
  flow.paths.push_back({std::move(session), client});
}

QuicRouter::Answer QuicRouter::on_datagram(QuicPaths& flow,
                                           const std::shared_ptr<FlowDossier>& dossier,
                                           Direction direction, ByteSpan datagram) noexcept {
  if (datagram.empty()) return flow.active() ? Answer::kTaken : Answer::kNotMine;
  Answer answer = Answer::kTaken;
  QuicSession* session = find(datagram);
  if (session == nullptr) {
    if (auto begun = begin(dossier, datagram)) {
      session = begun.get();
      add_path(flow, std::move(begun), direction);
      answer = Answer::kBegun;
    } else if (flow.active()) {
      // The client may do without an id of its own; then the flow must tell.
      session = flow.paths.back().session.get();
    } else {
      return Answer::kNotMine;
    }
  }
  auto path = std::find_if(flow.paths.begin(), flow.paths.end(),
                           [session](const auto& known) { return known.session.get() == session; });
  if (path == flow.paths.end()) {
    services_.counters.paths_joined.add();
    const bool fresh = !flow.active();
    const Direction way = session->direction_of(Direction::kToServer, datagram);
    add_path(flow, session->shared_from_this(),
             way == Direction::kToServer ? direction : reverse(direction));
    path = flow.paths.end() - 1;
    if (fresh) {
      dossier->continue_from(session->dossier());
      answer = Answer::kJoined;
    }
  }
  if (session->finished()) {
    if (direction == path->client) {
      dossier->note_unread(&EngineCounters::unread_limit_bytes, datagram.size());
    }
    return answer;
  }
  idle_.splice(idle_.end(), idle_, session->place);
  session->on_datagram(direction == path->client ? Direction::kToServer : Direction::kToClient,
                       datagram);
  return answer;
}

void QuicRouter::retire(QuicSession& session, EndReason reason) noexcept {
  if (session.finished()) return;
  session.finish(reason);
  idle_.erase(session.place);
}

void QuicRouter::end_flow(QuicPaths& flow, FlowDossier& dossier, EndReason reason) noexcept {
  for (QuicPaths::Path& path : flow.paths) {
    if (path.session.use_count() == 1) retire(*path.session, reason);
    path.session->note_sight(dossier);
  }
  flow.paths.clear();
}

void QuicRouter::poll_keys() noexcept {
  for (QuicSession* session : idle_) {
    if (session->waiting()) session->poll();
  }
}

Action QuicRouter::action(const QuicPaths& flow, Action of_flow) noexcept {
  for (const QuicPaths::Path& path : flow.paths) {
    of_flow = std::max(of_flow, path.session->dossier().action());
  }
  return of_flow;
}

}  // namespace weir::inspect
