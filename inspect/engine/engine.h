// One worker's inspection, from decoded packets to findings and flow records. Runs to completion in
// its caller's thread; owns its flow table, streams and working memory; shares only the snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/finding.h"
#include "core/hash.h"
#include "core/packet.h"
#include "inspect/decrypt/key_store.h"
#include "inspect/decrypt/server_keys.h"
#include "inspect/engine/engine_counters.h"
#include "inspect/engine/snapshot.h"
#include "inspect/identify/ndpi_classifier.h"

namespace weir::inspect {

// The secrets of TLS sessions, shared by all workers.
struct KeyAccess {
  const KeyStore* store = nullptr;
  bool may_come_late = false;               // then ciphertext waits for keys, within limits
  const ServerKeys* server_keys = nullptr;  // without these only key logs open anything
  // For replays that show what late keys do: those of each connection count as come so long after
  // its ClientHello.
  Duration delay{};
};

// Names and values of every counter of an engine, grouped ("tcp.overlap_conflicts").
using CounterList = std::vector<std::pair<std::string, uint64_t>>;

class Engine final : public PacketSink {
 public:
  // `flow_key` keys the flow table: random in a live sensor, fixed in a replay that must repeat.
  // `ndpi` names protocols that no parser here knows; this worker's alone. Without it such flows
  // stay "unknown". `keys` holds the secrets of TLS sessions, for all workers; without it nothing
  // is decrypted. Both must outlive the engine.
  Engine(std::shared_ptr<const Snapshot> snapshot, EvidenceSink& sink, const HashKey& flow_key,
         NdpiEngine* ndpi = nullptr, const KeyAccess& keys = {});
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The verdict is that of the flow so far: it holds for this packet and all that follow.
  Action on_packet(const DecodedPacket& packet) noexcept override;
  // Of the flow of the last packet: known, of no interest to anyone, and looked into no more, so
  // that a source in the path may let the rest of it pass without asking.
  [[nodiscard]] bool may_pass_by() const noexcept;
  void on_time(Timestamp now) noexcept override;
  // What comes of kReset and kDrop; kNothing unless told otherwise. Before the first packet.
  void set_enforcement(Enforcement enforcement) noexcept;
  // In the path: connections of which bytes cannot be read for want of memory are cut.
  void set_fail_closed(bool closed) noexcept;
  // Flows that begin from now on are inspected with `snapshot`; those that are there keep what they
  // began with. Limits stay those of the first one. Between packets only.
  void set_snapshot(std::shared_ptr<const Snapshot> snapshot);
  // Looks at every flow.
  [[nodiscard]] size_t flows_on_older_snapshots() const noexcept;
  // The flows with the most bytes, as far as they have come, largest first. Looks at every flow.
  [[nodiscard]] std::vector<FlowRecord> largest_flows(size_t count) const;
  // Ends every flow; its records and last findings leave through the sink.
  void finish() noexcept;

  [[nodiscard]] const EngineCounters& counters() const noexcept;
  [[nodiscard]] CounterList all_counters() const;
  [[nodiscard]] size_t active_flows() const noexcept;
  // The most that an engine's flows take with these limits: table, names and decoders, without what
  // has a bound of its own (reassembly, held ciphertext, requests being read).
  [[nodiscard]] static uint64_t flow_memory(const Limits& limits) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::inspect
