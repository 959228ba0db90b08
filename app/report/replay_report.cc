// See replay_report.h.
#include "app/report/replay_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/terminal.h"

namespace weir::app {

namespace {

bool more_serious(const alert::Incident& a, const alert::Incident& b) noexcept {
  if (a.severity != b.severity) return a.severity > b.severity;
  if (a.first_seen != b.first_seen) return a.first_seen < b.first_seen;
  return a.id < b.id;
}

Ink ink_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::kCritical:
    case Severity::kHigh:
      return Ink::kRed;
    case Severity::kMedium:
      return Ink::kYellow;
    default:
      return Ink::kPlain;
  }
}

std::string percent(double share) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), "%.0f %%", share * 100);
  return out.data();
}

std::string decimal(double value, const char* format) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), format, value);
  return out.data();
}

std::string what_left(const Evidence& piece) {
  if (piece.path.empty()) {
    return (piece.title.empty() ? piece.rule : piece.title) +
           (piece.excerpt.empty() ? "" : " " + piece.excerpt);
  }
  std::string out = piece.repository + "/" + piece.path;
  if (piece.first_line > 0) {
    out += ":" + std::to_string(piece.first_line) + "-" + std::to_string(piece.last_line);
  }
  return out;
}

std::string used(const FlowIdentity& flow) {
  if (!flow.product.empty()) return flow.product;
  if (!flow.service.empty()) return flow.service;
  return flow.tool.empty() ? flow.protocol : flow.tool;
}

// "decrypted 12, metadata 3 (no_key 2, quic 1)": numbers where there is more than one kind.
std::string seen_into(const ServiceUsage& usage) {
  std::string out;
  for (size_t i = kVisibilities; i-- > 0;) {
    if (usage.flows_by_visibility[i] == 0) continue;
    if (!out.empty()) out += ", ";
    out += to_string(static_cast<Visibility>(i));
    if (usage.flows_by_visibility[i] != usage.flows) {
      out += " " + std::to_string(usage.flows_by_visibility[i]);
    }
  }
  std::string why;
  size_t reasons = 0;
  for (size_t i = 1; i < kVisibilityReasons; ++i) reasons += usage.flows_by_reason[i] > 0 ? 1 : 0;
  for (size_t i = 1; i < kVisibilityReasons; ++i) {
    if (usage.flows_by_reason[i] == 0) continue;
    if (!why.empty()) why += ", ";
    why += to_string(static_cast<VisibilityReason>(i));
    if (reasons > 1) why += " " + std::to_string(usage.flows_by_reason[i]);
  }
  return why.empty() ? out : out + " (" + why + ")";
}

uint64_t counter(const ReplayFacts& facts, std::string_view name) {
  for (const auto& [key, value] : facts.counters) {
    if (key == name) return value;
  }
  return 0;
}

std::string services_text(const UsageTotals& usage) {
  if (usage.services.empty()) return "No AI service was used.\n";
  std::vector<const std::pair<const std::string, ServiceUsage>*> order;
  for (const auto& entry : usage.services) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return a->second.bytes_up > b->second.bytes_up;
  });
  Table table({{"SERVICE"},
               {"CLASS"},
               {"STATUS"},
               {"CLIENTS", true},
               {"FLOWS", true},
               {"REQUESTS", true},
               {"UP", true},
               {"DOWN", true},
               {"SEEN INTO"}});
  for (const auto* entry : order) {
    const ServiceUsage& use = entry->second;
    table.add({use.product.empty() ? entry->first : use.product, use.service_class,
               std::string(to_string(use.status)), human_count(use.clients.size()),
               human_count(use.flows), human_count(use.requests), human_bytes(use.bytes_up),
               human_bytes(use.bytes_down), seen_into(use)},
              use.status == ServiceStatus::kUnsanctioned ? Ink::kYellow : Ink::kPlain);
  }
  return paint("AI services", Ink::kBold) + "\n" + table.to_string();
}

