// Runs engines over a stream of decoded packets, one a worker thread, so that both directions of a
// flow, and a client's DNS and its connections, meet the same worker. Output repeats: what workers
// found is handed on between rounds of packets, in order of packets, whatever their speed. Findings
// come in the order that one worker would give them; records of flows that timed out may not.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/finding.h"
#include "core/packet.h"
#include "inspect/engine/engine.h"
#include "inspect/engine/snapshot.h"

namespace weir::app {

// Which of `workers` a packet belongs to.
[[nodiscard]] size_t worker_of(const DecodedPacket& packet, size_t workers) noexcept;

class WorkerPool {
 public:
  // With one worker everything happens in the caller's thread. Findings and flow records reach
  // `sink` in the caller's thread only.
  // What `keys` refers to must outlive the pool.
  WorkerPool(std::shared_ptr<const inspect::Snapshot> snapshot, size_t workers, EvidenceSink& sink,
             const inspect::KeyAccess& keys = {});
  ~WorkerPool();

  void on_packet(const DecodedPacket& packet);
  // Ends all flows and hands on what is left.
  void finish();

  // Summed over workers; after finish().
  [[nodiscard]] inspect::CounterList counters() const;
  [[nodiscard]] size_t workers() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::app
