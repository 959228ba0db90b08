// Everything that weir.yaml can say, as plain structs. The member defaults are the only defaults.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/evidence.h"
#include "core/ip.h"
#include "core/limits.h"
#include "core/result.h"
#include "core/time.h"
#include "core/verdict.h"

namespace weir::config {

// What a service can be, in the catalogue and in conditions.
inline constexpr std::array<std::string_view, 7> kServiceClasses = {
    "chat", "coding_agent", "api", "code_completion", "model_hub", "gateway", "telemetry"};

// A service of the company's own: an on-premises gateway, a local model.
struct OwnService {
  std::string id;
  std::string vendor;
  std::string product;
  std::string service_class = "gateway";
  std::vector<std::string> hosts;  // patterns as in the catalogue
  std::vector<IpNetwork> networks;
  ServiceStatus status = ServiceStatus::kInternal;
  int line = 0;  // of its id in the file, for errors
  int column = 0;
};

struct ServiceSettings {
  ServiceStatus default_status = ServiceStatus::kUnsanctioned;
  std::vector<std::pair<std::string, ServiceStatus>> status;  // catalogue id -> status
  std::vector<std::pair<int, int>> status_places;  // line and column of each `status`, for errors
  std::vector<OwnService> own;
  std::string file;  // where it was read from, for errors
};

struct ProtectSettings {
  std::vector<std::string> indexes;  // .wfi files
  std::string key;                   // site key file
  uint32_t min_lines = 5;  // code evidence of fewer lines is not told, critical lines apart
  bool shapes = true;      // look for code whose names were changed too
};

struct SignatureSettings {
  std::string directory;           // empty: where Weir was installed or built
  std::vector<std::string> rules;  // more rule files or folders of the company
};

// Values of the company's own: found under any name that they are sent under.
struct EnvironmentSettings {
  std::vector<std::string> users;    // log-in names
  std::vector<std::string> hosts;    // names of machines; `*` is any run of letters, digits, '-'
  std::vector<std::string> domains;  // internal domains: "corp.acme.example"
  std::vector<std::string> remotes;  // of repositories: "git.acme.example/", "acme/"
};

// Whose accounts are the company's.
struct AccountSettings {
  // Ids of organisations, projects, tenants and accounts, in lower case; `*` at the end is any
  // rest.
  std::vector<std::string> company;
};

// Contacts of recognised tools with hosts that their vendors do not document.
struct ContactSettings {
  bool watch = true;
  // A sensor's, from its first start with this state: what tools contact meanwhile is learnt and
  // not told. Replays learn only where they are asked to.
  Duration learn = Duration::seconds(3 * 86'400);
  Duration near = Duration::seconds(120);  // between a tool's session and a contact of its
  std::vector<std::string> allow;          // host patterns that are never told
};

// Keys for encrypted traffic. see_inside.hold sets limits.hold_bytes and limits.hold_age.
struct SeeInsideSettings {
  // NSS format: files, folders of them, or "unix:PATH" for a socket to listen on.
  std::vector<std::string> key_logs;
  std::vector<std::string> server_keys;       // files of RSA private keys, PEM
  Duration forget = Duration::seconds(3600);  // secrets, after their session was first heard of
  size_t sessions = 65'536;                   // whose secrets are kept; the oldest goes first
};

// Either bound may be absent. ">=8", ">1MiB", "<5", "3..10", "8" are the forms in YAML.
struct Range {
  std::optional<uint64_t> min;  // inclusive
  std::optional<uint64_t> max;  // inclusive
  [[nodiscard]] bool contains(uint64_t value) const noexcept {
    return (!min || value >= *min) && (!max || value <= *max);
  }
  friend bool operator==(const Range&, const Range&) noexcept = default;
};

// So many bytes within so many seconds.
struct Burst {
  Range bytes;
  uint32_t seconds = 0;  // 1..kMaxBurstSeconds
  friend bool operator==(const Burst&, const Burst&) noexcept = default;
};
inline constexpr uint32_t kMaxBurstSeconds = 60;

// One of several values, or none of them ("!internal", ["!internal", "!sanctioned"]).
template <typename T>
struct OneOf {
  std::vector<T> values;
  bool negated = false;
  [[nodiscard]] bool contains(const T& value) const noexcept {
    for (const T& v : values) {
      if (v == value) return !negated;
    }
    return negated;
  }
  friend bool operator==(const OneOf&, const OneOf&) = default;
};

// All that are set must hold. `evidence`, `strength`, `lines`, `repository` are of one and the same
// piece of evidence; a rule with any of them needs evidence.
struct RuleConditions {
  std::optional<OneOf<ServiceStatus>> status;
  std::optional<OneOf<std::string>> service;
  std::optional<OneOf<std::string>> service_class;
  std::optional<OneOf<std::string>> tool;
  std::optional<OneOf<std::string>> protocol;
  std::optional<OneOf<std::string>> host;  // patterns as in the catalogue
  std::optional<OneOf<std::string>> user;
  std::optional<OneOf<Account>> account;
  std::optional<OneOf<Visibility>> visibility;
  std::optional<OneOf<VisibilityReason>> visibility_reason;
  std::optional<std::vector<IpNetwork>> source;  // client address in one of them
  std::optional<Range> up;                       // upload bytes of the flow
  std::optional<Burst> burst;                    // the most that it sent within a time
  std::optional<Range> one_upload;               // the most that it sent at one go
  std::optional<Range> telemetry;                // what a tool sent to telemetry hosts on this day
  std::optional<OneOf<EvidenceKind>> evidence;
  std::optional<OneOf<std::string>> repository;
  std::optional<OneOf<std::string>> content_rule;  // Evidence::rule
  std::optional<Range> lines;
  std::optional<double> min_score;  // `strength`: 0..1
  std::optional<bool> documented;   // environment metadata that the vendor documents
  friend bool operator==(const RuleConditions&, const RuleConditions&) = default;
};

struct PolicyRule {
  std::string name;
  RuleConditions when;
  Action then = Action::kAlert;
  Severity severity = Severity::kMedium;
  int line = 0;  // in the file, for explanations
};

struct SinkSettings {
  enum class Type : uint8_t { kZmq, kJsonl };
  Type type = Type::kJsonl;
  std::string bind;  // zmq: "tcp://127.0.0.1:5556", "ipc:///run/weir/alerts"
  std::string path;  // jsonl
};

struct AlertSettings {
  std::string store;                   // incident and usage database; empty: none is kept
  uint64_t store_budget = 1ULL << 30;  // bytes above which its oldest content goes
  std::vector<SinkSettings> sinks;
  Duration window = Duration::seconds(3600);  // the same thing within it is the same incident
};

enum class CaptureMode : uint8_t { kReplay, kMirror, kInline };
// TCP resets for connections that policy cuts. In the path they are always sent; from a mirror port
// only where it is said how.
struct ResetSettings {
  bool send = false;
  std::string interface;  // frames leave there; empty: packets that the kernel routes
  uint32_t per_second = 1'000;
  uint32_t spread = 3;  // resets towards the receiver, each a segment further on; 1..4
};

struct CaptureSettings {
  CaptureMode mode = CaptureMode::kMirror;
  std::vector<std::string> interfaces;
  uint32_t workers = 0;                // 0: one a core
  uint64_t ring_bytes = 256ULL << 20;  // of each worker
  uint32_t snaplen = 262'144;          // bytes kept of a packet; super-packets of 64 KB are normal
  bool promiscuous = true;
  std::string filter;          // pcap-filter(7); empty: everything
  std::vector<uint32_t> cpus;  // worker i runs on cpus[i % size]; empty: wherever
  // Inline: worker i serves the netfilter queue `queue` + i.
  uint16_t queue = 0;
  uint32_t queue_length = 8'192;  // packets that may wait for a worker
  uint8_t mark_bit = 24;          // of packets and connections that need no inspection
  ResetSettings resets;
};

// Where a running sensor answers `weir stats`, `weir top` and `weir reload`.
struct ControlSettings {
  std::string socket = "/run/weir/control.sock";  // a Unix path; empty: nowhere
  bool given = false;                             // named in the file
};

// When the sensor itself is told to be missing traffic: shares in percent, looked at every so
// often.
struct HealthSettings {
  double dropped = 0.1;  // packets that kernel or interface dropped
  double unseen = 1;     // TCP bytes that were acknowledged but never came by
  Duration every = Duration::seconds(60);
};

enum class FailMode : uint8_t { kOpen, kClosed };

// What applies without rules in the configuration: banned agents, code and secrets to anything but
// internal services, undocumented environment data, blind uploads, markers and file digests.
std::vector<PolicyRule> default_policy();

struct Settings {
  std::string file;  // where it was read from; empty: all defaults
  CaptureSettings capture;
  ServiceSettings services;
  ProtectSettings protect;
  SeeInsideSettings see_inside;
  SignatureSettings signatures;
  EnvironmentSettings environment;
  AccountSettings accounts;
  ContactSettings contacts;
  std::vector<PolicyRule> policy = default_policy();
  FailMode fail = FailMode::kOpen;
  std::string users;  // file of addresses and networks -> users (config/user_map.h)
  AlertSettings alerts;
  ControlSettings control;
  HealthSettings health;
  Limits limits;
  std::vector<std::string> warnings;  // keys that are valid but that this version does not act on
};

// Relative paths in the file are taken from its folder.
Result<Settings> load_settings(const std::string& path);
Result<Settings> parse_settings(std::string_view text, const std::string& file);

}  // namespace weir::config