std::string incidents_text(const IncidentSummary& summary) {
  if (summary.incidents() == 0) return "No incidents.\n";
  Table table({{"SEVERITY"},
               {"VERDICT"},
               {"CLIENT"},
               {"TO"},
               {"WHAT LEFT", false, true},
               {"LINES", true},
               {"SURE", true},
               {"TIMES", true},
               {"RULE"}});
  constexpr size_t kMaxRows = 60;
  size_t rows = 0;
  for (const alert::Incident& incident : summary.shown()) {
    if (++rows > kMaxRows) break;
    const std::string to =
        incident.flow.host.empty() ? incident.flow.server.ip.to_string() : incident.flow.host;
    std::vector<Evidence> pieces = incident.evidence;
    if (pieces.empty()) pieces.push_back({});
    bool first = true;
    for (const Evidence& piece : pieces) {
      const bool none = incident.evidence.empty();
      table.add(
          {first ? std::string(to_string(incident.severity)) : "",
           first ? std::string(to_string(incident.action)) : "",
           first ? incident.flow.client.ip.to_string() : "", first ? to : "",
           none ? "(use of " + used(incident.flow) + ")" : what_left(piece),
           piece.lines > 0 ? std::to_string(piece.lines) : "", none ? "" : percent(piece.score),
           first ? human_count(incident.count) : "", first ? incident.rule : ""},
          ink_of(incident.severity));
      first = false;
    }
  }
  std::string out = paint("Incidents", Ink::kBold) + "\n" + table.to_string();
  if (summary.incidents() > kMaxRows) {
    out += "  … and " + human_count(summary.incidents() - kMaxRows) + " more\n";
  }
  return out;
}

std::string not_read_text(const ReplayFacts& facts, const UsageTotals& usage) {
  std::string out;
  const auto add = [&](uint64_t bytes, const char* why) {
    if (bytes == 0) return;
    out += (out.empty() ? "" : ", ") + human_bytes(bytes) + " " + why;
  };
  add(counter(facts, "engine.unread_tls_bytes"), "in TLS without keys");
  add(counter(facts, "engine.unread_udp_bytes"), "in QUIC and other UDP");
  add(counter(facts, "engine.unread_limit_bytes"), "past a limit");
  add(counter(facts, "engine.unread_slot_bytes"), "for want of memory");
  add(usage.gap_bytes_up, "missing from the capture");
  out = out.empty() ? "Everything that clients sent over TCP was read.\n"
                    : "Not read of what clients sent: " + out + ".\n";
  if (const uint64_t opaque = counter(facts, "engine.requests_opaque"); opaque > 0) {
    out += human_count(opaque) + " request bodies held nothing readable.\n";
  }
  return out;
}

nlohmann::json visibility_json(const std::array<uint64_t, kVisibilities>& flows) {
  nlohmann::json out = nlohmann::json::object();
  for (size_t i = 0; i < flows.size(); ++i) {
    out[std::string(to_string(static_cast<Visibility>(i)))] = flows[i];
  }
  return out;
}

nlohmann::json reasons_json(const std::array<uint64_t, kVisibilityReasons>& flows) {
  nlohmann::json out = nlohmann::json::object();
  for (size_t i = 1; i < flows.size(); ++i) {
    if (flows[i] > 0) out[std::string(to_string(static_cast<VisibilityReason>(i)))] = flows[i];
  }
  return out;
}

}  // namespace

bool is_leak(const alert::Incident& incident) noexcept {
  return std::any_of(incident.evidence.begin(), incident.evidence.end(), [](const Evidence& e) {
    return e.kind == EvidenceKind::kCode || e.kind == EvidenceKind::kHash ||
           e.kind == EvidenceKind::kSecret || e.kind == EvidenceKind::kMarker ||
           e.kind == EvidenceKind::kName;
  });
}

void IncidentSummary::on_incident(const alert::Incident& incident,
                                  alert::IncidentActivity activity) {
  if (activity != alert::IncidentActivity::kClose) return;
  ++incidents_;
  if (is_leak(incident)) ++leaks_;
  kept_.push_back(incident);
  if (kept_.size() > 2 * kMaxShown) {
    std::sort(kept_.begin(), kept_.end(), more_serious);
    kept_.resize(kMaxShown);
  }
}

