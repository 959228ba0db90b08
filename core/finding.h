// What inspection tells: findings (something policy has an opinion on) and flow records (one a flow
// when it ends). Both own their data and are built off the per-packet path.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/direction.h"
#include "core/evidence.h"
#include "core/ip.h"
#include "core/time.h"
#include "core/verdict.h"

namespace weir {

// How a host name was learnt, strongest last.
enum class HostSource : uint8_t { kNone, kIp, kDns, kCertificate, kQuicSni, kSni, kHttp };
std::string_view to_string(HostSource) noexcept;

// What is known of a flow, beyond its packets.
struct FlowIdentity {
  Endpoint client;
  Endpoint server;
  uint8_t ip_protocol = 0;
  uint32_t encapsulation = 0;
  std::string protocol;  // "tls", "quic", "http", "dns", or nDPI's name in lower case; "unknown"
  std::string protocol_category;  // nDPI's, where it named the protocol: "vpn", "tunnel" …
  std::string service;            // catalogue id; empty: no AI service
  std::string product;
  std::string vendor;
  std::string service_class;
  ServiceStatus status = ServiceStatus::kUnknown;
  std::string host;  // lower case
  HostSource host_source = HostSource::kNone;
  // Every name seen, in order of arrival, with its source; the strongest is `host`.
  std::vector<std::pair<HostSource, std::string>> names;
  std::string ja3;
  std::string ja4;
  std::string alpn;          // first offered by the client, or negotiated where seen
  std::string tool;          // client hint: user agent product, or JA4 family
  std::string tool_version;  // by the user agent; empty where it was not seen
  // As requests showed them; never a key or token. `credential` is a kind: "anthropic_api_key" …
  Account account = Account::kUnknown;
  std::string organization;  // id of an organisation, project, tenant or account
  std::string credential;
  bool ech = false;
  Visibility visibility = Visibility::kMetadata;
  VisibilityReason visibility_reason = VisibilityReason::kNoData;  // why no more was seen
  std::string sight;  // of encrypted flows: how far they could be read, and why no further
  std::string user;   // who sits at the client, where that is known; else empty
};

struct RequestInfo {
  std::string method;
  std::string path;  // without the query, at most Limits::path_bytes
  std::string user_agent;
  std::string content_type;
};

// Whether a connection ended that was to be reset, by what came by afterwards: FIN or RST of one
// end; nothing, for a while, that an end acknowledged; or acknowledgements that went on growing. Or
// no reset could be sent: UDP has none, and one for a tunnelled connection would go to the tunnel's
// outside. Of several the last in this order is told.
enum class CutEnding : uint8_t {
  kNotWatched,
  kUnknown,
  kEnded,
  kStopped,
  kWentOn,
  kNoResetUdp,
  kNoResetTunnel
};
// "", "unknown", "ended", "stopped", "went_on", "no_reset_udp", "no_reset_tunnel"
std::string_view to_string(CutEnding) noexcept;

// What a connection that policy cut had sent before: in the path without the packet that completed
// the evidence, as that one did not pass; from a mirror with it.
struct Passed {
  bool cut = false;
  uint64_t lines = 0;  // protected ones, as far as evidence was made of them
  uint64_t bytes = 0;  // of payload
  CutEnding ending = CutEnding::kNotWatched;

  // Of several connections the most, and the worst.
  void merge(const Passed& other) noexcept {
    cut = cut || other.cut;
    lines = std::max(lines, other.lines);
    bytes = std::max(bytes, other.bytes);
    ending = std::max(ending, other.ending);
  }
};

// Evidence of one request (or of the flow as such, then `request` is empty and `evidence` may be),
// with what policy decided.
struct Finding {
  FlowIdentity flow;
  RequestInfo request;
  Timestamp time;  // of the packet that completed it
  std::vector<Evidence> evidence;
  Action action = Action::kAllow;
  Severity severity = Severity::kNone;
  std::string rule;           // name of the policy rule that won
  uint64_t upload_bytes = 0;  // client-to-server payload bytes of the flow so far
  uint64_t generation = 1;    // of the configuration that decided
  Passed passed;
  // Tells of nothing new but passed.ending, of a finding that was told before.
  bool only_ending = false;
};

struct FlowRecord {
  FlowIdentity flow;
  Timestamp first;
  Timestamp last;
  PerDirection<uint64_t> packets;
  PerDirection<uint64_t> bytes;      // IP payload bytes above TCP/UDP headers
  PerDirection<uint64_t> gap_bytes;  // stream bytes that were announced as gaps
  uint64_t inspected_bytes = 0;      // text bytes that the detector read
  uint64_t requests = 0;
  uint64_t telemetry_bytes = 0;  // of request bodies to telemetry paths, where they could be read
  Action action = Action::kAllow;
  std::string end;  // "fin", "rst", "timeout", "evicted", "end_of_capture"
  std::vector<std::pair<std::string, uint64_t>> counters;  // flow counters that are not zero
};

// Where inspection hands what it found. Called by a worker; must not block. The sink copies or
// moves what it keeps.
class EvidenceSink {
 public:
  virtual ~EvidenceSink() = default;
  virtual void on_finding(Finding&& finding) = 0;
  virtual void on_flow_end(FlowRecord&& record) = 0;
};

}  // namespace weir
