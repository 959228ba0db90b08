#include "inspect/engine/stream_tunnels.h"

#include "inspect/engine/content_inspector.h"

namespace weir::inspect {
namespace {

// At once, of one connection: so that tunnels of tunnels do not multiply, one in a tunnel.
constexpr size_t kTunnels = 32;
constexpr size_t kTunnelsInTunnel = 1;

}  // namespace

StreamTunnels::StreamTunnels(FlowDossier& dossier, DecoderServices& decoders,
                             const StreamOrigin& origin)
    : dossier_(dossier), decoders_(decoders), origin_(origin) {}

StreamTunnels::~StreamTunnels() = default;

bool StreamTunnels::admit(const TunnelInfo& info) noexcept {
  EngineCounters& counters = dossier_.services().counters;
  counters.tunnels.add();
  if (origin_.depth >= dossier_.services().limits.tunnel_depth) {
    counters.tunnels_too_deep.add();
    return false;
  }
  if (tunnels_.size() >= (origin_.tunnelled ? kTunnelsInTunnel : kTunnels)) {
    counters.tunnels_too_many.add();
    return false;
  }
  if (info.kind == TunnelKind::kConnect) {
    dossier_.learn_name(HostSource::kHttp, info.protocol);
    dossier_.learn_request(info.protocol, "");
    dossier_.enter_tunnel(info.protocol);
  }
  return true;
}

void StreamTunnels::add(uint64_t stream_id) {
  tunnels_.push_back({stream_id, std::make_unique<ContentInspector>(
                                     dossier_, decoders_, uint16_t{0}, false,
                                     StreamOrigin{origin_.depth + 1, true, origin_.visibility})});
}

ContentInspector* StreamTunnels::find(uint64_t stream_id) noexcept {
  for (const Tunnel& tunnel : tunnels_) {
    if (tunnel.stream_id == stream_id) return tunnel.inspector.get();
  }
  return nullptr;
}

const ContentInspector* StreamTunnels::first() const noexcept {
  return tunnels_.empty() ? nullptr : tunnels_.front().inspector.get();
}

void StreamTunnels::on_bytes(uint64_t stream_id, Direction direction, ByteSpan data) noexcept {
  if (ContentInspector* inside = find(stream_id)) {
    inside->on_tcp_data(direction, data);
  } else if (direction == Direction::kToServer) {
    dossier_.note_unread(&EngineCounters::unread_limit_bytes, data.size());
  }
}

void StreamTunnels::on_hole(uint64_t stream_id, Direction direction, uint64_t bytes) noexcept {
  if (ContentInspector* inside = find(stream_id)) inside->on_tcp_gap(direction, bytes);
}

void StreamTunnels::close(uint64_t stream_id, EndReason reason) noexcept {
  for (auto it = tunnels_.begin(); it != tunnels_.end(); ++it) {
    if (it->stream_id != stream_id) continue;
    it->inspector->on_tcp_end(Direction::kToClient, reason);
    it->inspector->on_tcp_end(Direction::kToServer, reason);
    it->inspector->finish(reason);
    tunnels_.erase(it);
    return;
  }
}

void StreamTunnels::on_end(Direction direction, EndReason reason) noexcept {
  for (const Tunnel& tunnel : tunnels_) tunnel.inspector->on_tcp_end(direction, reason);
}

void StreamTunnels::finish(EndReason reason) noexcept {
  for (const Tunnel& tunnel : tunnels_) tunnel.inspector->finish(reason);
}

void StreamTunnels::after_packet() noexcept {
  for (const Tunnel& tunnel : tunnels_) tunnel.inspector->after_packet();
}

}  // namespace weir::inspect
