#include "inspect/engine/quic_session.h"

#include <string_view>
#include <utility>

#include "inspect/engine/content_inspector.h"
#include "inspect/engine/learn.h"

namespace weir::inspect {

QuicServices::QuicServices(DecoderServices& of_worker)
    : decrypt{*of_worker.decrypt, counters}, decoders(of_worker) {}

QuicSession::QuicSession(QuicServices& services, QuicIdTable& ids,
                         std::shared_ptr<FlowDossier> dossier, bool hold_for_keys)
    : services_(services),
      ids_(ids),
      dossier_(std::move(dossier)),
      connection_(services.decrypt, *this, hold_for_keys),
      requests_(*dossier_, *this, Visibility::kDecrypted),
      tunnels_(*dossier_, services.decoders, {1, false, Visibility::kDecrypted}) {}

QuicSession::~QuicSession() = default;

bool QuicSession::on_datagram(Direction hint, ByteSpan datagram) noexcept {
  connection_.set_priority(!dossier_->id().service.empty());
  const bool opened = connection_.on_datagram(hint, datagram, dossier_->services().now);
  if (!connection_.alpn().empty() && dossier_->id().alpn != connection_.alpn()) {
    dossier_->id().alpn = connection_.alpn();
  }
  check_news();
  note_waiting(waiting());
  return opened;
}

void QuicSession::poll() noexcept {
  connection_.poll(dossier_->services().now);
  check_news();
  note_waiting(waiting());
}

void QuicSession::finish(EndReason reason) noexcept {
  if (finished_) return;
  finished_ = true;
  connection_.finish(reason);
  if (http3_) {
    http3_->finish(reason);
    dossier_->note_unread(&EngineCounters::unread_limit_bytes, http3_->unread_bytes());
  }
  tunnels_.finish(reason);
  for (const auto& open : raw_) requests_.on_request_end(open.first, reason);
  raw_.clear();
  dossier_->note_unread(&EngineCounters::unread_udp_bytes, connection_.sealed_bytes());
  note_sight(*dossier_);
  note_waiting(false);
}

void QuicSession::check_news() noexcept {
  requests_.check_news();
  tunnels_.after_packet();
}

void QuicSession::on_tunnel_open(const TunnelInfo& info) noexcept {
  if (tunnels_.admit(info)) tunnels_.add(info.stream_id);
}

void QuicSession::on_tunnel_bytes(uint64_t stream, Direction d, ByteSpan data) noexcept {
  tunnels_.on_bytes(stream, d, data);
}

void QuicSession::on_tunnel_hole(uint64_t stream, Direction d, uint64_t bytes) noexcept {
  tunnels_.on_hole(stream, d, bytes);
}

void QuicSession::on_tunnel_close(uint64_t stream, EndReason reason) noexcept {
  tunnels_.close(stream, reason);
}

void QuicSession::note_waiting(bool waiting) noexcept {
  if (waiting == told_waiting_) return;
  told_waiting_ = waiting;
  dossier_->set_sight_pending(waiting);
}

void QuicSession::note_sight(FlowDossier& dossier) const noexcept {
  const TlsSight sight = connection_.sight();
  if (&dossier != dossier_.get()) dossier.raise_visibility(dossier_->id().visibility);
  const VisibilityReason missing = missing_of(sight, connection_.fault());
  if (missing != VisibilityReason::kNone) {
    // Without keys it is QUIC that is not seen into, and stays so.
    if (missing != VisibilityReason::kNoKey) dossier.not_seen(missing);
    dossier.only_partly_seen(missing);
  } else if (sight == TlsSight::kDecrypted) {
    // Browsers open connections that they then don't use.
    if (carries_ == Carries::kOther) {
      dossier.not_seen(VisibilityReason::kOpaque);
    } else {
      dossier.nothing_sent(Visibility::kDecrypted);
    }
  }
  dossier.note_sight(tls_sight_name(sight), decrypt_fault_name(connection_.fault()));
}

// What the streams carry is what was agreed on; where that was not seen, what the client offered.
void QuicSession::choose() noexcept {
  const std::string_view alpn =
      connection_.alpn().empty() ? std::string_view(dossier_->id().alpn) : connection_.alpn();
  if (alpn.empty() || alpn.starts_with("h3")) {
    carries_ = Carries::kHttp3;
    http3_ = std::make_unique<Http3Decoder>(dossier_->services().limits, services_.http3,
                                            services_.decoders.websocket, requests_,
                                            &services_.decoders.head_room);
  } else {
    carries_ = Carries::kOther;
  }
}

void QuicSession::on_stream_data(Direction d, uint64_t stream, ByteSpan data,
                                 uint64_t offset) noexcept {
  if (carries_ == Carries::kUnknown) choose();
  if (http3_ && d == Direction::kToClient) {
    http3_->on_server_data(stream, data);
  } else if (http3_) {
    http3_->on_data(stream, data, offset);
  } else if (d == Direction::kToServer) {
    raw(stream, data, offset);
  }
}

void QuicSession::raw(uint64_t stream, ByteSpan data, uint64_t offset) noexcept {
  EngineServices& services = dossier_->services();
  if (raw_bytes_ + data.size() > services.limits.raw_stream_bytes) {
    dossier_->note_unread(&EngineCounters::unread_limit_bytes, data.size());
    return;
  }
  raw_bytes_ += data.size();
  services.counters.raw_bytes.add(data.size());
  auto open = raw_.find(stream);
  if (open == raw_.end()) {
    services.counters.raw_streams.add();
    MessageHead head;
    head.protocol = "quic";
    head.stream_id = stream;
    head.offset = offset;
    open = raw_.emplace(stream, requests_.on_request(head)).first;
  }
  if (open->second == BodyChoice::kInspect) requests_.on_body(stream, data, offset);
}

void QuicSession::on_stream_gap(Direction d, uint64_t stream, uint64_t bytes) noexcept {
  if (carries_ == Carries::kUnknown) choose();
  if (d != Direction::kToServer) return;
  if (http3_) {
    http3_->on_gap(stream, bytes);
  } else if (raw_.count(stream) > 0) {
    requests_.on_body_gap(stream, bytes);
  }
}

void QuicSession::on_stream_end(Direction d, uint64_t stream, EndReason reason) noexcept {
  if (d != Direction::kToServer) return;
  if (http3_) http3_->on_end(stream, reason);
  if (raw_.erase(stream) > 0) requests_.on_request_end(stream, reason);
}

void QuicSession::on_datagram_frame(ByteSpan data) noexcept {
  dossier_->note_unread(&EngineCounters::unread_udp_bytes, data.size());
}

void QuicSession::on_connection_id(ByteSpan id) noexcept { ids_.add_id(id, *this); }
void QuicSession::on_connection_id_gone(ByteSpan id) noexcept { ids_.remove_id(id, *this); }

}  // namespace weir::inspect
