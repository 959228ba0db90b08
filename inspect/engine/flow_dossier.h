// What is known of one flow: its names, service, tool, visibility; and what policy said of it. All
// inspectors of a flow write here, and findings leave from here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/finding.h"
#include "core/limits.h"
#include "core/packet.h"
#include "core/time.h"
#include "inspect/engine/engine_counters.h"
#include "inspect/engine/request_pool.h"
#include "inspect/engine/snapshot.h"
#include "inspect/identify/name_cache.h"
#include "inspect/message_sink.h"
#include "inspect/policy/upload_meter.h"

namespace weir::inspect {

// What all flows of a worker share.
struct EngineCommon {
  EngineCommon(const Limits& l, EvidenceSink& e, const HashKey& key)
      : limits(l), sink(e), names(limits, name_counters, key) {}

  const Limits limits;
  EvidenceSink& sink;
  NameCacheCounters name_counters;
  NameCache names;
  EngineCounters counters;
  PoolCounters pool_counters;
  Timestamp now;
  Enforcement enforcement = Enforcement::kNothing;
  bool fail_closed = false;
};

// What the flows of one generation of configuration share. They hold it until they end.
struct EngineServices {
  EngineServices(std::shared_ptr<const Snapshot> s, EngineCommon& common)
      : snapshot(std::move(s)),
        limits(common.limits),
        sink(common.sink),
        pool(snapshot->detectors, limits, &common.pool_counters),
        names(common.names),
        counters(common.counters),
        now(common.now),
        enforcement(common.enforcement),
        fail_closed(common.fail_closed) {}

  std::shared_ptr<const Snapshot> snapshot;
  const Limits& limits;  // of the first generation: they size what all flows share
  EvidenceSink& sink;
  RequestPool pool;
  NameCache& names;
  EngineCounters& counters;
  Timestamp& now;
  const Enforcement& enforcement;
  const bool& fail_closed;
};

class FlowDossier {
 public:
  FlowDossier(EngineServices& services, const Endpoint& client, const Endpoint& server,
              uint8_t ip_protocol, uint32_t encapsulation);

