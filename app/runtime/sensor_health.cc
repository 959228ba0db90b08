// See sensor_health.h.
#include "app/runtime/sensor_health.h"

#include <array>
#include <cstdio>
#include <utility>

namespace weir::app {
namespace {

std::string percent(uint64_t part, uint64_t whole) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.2f %%",
                100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return out.data();
}

// `limit` in percent of `whole`.
bool passes(uint64_t part, uint64_t whole, double limit) noexcept {
  return part > 0 && 100.0 * static_cast<double>(part) > limit * static_cast<double>(whole);
}

}  // namespace

HealthSums health_sums(const inspect::CounterList& counters) {
  HealthSums out;
  for (const auto& [name, value] : counters) {
    if (name == "live.packets") out.packets += value;
    if (name == "live.kernel_dropped" || name == "live.interface_dropped" ||
        name == "live.passed_unseen") {
      out.dropped += value;
    }
    if (name == "tcp.delivered_bytes") out.upload_bytes += value;
    if (name == "tcp.acked_unseen_bytes") out.unseen_bytes += value;
    if (name == "live.queue_full") out.queue_full += value;
    if (name == "engine.cut_unjudged") out.cut_unjudged += value;
    if (name == "alert_queue.findings_merged") out.alerts_merged += value;
    if (name == "alert_queue.records_dropped") out.records_dropped += value;
  }
  out.packets += out.dropped;
  out.upload_bytes += out.unseen_bytes;
  return out;
}

bool SensorHealth::due(Timestamp now) const noexcept {
  return !looked_ || now < last_time_ || now - last_time_ >= settings_.every;
}

void SensorHealth::look(const HealthSums& sums, Timestamp now, uint64_t generation) {
  const HealthSums before = std::exchange(last_, sums);
  last_time_ = now;
  (void)queue_.flush();
  if (!std::exchange(looked_, true)) return;
  // A worker that did not answer makes sums smaller for once.
  if (sums.packets < before.packets || sums.dropped < before.dropped ||
      sums.upload_bytes < before.upload_bytes || sums.unseen_bytes < before.unseen_bytes) {
    return;
  }
  const uint64_t packets = sums.packets - before.packets;
  const uint64_t dropped = sums.dropped - before.dropped;
  if (passes(dropped, packets, settings_.dropped)) {
    raise("sensor.dropped",
          percent(dropped, packets) +
              " of the packets were dropped before the "
              "sensor could read them",
          now, generation);
  }
  const uint64_t bytes = sums.upload_bytes - before.upload_bytes;
  const uint64_t unseen = sums.unseen_bytes - before.unseen_bytes;
  if (passes(unseen, bytes, settings_.unseen)) {
    raise("sensor.unseen",
          percent(unseen, bytes) + " of the TCP bytes were acknowledged but never seen here", now,
          generation);
  }
  if (sums.alerts_merged > before.alerts_merged) {
    raise("sensor.alerts", "alerts came faster than they could be told and were merged", now,
          generation);
  }
  if (sums.queue_full > before.queue_full) {
    raise(
        "sensor.queue_full",
        "the queue in the path was full: what does not fit passes uninspected, or is dropped with "
        "fail: closed",
        now, generation);
  }
  if (sums.cut_unjudged > before.cut_unjudged) {
    raise("sensor.unjudged",
          std::to_string(sums.cut_unjudged - before.cut_unjudged) +
              " connections were cut because memory for reading them was at its limit "
              "(fail: closed)",
          now, generation);
  }
  if (sums.records_dropped > before.records_dropped) {
    raise("sensor.records",
          std::to_string(sums.records_dropped - before.records_dropped) +
              " records of flows were dropped: usage is told too small",
          now, generation);
  }
}

void SensorHealth::raise(const std::string& rule, const std::string& title, Timestamp now,
                         uint64_t generation) {
  Finding finding;
  finding.flow.product = "Weir sensor";
  finding.flow.protocol = "sensor";
  finding.flow.host = "sensor";
  finding.time = now;
  finding.action = Action::kAlert;
  finding.severity = Severity::kHigh;
  finding.rule = "sensor";
  finding.generation = generation;
  Evidence piece;
  piece.kind = EvidenceKind::kAnomaly;
  piece.rule = rule;
  piece.title = title;
  piece.score = 1;
  piece.where = "sensor";
  finding.evidence.push_back(std::move(piece));
  queue_.on_finding(std::move(finding));
}

}  // namespace weir::app