std::vector<alert::Incident> IncidentSummary::shown() const {
  std::vector<alert::Incident> out = kept_;
  std::sort(out.begin(), out.end(), more_serious);
  if (out.size() > kMaxShown) out.resize(kMaxShown);
  return out;
}

std::string replay_text(const ReplayFacts& facts, const UsageTotals& usage,
                        const IncidentSummary& incidents) {
  std::string out;
  for (const std::string& file : facts.files) out += (out.empty() ? "" : ", ") + file;
  out += ": " + human_count(facts.packets) + " packets, " + human_bytes(facts.packet_bytes) + ", " +
         human_count(usage.flows) + " flows, " + human_count(usage.requests) + " requests, " +
         decimal((facts.last - facts.first).as_seconds(), "%.1f s of traffic") + "\n\n";
  out +=
      services_text(usage) + "\n" + incidents_text(incidents) + "\n" + not_read_text(facts, usage);
  const uint64_t undecoded =
      facts.packets - std::min(facts.packets, counter(facts, "engine.packets"));
  if (undecoded > 0) {
    out += human_count(undecoded) +
           " packets were not decoded (not IP, fragments, tunnels or "
           "malformed: see --stats).\n";
  }
  if (facts.seconds > 0) {
    out += human_bytes(usage.inspected_bytes) + " of text read; " +
           decimal(facts.seconds, "%.2f s") + ", " +
           decimal(static_cast<double>(facts.packet_bytes) * 8e-9 / facts.seconds, "%.2f Gbit/s") +
           ", " +
           human_count(static_cast<uint64_t>(static_cast<double>(facts.packets) / facts.seconds)) +
           " packets/s with " + std::to_string(facts.workers) +
           (facts.workers == 1 ? " worker\n" : " workers\n");
  }
  return out;
}

std::string replay_stats_json(const ReplayFacts& facts, const UsageTotals& usage,
                              const IncidentSummary& incidents) {
  nlohmann::json services = nlohmann::json::array();
  for (const auto& [id, use] : usage.services) {
    services.push_back({{"service", id},
                        {"product", use.product},
                        {"vendor", use.vendor},
                        {"class", use.service_class},
                        {"status", to_string(use.status)},
                        {"clients", use.clients.size()},
                        {"flows", use.flows},
                        {"requests", use.requests},
                        {"bytes_up", use.bytes_up},
                        {"bytes_down", use.bytes_down},
                        {"visibility", visibility_json(use.flows_by_visibility)},
                        {"visibility_reasons", reasons_json(use.flows_by_reason)},
                        {"bytes_up_unseen", use.bytes_up_unseen},
                        {"hosts", use.hosts}});
  }
  nlohmann::json counters = nlohmann::json::object();
  for (const auto& [name, value] : facts.counters) counters[name] = value;
  const nlohmann::json out = {{"schema_version", 1},
                              {"weir_version", WEIR_VERSION},
                              {"files", facts.files},
                              {"errors", facts.errors},
                              {"packets", facts.packets},
                              {"packet_bytes", facts.packet_bytes},
                              {"capture_seconds", (facts.last - facts.first).as_seconds()},
                              {"flows", usage.flows},
                              {"ai_flows", usage.ai_flows},
                              {"requests", usage.requests},
                              {"bytes_up", usage.bytes_up},
                              {"bytes_down", usage.bytes_down},
                              {"inspected_bytes", usage.inspected_bytes},
                              {"visibility", visibility_json(usage.flows_by_visibility)},
                              {"visibility_reasons", reasons_json(usage.flows_by_reason)},
                              {"protocols", usage.protocols},
                              {"services", services},
                              {"incidents", incidents.incidents()},
                              {"leaks", incidents.leaks()},
                              {"counters", counters},
                              {"timing", {{"seconds", facts.seconds}, {"workers", facts.workers}}}};
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace weir::app