  // A name and where it stood. An empty or overlong one is ignored.
  void learn_name(HostSource source, std::string_view host) noexcept;
  // The name in a DNS question: names the flow, but says nothing of its service.
  void note_question(std::string_view name) noexcept;
  void learn_ja(std::string_view ja3, std::string_view ja4) noexcept;
  void learn_user_agent(std::string_view user_agent) noexcept;
  // Whose account a request shows. What one does not show stays as it was.
  void learn_account(const MessageHead& head);
  // Classifies one request and makes its service the current one (later findings name it).
  void learn_request(std::string_view host, std::string_view target) noexcept;
  void set_protocol(std::string_view protocol) noexcept { id_.protocol = protocol; }
  void raise_visibility(Visibility v) noexcept {
    if (v <= id_.visibility) return;
    id_.visibility = v;
    id_.visibility_reason = partly_ == VisibilityReason::kNone ? VisibilityReason::kNone : partly_;
    if (partly_ != VisibilityReason::kNone) id_.visibility = Visibility::kPartly;
  }
  // Why nothing of the flow can be read, as far as that is known now. Without effect on a flow of
  // which something was read.
  void not_seen(VisibilityReason reason) noexcept;
  // All of the flow could have been read, but there was nothing.
  void nothing_sent(Visibility v) noexcept;
  // Of what was or will be read, something is missing.
  void only_partly_seen(VisibilityReason reason) noexcept;
  // Ciphertext is held for keys that may still come: until then policy says nothing of visibility.
  // Several may wait: each tells when it begins and when it ends to, once.
  void set_sight_pending(bool pending) noexcept;
  [[nodiscard]] bool sight_pending() const noexcept { return sight_pending_ > 0; }
  // ECH hides the name: that is why, where nothing else was seen.
  void note_hidden_name() noexcept;
  // The host that was learnt last is where a proxy connects to: the names inside the tunnel say
  // more when it is an address, and they add a service where it had none.
  void enter_tunnel(std::string_view connected_to) noexcept;
  // The name in a hello behind which ECH hides another: it is one of the flow's names, but says
  // nothing of its service.
  void note_outer_name(HostSource source, std::string_view name) noexcept;
  // Names of the server's certificate.
  void learn_certificate(const std::vector<std::string>& names) noexcept;
  // A request for `host` was read. Where the name contradicts the one in the TLS hello around it,
  // the proxy's that was asked for the tunnel, or the one that DNS gave for the address, and one of
  // them is an AI service's, that is evidence; names that belong together are none.
  void check_host(std::string_view host, bool inside_tls) noexcept;
  // The same for a hello inside a tunnel.
  void check_tunnel(std::string_view sni) noexcept;
  // The flow goes on with what another one began (a connection on a new path): all that is known of
  // that one but its addresses.
  void continue_from(const FlowDossier& other);
  // Why no more was seen: how TLS decryption went, and what ended it.
  void note_sight(std::string_view sight, std::string_view fault) noexcept;
  void flip() noexcept { std::swap(id_.client, id_.server); }
  void set_upload(uint64_t bytes) noexcept { upload_bytes_ = bytes; }
  // Bytes of bodies in which nothing was readable.
  void note_opaque(uint64_t bytes) noexcept { opaque_bytes_ += bytes; }
  void note_unread(Counter EngineCounters::*reason, uint64_t bytes) noexcept {
    (services_.counters.*reason).add(bytes);
    unread_bytes += bytes;
    if (reason == &EngineCounters::unread_limit_bytes ||
        reason == &EngineCounters::unread_slot_bytes) {
      left_out_ += bytes;
    }
    if (reason == &EngineCounters::unread_slot_bytes) not_judged();
  }
  // Bytes of the client went by unread for want of memory: cut in the path, failing closed.
  void not_judged() noexcept;

  // Asks policy about the flow as such, without evidence; a new answer is told once. `request`, if
  // there is one, is what made it be asked.
  void judge_flow(const RequestInfo& request = {}) noexcept;
  // Asks policy about what a request holds so far; only raises action().
  void judge_so_far(std::vector<Evidence>& evidence) noexcept;
  // Tells of a request's evidence. Nothing happens when there is none.
  void report(RequestInfo&& request, std::vector<Evidence>&& evidence) noexcept;

  void add_upload(uint64_t bytes) noexcept {
    upload_bytes_ += bytes;
    last_upload_ = bytes;
    last_upload_packet_ = services_.counters.packets.get();
    if (id_.visibility_reason == VisibilityReason::kNoData && bytes > 0) {
      not_seen(VisibilityReason::kUnknownProtocol);
    }
    const bool mark = meter_.sent(bytes, services_.now);
    if (mark || upload_bytes_ >= next_upload_check_) check_upload();
  }
  // After resets were sent: whether the connection ends is told with its finding, or after it.
  [[nodiscard]] bool watches_ending() const noexcept {
    return passed_.ending > CutEnding::kNotWatched && passed_.ending < CutEnding::kWentOn;
  }
  void after_cut(Direction direction, const DecodedPacket& packet) noexcept;
  // For a while nothing was acknowledged, and neither FIN nor RST came by.
  void stopped_after_cut() noexcept;
  // Whether an end is still waited for.
  [[nodiscard]] bool ending_unknown() const noexcept {
    return passed_.ending == CutEnding::kUnknown;
  }
  void note_tunnelled() noexcept { tunnelled_ = true; }
  void add_answer(uint64_t bytes) noexcept { meter_.answered(bytes); }
  [[nodiscard]] uint64_t upload_bytes() const noexcept { return upload_bytes_; }
  [[nodiscard]] Action action() const noexcept { return action_; }
  [[nodiscard]] FlowIdentity& id() noexcept { return id_; }
  [[nodiscard]] const FlowIdentity& id() const noexcept { return id_; }
  [[nodiscard]] EngineServices& services() noexcept { return services_; }
  // For the detector of a request of this flow.
  [[nodiscard]] RequestContext context(std::string_view user_agent) const noexcept {
    return {id_.host, id_.tool, user_agent, id_.client.ip, services_.now};
  }
  // Names, service and visibility as they stand at the end of the flow: those of the flow as a
  // whole. `gap_bytes`: that the client sent and nobody saw.
  [[nodiscard]] FlowIdentity final_identity(uint64_t gap_bytes) const;

