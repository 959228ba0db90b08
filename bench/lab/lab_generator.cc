#include "bench/lab/lab_generator.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "bench/lab/capture_writer.h"
#include "bench/lab/code_pool.h"
#include "bench/lab/data_traffic.h"
#include "bench/lab/frames.h"
#include "bench/lab/http_messages.h"
#include "bench/lab/traffic.h"

namespace weir::lab {
namespace {

void put_text(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"" + std::string(name) + "\":" + json_string(value);
}
void put_number(std::string& out, std::string_view name, uint64_t value) {
  out += ",\"" + std::string(name) + "\":" + std::to_string(value);
}
void put_endpoint(std::string& out, std::string_view name, const Endpoint& endpoint) {
  out += ",\"" + std::string(name) + "\":{\"ip\":" + json_string(endpoint.ip.to_string()) +
         ",\"port\":" + std::to_string(endpoint.port) + '}';
}

// Spreads the AI sessions over the time of the capture; a tenth of them overlap anyway.
void add_ai_sessions(const LabOptions& options, const CodePool& pool, LabRandom& random,
                     Traffic& traffic) {
  const auto leaks = static_cast<uint32_t>(
      std::lround(options.leak_share * static_cast<double>(options.sessions)));
  uint32_t innocent = 0;
  uint32_t clear = 0;
  const auto add = [&](uint32_t serial, Timestamp start, const CodeExcerpt* code, LabKind kind) {
    if (!options.key_log_out.empty() && clear++ % 3 == 0) {
      traffic.ai_http3_session(clear / 3, start, code, kind);
    } else {
      traffic.ai_clear_session(serial, start, code, kind);
    }
  };
  for (uint32_t i = 0; i < options.sessions; ++i) {
    const Timestamp start =
        options.start +
        Duration::millis(1500 * int64_t{i} + static_cast<int64_t>(random.below(900)));
    // Leaks stand evenly among the others.
    const uint64_t before = uint64_t{i} * leaks / options.sessions;
    const uint64_t after = (uint64_t{i} + 1) * leaks / options.sessions;
    if (after > before) {
      const CodeExcerpt excerpt = pool.draw(random);
      add(static_cast<uint32_t>(before), start, &excerpt, LabKind::kLeak);
      continue;
    }
    const uint32_t serial = innocent++;
    const uint32_t kind = serial % 6;
    if (kind == 2) {
      traffic.ai_tls_session(serial / 6, start);
    } else if (kind == 5) {
      traffic.ai_quic_session(serial / 6, start);
    } else if (kind % 2 == 1) {
      const CodeExcerpt code = made_up_code(random);
      add(serial, start, &code, LabKind::kInnocent);
    } else {
      add(serial, start, nullptr, LabKind::kInnocent);
    }
  }
}

void add_background(const LabOptions& options, LabRandom& random, Traffic& traffic) {
  if (options.background_bytes == 0) return;
  const auto when = [&] {
    const size_t span = size_t{1500} * std::max<size_t>(options.sessions, 8);
    return options.start + Duration::millis(static_cast<int64_t>(random.below(span)));
  };
  traffic.lossy_upload(when());
  uint64_t made = 0;
  size_t counted = traffic.packets().size();
  for (uint32_t i = 0; made < options.background_bytes; ++i) {
    if (i % 8 == 3) {
      traffic.udp_noise(when());
    } else if (i % 2 == 0) {
      traffic.web_tls(when());
    } else {
      traffic.web_page(when());
    }
    for (; counted < traffic.packets().size(); ++counted) {
      made += traffic.packets()[counted].frame.size();
    }
  }
}

Status write_pcap(const std::vector<LabPacket>& packets, const LabOptions& options,
                  const std::string& path) {
  PcapFormat format;
  format.link_type = options.link_type;
  PcapWriter out(format);
  for (const LabPacket& packet : packets) {
    out.add(packet.time, reframe(packet.frame, options.link_type));
  }
  return write_file(path, out.bytes());
}

// Interfaces with clocks, snaplens and link types of their own take turns.
Status write_pcapng(const std::vector<LabPacket>& packets, const std::string& path) {
  constexpr uint16_t kCooked2 = 276;
  PcapngWriter out;
  out.interface({1, 262'144, 9, 0});
  out.interface({kCooked2, 65'535, 6, 0});
  uint32_t turn = 0;
  for (const LabPacket& packet : packets) {
    const auto ns = static_cast<uint64_t>(packet.time.ns);
    if (turn++ % 2 == 0) {
      out.packet(0, ns, packet.frame);
    } else {
      out.packet(1, ns / 1000, reframe(packet.frame, kCooked2));
    }
  }
  return write_file(path, out.bytes());
}

bool is_known_link_type(uint32_t type) {
  return carries_vlan(type) || type == 101 || type == 0 || type == 108 || type == 9;
}

}  // namespace

std::string_view to_string(LabKind kind) noexcept {
  switch (kind) {
    case LabKind::kLeak:
      return "leak";
    case LabKind::kInnocent:
      return "innocent";
    case LabKind::kData:
      return "data";
    case LabKind::kMark:
      return "mark";
    case LabKind::kContact:
      return "contact";
    case LabKind::kBackground:
      break;
  }
  return "background";
}

std::string to_json(const LabLabel& label) {
  std::string out = "{\"kind\":" + json_string(to_string(label.kind));
  put_number(out, "time_ns", static_cast<uint64_t>(label.time.ns));
  put_endpoint(out, "client", label.client);
  put_endpoint(out, "server", label.server);
  put_number(out, "encapsulation", label.encapsulation);
  put_text(out, "protocol", label.protocol);
  put_text(out, "host", label.host);
  put_text(out, "api", label.api);
  put_text(out, "form", label.form);
  put_text(out, "coding", label.coding);
  put_number(out, "requests", label.requests);
  if (label.kind == LabKind::kLeak) {
    put_text(out, "repository", label.repository);
    put_text(out, "path", label.path);
    put_number(out, "first_line", label.first_line);
    put_number(out, "last_line", label.last_line);
  }
  if (!label.tool.empty()) put_text(out, "tool", label.tool);
  if (!label.mark.empty()) put_text(out, "mark", label.mark);
  if (label.kind == LabKind::kData) {
    out += ",\"planted\":[";
    for (size_t i = 0; i < label.planted.size(); ++i) {
      const auto& [data_class, field] = label.planted[i];
      out += (i == 0 ? "{" : ",{") + std::string("\"class\":") + json_string(data_class) +
             ",\"field\":" + json_string(field) + '}';
    }
    out += ']';
  }
  return out + '}';
}

Result<LabReport> generate_lab(const LabOptions& options, const std::string& pcap_out,
                               const std::string& labels_out) {
  if (!(options.leak_share >= 0 && options.leak_share <= 1)) {
    return Error{"the share of leaking sessions must be between 0 and 1", ""};
  }
  if (!is_known_link_type(options.link_type)) {
    return Error{"link type " + std::to_string(options.link_type) +
                     " is not one of 0, 1, 9, 101, 108, 113, 276",
                 ""};
  }
  Result<CodePool> pool = CodePool::load(options.code_directory);
  if (!pool) return pool.error();
  LabRandom random(options.seed);
  Traffic traffic(random);
  add_ai_sessions(options, *pool, random, traffic);
  add_background(options, random, traffic);
  add_data_traffic(options.data_rounds, options.start, random, traffic);

  LabReport report;
  std::vector<LabPacket>& packets = traffic.packets();
  std::stable_sort(packets.begin(), packets.end(),
                   [](const LabPacket& a, const LabPacket& b) { return a.time < b.time; });
  report.packets = packets.size();
  report.bytes = traffic.frame_bytes();
  report.labels = std::move(traffic.labels());
  std::stable_sort(report.labels.begin(), report.labels.end(),
                   [](const LabLabel& a, const LabLabel& b) { return a.time < b.time; });

  if (!options.pcapng && !carries_vlan(options.link_type)) {
    for (LabLabel& label : report.labels) label.encapsulation = 0;
  }
  const Status captured =
      options.pcapng ? write_pcapng(packets, pcap_out) : write_pcap(packets, options, pcap_out);
  if (!captured) return captured.error();
  if (!options.key_log_out.empty()) {
    const Status written = write_file(options.key_log_out, as_bytes(traffic.key_log()));
    if (!written) return written.error();
  }
  if (labels_out.empty()) return report;
  std::string lines;
  for (const LabLabel& label : report.labels) lines += to_json(label) + '\n';
  if (Status written = write_file(labels_out, as_bytes(lines)); !written) return written.error();
  return report;
}

}  // namespace weir::lab
