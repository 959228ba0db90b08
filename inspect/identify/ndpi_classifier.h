// Names the protocol of flows that no parser of ours knows, through nDPI 4.2: tunnels, VPNs, remote
// access, file sharing. Only the first few packets of such a flow are shown to it. One engine per
// worker; a flow's nDPI state lives from begin() until it is decided.
//
// nDPI wants whole IP packets; they are made up here from DecodedPacket, with payload cut at 1,460
// bytes. What nDPI would guess from a port is not believed, and what it would guess from who owns
// an address cannot arise: it is shown private stand-ins for public IPv4 addresses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/counters.h"
#include "core/limits.h"
#include "core/packet.h"
#include "core/result.h"

namespace weir::inspect {

struct NdpiCounters {
  Counter flows;
  Counter refused;
  Counter packets;
  Counter decided;
  Counter unknown;
};

inline constexpr CounterTable<NdpiCounters, 5> kNdpiCounterTable{{
    {"flows", &NdpiCounters::flows, "flows shown to nDPI"},
    {"refused", &NdpiCounters::refused, "flows not shown, as too many were being looked at"},
    {"packets", &NdpiCounters::packets, "packets shown to nDPI"},
    {"decided", &NdpiCounters::decided, "flows that it named"},
    {"unknown", &NdpiCounters::unknown, "flows that it could not name in the packets it gets"},
}};
static_assert(describes_all(kNdpiCounterTable));

struct NdpiVerdict {
  std::string protocol = "unknown";  // lower case: "ssh", "wireguard", "tls"
  std::string application;           // what runs on it, where nDPI knows: "tor"; else empty
  // "vpn", "tunnel", "encrypted_dns", "remote_access", "file_sharing", or another of nDPI's
  // categories in lower case with underscores; empty for unknown protocols.
  std::string category;
  bool encrypted = false;

  [[nodiscard]] bool known() const noexcept { return protocol != "unknown"; }
};

class NdpiEngine;

// The state of one flow. Must not outlive its engine. Empty when default-made, refused or decided.
class NdpiFlow {
 public:
  NdpiFlow() noexcept = default;
  NdpiFlow(NdpiFlow&& other) noexcept;
  NdpiFlow& operator=(NdpiFlow&& other) noexcept;
  ~NdpiFlow() { reset(); }
  [[nodiscard]] bool active() const noexcept { return state_ != nullptr; }
  void reset() noexcept;

 private:
  friend class NdpiEngine;
  NdpiEngine* engine_ = nullptr;
  void* state_ = nullptr;  // nDPI's
  uint32_t packets_ = 0;
};

class NdpiEngine {
 public:
  // Takes some tens of milliseconds and megabytes. Fails when nDPI does, or when the library is not
  // the one that the headers describe.
  static Result<std::unique_ptr<NdpiEngine>> create(const Limits& limits);
  ~NdpiEngine();
  NdpiEngine(const NdpiEngine&) = delete;
  NdpiEngine& operator=(const NdpiEngine&) = delete;

  // An empty flow when Limits::ndpi_flows are being looked at.
  [[nodiscard]] NdpiFlow begin() noexcept;
  // Shows a packet, always of the same transport protocol (nDPI loses memory otherwise; flow keys
  // see to it). Packets without payload are passed over. A verdict comes once, known or (after the
  // last packet that a flow gets) unknown; with it the flow is freed. Not for concurrent use: ends
  // the process when two threads are in one engine.
  [[nodiscard]] std::optional<NdpiVerdict> feed(NdpiFlow& flow, const DecodedPacket& packet);
  // The flow ends early: what can be said.
  [[nodiscard]] NdpiVerdict give_up(NdpiFlow& flow);

  [[nodiscard]] const NdpiCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] size_t active() const noexcept { return active_; }
  // Bytes that nDPI holds in this process, for all engines: modules and flows.
  [[nodiscard]] static size_t memory_in_use() noexcept;

 private:
  friend class NdpiFlow;
  struct Impl;
  explicit NdpiEngine(const Limits& limits);
  void free_state(void* state) noexcept;

  std::unique_ptr<Impl> impl_;
  Limits limits_;
  NdpiCounters counters_;
  size_t active_ = 0;
  std::atomic<bool> busy_{false};
};

}  // namespace weir::inspect