  uint64_t requests = 0;
  uint64_t telemetry_bytes = 0;  // of bodies of requests to telemetry paths
  uint64_t inspected_bytes = 0;
  uint64_t unread_bytes = 0;  // upload bytes that nothing read

 private:
  void classify(const signatures::ServiceMatch& match) noexcept;
  void emit(const Decision& decision, RequestInfo&& request, std::vector<Evidence>&& evidence);
  void check_upload() noexcept;
  void tell(RequestInfo&& request, std::vector<Evidence>&& evidence) noexcept;
  void raise_action(Action action) noexcept;
  void tell_ending() noexcept;
  void note_lines(const std::vector<Evidence>& evidence) noexcept;
  void weigh_data(std::vector<Evidence>& evidence) const;
  void note_account(const AccountSight& sight);
  [[nodiscard]] PolicyFacts facts() const noexcept;
  [[nodiscard]] bool belong_together(std::string_view a, std::string_view b) const noexcept;
  struct Conflict {
    std::string_view rule;
    std::string_view announced_by;
    std::string_view announced;
    std::string_view asked_for;
    double score = 0;
  };
  void tell_conflict(const Conflict& conflict) noexcept;
  void keep_announced(HostSource source, const std::string& name);
  void keep_name(const std::pair<HostSource, std::string>& entry);
  [[nodiscard]] bool says_more_than_tunnel(HostSource source, std::string_view name) const noexcept;

  EngineServices& services_;
  FlowIdentity id_;
  signatures::ServiceMatch match_;       // the current one: of the last request, or of the flow
  signatures::ServiceMatch flow_match_;  // the strongest seen
  std::string sni_;                      // in the last hello
  std::string dns_name_;                 // that the address was last given out for
  bool in_tunnel_ = false;
  std::string connected_to_;                                    // of the last CONNECT
  std::vector<std::string> certificate_;                        // names of it
  std::vector<std::pair<std::string, std::string>> conflicts_;  // that were told: rule, name
  Account account_ = Account::kUnknown;  // of the flow as a whole: personal where any request was
  Action action_ = Action::kAllow;
  Passed passed_;  // see raise_action
  Timestamp cut_at_;
  bool tunnelled_ = false;        // in another IP packet
  PerDirection<uint32_t> acked_;  // the furthest since the cut
  PerDirection<bool> has_acked_;
  std::unique_ptr<Finding> told_cut_;  // the last one, for a word on how it ended
  uint64_t upload_bytes_ = 0;
  uint64_t last_upload_ = 0;  // bytes of the last packet of the client, and its number
  uint64_t last_upload_packet_ = 0;
  uint64_t told_lines_ = 0;  // protected lines: in requests that are over,
  uint64_t lines_ = 0;       // with the one being read, and without this packet
  uint64_t lines_before_ = 0;
  uint64_t lines_packet_ = 0;
  uint64_t next_upload_check_ = 64 << 10;
  UploadMeter meter_;
  uint32_t sight_pending_ = 0;  // who waits
  bool hidden_name_ = false;
  VisibilityReason partly_ = VisibilityReason::kNone;  // what is missing of a flow that is read
  uint64_t opaque_bytes_ = 0;
  uint64_t left_out_ = 0;  // upload bytes not read at a limit
  // Flow verdicts that were told already: rule and service.
  std::vector<std::pair<const config::PolicyRule*, const signatures::ServiceFace*>> told_;
};

}  // namespace weir::inspect
