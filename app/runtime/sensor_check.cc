// See sensor_check.h.
#include "app/runtime/sensor_check.h"

#include "app/runtime/live_sources.h"
#include "app/terminal.h"
#include "inspect/engine/engine.h"

namespace weir::app {

std::string check_text(const config::Settings& settings, const inspect::Snapshot& snapshot) {
  const size_t workers = worker_count(settings.capture);
  const Limits& limits = settings.limits;
  const inspect::DetectorSet& detectors = *snapshot.detectors;

  std::string out = "Configuration " + (settings.file.empty() ? "(defaults)" : settings.file) +
                    " is good: " + capture_text(settings.capture) + "\n";
  Table counts({{"", true}, {""}});
  counts.add({human_count(settings.policy.size()), "policy rules"});
  counts.add({human_count(detectors.rules ? detectors.rules->size() : 0), "content rules"});
  counts.add({human_count(snapshot.catalogue->services()), "AI services, by"});
  counts.add({human_count(snapshot.catalogue->host_patterns()), "host patterns"});
  uint64_t fingerprints = 0;
  uint64_t index_bytes = 0;
  for (const auto& index : detectors.indexes) {
    fingerprints += index->info().fingerprints;
    index_bytes += index->info().bytes;
  }
  counts.add({human_count(fingerprints),
              "fingerprints of " + human_count(detectors.indexes.size()) + " indexes"});
  out += counts.to_string();

  out += "Memory at the most:\n";
  uint64_t sum = 0;
  Table memory({{"", true}, {""}});
  const auto add = [&](uint64_t bytes, const std::string& what) {
    memory.add({human_bytes(bytes), what});
    sum += bytes;
  };
  const std::string each = " x " + std::to_string(workers);
  add(workers * settings.capture.ring_bytes, "packet rings" + each);
  add(workers * inspect::Engine::flow_memory(limits), "flows: " + human_count(limits.flows) + each);
  add(workers * limits.reassembly_bytes_total, "segments out of order" + each);
  add(workers * limits.hold_bytes_total, "ciphertext that waits for keys" + each);
  add(workers * limits.quic_bytes_total, "QUIC streams out of order" + each);
  add(workers * (limits.handshake_bytes_total + limits.header_bytes_total),
      "handshakes and HTTP heads that are not whole yet" + each);
  add(workers * limits.fragment_bytes, "IP fragments" + each);
  add(index_bytes, "indexes, mapped: shared, and read from disk as needed");
  add(detectors.rules ? detectors.rules->bytes() : 0, "content rules, shared");
  memory.add({human_bytes(sum), "in all; a reload takes indexes and rules twice for a moment"});
  return out + memory.to_string();
}

}  // namespace weir::app
