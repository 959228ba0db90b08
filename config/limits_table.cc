#include "config/limits_table.h"

#include <array>

#include "config/scalars.h"

namespace weir::config {
namespace {

constexpr uint64_t kKi = 1ULL << 10;
constexpr uint64_t kMi = 1ULL << 20;
constexpr uint64_t kGi = 1ULL << 30;

constexpr LimitRow count(std::string_view name, uint64_t Limits::*field, uint64_t min,
                         uint64_t max) {
  return {name, LimitUnit::kCount, field, nullptr, nullptr, min, max};
}
constexpr LimitRow count(std::string_view name, int Limits::*field, uint64_t min, uint64_t max) {
  return {name, LimitUnit::kCount, nullptr, field, nullptr, min, max};
}
constexpr LimitRow bytes(std::string_view name, uint64_t Limits::*field, uint64_t min,
                         uint64_t max) {
  return {name, LimitUnit::kBytes, field, nullptr, nullptr, min, max};
}
// `min` and `max` in seconds.
constexpr LimitRow time(std::string_view name, Duration Limits::*field, uint64_t min,
                        uint64_t max) {
  return {
      name, LimitUnit::kTime, nullptr, nullptr, field, min * 1'000'000'000, max * 1'000'000'000};
}

// The lower bounds are what ordinary traffic needs, the upper ones what a sensor can hold.
constexpr std::array kRows = {
    count("encapsulation_depth", &Limits::encapsulation_depth, 0, 64),
    bytes("fragment_bytes", &Limits::fragment_bytes, 128 * kKi, 16 * kGi),
    count("fragmented_datagrams", &Limits::fragmented_datagrams, 1, kMi),
    count("fragments_per_datagram", &Limits::fragments_per_datagram, 2, 8 * kKi),
    time("fragment_timeout", &Limits::fragment_timeout, 1, 600),
    count("flows", &Limits::flows, 16, 64 * kMi),
    time("tcp_opening", &Limits::tcp_opening, 1, 3'600),
    time("tcp_idle", &Limits::tcp_idle, 1, 86'400),
    time("tcp_closing", &Limits::tcp_closing, 1, 3'600),
    time("udp_idle", &Limits::udp_idle, 1, 86'400),
    bytes("out_of_order_bytes", &Limits::out_of_order_bytes, 4 * kKi, kGi),
    count("out_of_order_segments", &Limits::out_of_order_segments, 1, kMi),
    bytes("reassembly_bytes_total", &Limits::reassembly_bytes_total, kMi, 1024 * kGi),
    bytes("client_hello_bytes", &Limits::client_hello_bytes, kKi, 16 * kMi),
    bytes("quic_crypto_bytes", &Limits::quic_crypto_bytes, kKi, 16 * kMi),
    bytes("server_hello_bytes", &Limits::server_hello_bytes, kKi, 16 * kMi),
    bytes("certificate_bytes", &Limits::certificate_bytes, kKi, 16 * kMi),
    bytes("handshake_bytes_total", &Limits::handshake_bytes_total, 64 * kKi, 1024 * kGi),
    count("rsa_exchanges_per_second", &Limits::rsa_exchanges_per_second, 0, kMi),
    bytes("hold_bytes", &Limits::hold_bytes, 0, kGi),
    bytes("hold_bytes_total", &Limits::hold_bytes_total, 0, 1024 * kGi),
    time("hold_age", &Limits::hold_age, 0, 3'600),
    count("quic_connections", &Limits::quic_connections, 1, kMi),
    count("quic_streams", &Limits::quic_streams, 1, 64 * kKi),
    bytes("quic_stream_bytes", &Limits::quic_stream_bytes, 4 * kKi, kGi),
    bytes("quic_connection_bytes", &Limits::quic_connection_bytes, 4 * kKi, kGi),
    bytes("quic_bytes_total", &Limits::quic_bytes_total, 4 * kKi, 1024 * kGi),
    count("quic_connection_ids", &Limits::quic_connection_ids, 2, 1024),
    count("quic_connections_per_flow", &Limits::quic_connections_per_flow, 1, 1024),
    time("quic_hole_age", &Limits::quic_hole_age, 0, 3'600),
    count("ndpi_flows", &Limits::ndpi_flows, 0, kMi),
    count("ndpi_tcp_packets", &Limits::ndpi_tcp_packets, 1, 64),
    count("ndpi_udp_packets", &Limits::ndpi_udp_packets, 1, 64),
    bytes("header_line_bytes", &Limits::header_line_bytes, 256, kMi),
    bytes("header_bytes", &Limits::header_bytes, kKi, 16 * kMi),
    bytes("header_bytes_total", &Limits::header_bytes_total, 128 * kKi, 1024 * kGi),
    count("headers", &Limits::headers, 16, 64 * kKi),
    bytes("path_bytes", &Limits::path_bytes, 64, 64 * kKi),
    count("http2_streams", &Limits::http2_streams, 1, 64 * kKi),
    bytes("hpack_table_bytes", &Limits::hpack_table_bytes, 4 * kKi, kMi),
    bytes("http3_blocked_bytes", &Limits::http3_blocked_bytes, 0, kGi),
    count("tunnel_depth", &Limits::tunnel_depth, 0, 16),
    count("open_requests", &Limits::open_requests, 1, 64 * kKi),
    bytes("raw_stream_bytes", &Limits::raw_stream_bytes, 0, 1024 * kGi),
    count("unwrap_depth", &Limits::unwrap_depth, 0, 32),
    count("inflate_ratio", &Limits::inflate_ratio, 10, kMi),
    bytes("inflate_floor", &Limits::inflate_floor, 64 * kKi, 16 * kGi),
    bytes("body_text_bytes", &Limits::body_text_bytes, 64 * kKi, 1024 * kGi),
    count("zstd_window_log", &Limits::zstd_window_log, 10, 30),
    bytes("qoder_body_bytes", &Limits::qoder_body_bytes, 64 * kKi, kGi),
    bytes("part_header_bytes", &Limits::part_header_bytes, 256, 64 * kKi),
    count("json_depth", &Limits::json_depth, 1, 1024),
    bytes("json_key_bytes", &Limits::json_key_bytes, 8, 4 * kKi),
    bytes("content_path_bytes", &Limits::content_path_bytes, 64, 64 * kKi),
    bytes("excerpt_bytes", &Limits::excerpt_bytes, 0, kKi),
    count("template_lines", &Limits::template_lines, 0, kMi),
    count("evidence_per_request", &Limits::evidence_per_request, 1, 64 * kKi),
    count("rule_candidates", &Limits::rule_candidates, 16, 16 * kMi),
    count("drip_files", &Limits::drip_files, 0, kMi),
    count("drip_lines", &Limits::drip_lines, 8, 64 * kKi),
    time("drip_age", &Limits::drip_age, 0, 30 * 86'400),
    count("fingerprint_lines", &Limits::fingerprint_lines, kKi, 1024 * kMi),
    count("fingerprint_hits", &Limits::fingerprint_hits, 64, 16 * kMi),
    count("open_incidents", &Limits::open_incidents, 1, 16 * kMi),
    count("incident_evidence", &Limits::incident_evidence, 1, 64 * kKi),
    count("incident_subjects", &Limits::incident_subjects, 1, 64 * kKi),
    count("contact_clients", &Limits::contact_clients, 1, 16 * kMi),
    count("contact_flows", &Limits::contact_flows, 0, 16 * kMi),
    count("contact_hosts", &Limits::contact_hosts, 16, 16 * kMi),
    count("dns_names", &Limits::dns_names, 0, 64 * kMi),
    time("dns_ttl_floor", &Limits::dns_ttl_floor, 0, 86'400),
};

std::string shown(const LimitRow& row, uint64_t value) {
  if (row.unit == LimitUnit::kCount) return std::to_string(value);
  if (row.unit == LimitUnit::kBytes) return format_bytes(value);
  return format_duration(Duration{static_cast<int64_t>(value)});
}

}  // namespace

std::span<const LimitRow> limit_rows() noexcept { return kRows; }

uint64_t limit_amount(const LimitRow& row, const Limits& limits) noexcept {
  if (row.unit == LimitUnit::kTime) return static_cast<uint64_t>((limits.*row.time).ns);
  if (row.small != nullptr) return static_cast<uint64_t>(limits.*row.small);
  return limits.*row.amount;
}

std::string limit_value(const LimitRow& row, const Limits& limits) {
  return shown(row, limit_amount(row, limits));
}

std::string limit_range(const LimitRow& row) {
  return shown(row, row.min) + ".." + shown(row, row.max);
}

void read_limits(const YamlNode& node, YamlErrors& errors, Limits& out) {
  MapReader map(node, "limits", errors);
  for (const LimitRow& row : kRows) {
    switch (row.unit) {
      case LimitUnit::kCount: {
        int64_t value = 0;
        if (!map.integer(row.name, value, static_cast<int64_t>(row.min),
                         static_cast<int64_t>(row.max))) {
          break;
        }
        if (row.small != nullptr) {
          out.*row.small = static_cast<int>(value);
        } else {
          out.*row.amount = static_cast<uint64_t>(value);
        }
        break;
      }
      case LimitUnit::kBytes:
        map.bytes(row.name, out.*row.amount, row.min, row.max);
        break;
      case LimitUnit::kTime:
        map.duration(row.name, out.*row.time, Duration{static_cast<int64_t>(row.min)},
                     Duration{static_cast<int64_t>(row.max)});
        break;
    }
  }
  map.finish();
}

}  // namespace weir::config
