// See request_inspector.h.
#include "inspect/engine/request_inspector.h"

#include <algorithm>
#include <string>

#include "inspect/engine/head_text.h"
#include "inspect/engine/shown_head.h"

namespace weir::inspect {

RequestInspector::Open* RequestInspector::find(uint64_t stream_id) noexcept {
  for (Open& open : open_) {
    if (open.stream_id == stream_id) return &open;
  }
  return nullptr;
}

BodyChoice RequestInspector::on_request(const MessageHead& head) noexcept {
  EngineServices& services = dossier_.services();
  services.counters.requests.add();
  ++dossier_.requests;
  if (!head.authority.empty()) dossier_.learn_name(HostSource::kHttp, head.authority);
  dossier_.learn_user_agent(head.user_agent);
  dossier_.learn_request(head.authority, head.target);
  // A proxy's own credentials say nothing of the service behind it.
  if (head.method != "CONNECT" && !dossier_.id().service.empty()) dossier_.learn_account(head);
  // A proxy is asked for other hosts than its own.
  if (head.method != "CONNECT" && head.target.starts_with('/')) {
    dossier_.check_host(head.authority, visibility_ == Visibility::kDecrypted);
  }
  // A CONNECT says nothing of what can be read of the tunnel.
  if (head.method != "CONNECT") dossier_.raise_visibility(visibility_);

  Open open;
  open.stream_id = head.stream_id;
  open.telemetry = dossier_.id().service_class == "telemetry";
  open.slot = SlotLease(services.pool);
  open.info.method = head.method;
  open.info.path = without_tokens(
      head.target.substr(0, std::min(head.target.find('?'), services.limits.path_bytes)));
  open.info.user_agent = without_tokens(head.user_agent.substr(0, 256));
  open.info.content_type = head.content_type.substr(0, 128);
  open.content_type = head.content_type;
  open.content_encoding = head.content_encoding;
  // A long path may hold what is only found, and then masked, later.
  RequestInfo shown = open.info;
  if (shown.path.size() > kUnreadPath) shown.path.clear();
  dossier_.judge_flow(shown);
  if (open.slot) {
    open.slot->detector->begin();
    open.slot->detector->describe(dossier_.context(head.user_agent));
    emit_head_text(head, *open.slot->detector);
  } else {
    services.counters.requests_no_slot.add();
  }
  open_.push_back(std::move(open));
  return BodyChoice::kInspect;
}

void RequestInspector::on_body(uint64_t stream_id, ByteSpan data, uint64_t offset) noexcept {
  EngineServices& services = dossier_.services();
  services.counters.body_bytes.add(data.size());
  Open* open = find(stream_id);
  if (open == nullptr || !open->slot) {
    dossier_.note_unread(&EngineCounters::unread_slot_bytes, data.size());
    return;
  }
  begin_body(*open);
  open->body_bytes += data.size();
  if (open->telemetry) dossier_.telemetry_bytes += data.size();
  open->slot->unwrapper->on_data(data, offset);
}

void RequestInspector::on_body_gap(uint64_t stream_id, uint64_t bytes) noexcept {
  Open* open = find(stream_id);
  if (open == nullptr || !open->slot) return;
  begin_body(*open);
  open->slot->unwrapper->on_gap(bytes);
}

void RequestInspector::begin_body(Open& open) noexcept {
  if (open.body_begun) return;
  open.body_begun = true;
  // A nameless request is what no head was understood for.
  open.slot->unwrapper->begin({open.info.method.empty() ? "http/raw" : "http/body",
                               open.content_type, open.content_encoding},
                              *open.slot->detector);
}

void RequestInspector::on_request_end(uint64_t stream_id, EndReason reason) noexcept {
  Open* open = find(stream_id);
  if (open == nullptr) return;
  if (open->slot) {
    EngineServices& services = dossier_.services();
    RequestDetector& detector = *open->slot->detector;
    if (open->body_begun) {
      open->slot->unwrapper->end(reason);
      if (open->body_bytes > 0 && open->slot->unwrapper->opaque()) {
        services.counters.requests_opaque.add();
        dossier_.note_opaque(open->body_bytes);
      }
    }
    detector.finish();
    services.counters.text_bytes.add(detector.text_bytes());
    dossier_.inspected_bytes += detector.text_bytes();
    std::vector<Evidence> evidence;
    detector.collect(evidence);
    dossier_.report(std::move(open->info), std::move(evidence));
  }
  open_.erase(open_.begin() + (open - open_.data()));
}

void RequestInspector::check_news() noexcept {
  for (Open& open : open_) {
    if (!open.slot || !open.slot->detector->has_news()) continue;
    scratch_.clear();
    open.slot->detector->collect(scratch_);
    if (!scratch_.empty()) dossier_.judge_so_far(scratch_);
  }
}

void RequestInspector::on_tunnel(const TunnelInfo& info) noexcept { tunnels_.on_tunnel_open(info); }
void RequestInspector::on_tunnel_data(uint64_t stream_id, Direction direction,
                                      ByteSpan data) noexcept {
  tunnels_.on_tunnel_bytes(stream_id, direction, data);
}
void RequestInspector::on_tunnel_gap(uint64_t stream_id, Direction direction,
                                     uint64_t bytes) noexcept {
  tunnels_.on_tunnel_hole(stream_id, direction, bytes);
}
void RequestInspector::on_tunnel_end(uint64_t stream_id, EndReason reason) noexcept {
  tunnels_.on_tunnel_close(stream_id, reason);
}

}  // namespace weir::inspect
