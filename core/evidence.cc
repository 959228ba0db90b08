#include "core/evidence.h"

#include <array>

#include "core/finding.h"

namespace weir {
namespace {

constexpr std::array<std::string_view, 7> kKinds = {"code", "hash",        "secret", "marker",
                                                    "name", "environment", "anomaly"};

constexpr std::array<std::string_view, 7> kHostSources = {"",         "ip",  "dns", "cert",
                                                          "quic_sni", "sni", "http"};

}  // namespace

std::string_view to_string(EvidenceKind kind) noexcept { return kKinds[static_cast<size_t>(kind)]; }

std::string_view to_string(CutEnding ending) noexcept {
  constexpr std::array<std::string_view, 7> kNames = {
      "", "unknown", "ended", "stopped", "went_on", "no_reset_udp", "no_reset_tunnel"};
  return kNames[static_cast<size_t>(ending)];
}

std::string_view to_string(HostSource source) noexcept {
  return kHostSources[static_cast<size_t>(source)];
}

std::optional<EvidenceKind> parse_evidence_kind(std::string_view text) noexcept {
  for (size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == text) return static_cast<EvidenceKind>(i);
  }
  return std::nullopt;
}

}  // namespace weir
