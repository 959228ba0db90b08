#include "core/verdict.h"

#include <array>
#include <cstddef>

namespace weir {
namespace {

constexpr std::array<std::string_view, 4> kActions = {"allow", "alert", "reset", "drop"};
constexpr std::array<std::string_view, 6> kSeverities = {"none",   "info", "low",
                                                         "medium", "high", "critical"};
constexpr std::array<std::string_view, 5> kStatuses = {"unknown", "sanctioned", "tolerated",
                                                       "unsanctioned", "internal"};
constexpr std::array<std::string_view, 4> kVisibilities = {"metadata", "partly", "decrypted",
                                                           "clear"};

template <typename E, size_t N>
std::optional<E> find(const std::array<std::string_view, N>& names,
                      std::string_view name) noexcept {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Action v) noexcept { return kActions[static_cast<size_t>(v)]; }
std::string_view to_string(Severity v) noexcept { return kSeverities[static_cast<size_t>(v)]; }
std::string_view to_string(ServiceStatus v) noexcept { return kStatuses[static_cast<size_t>(v)]; }
std::string_view to_string(Visibility v) noexcept { return kVisibilities[static_cast<size_t>(v)]; }

std::optional<Action> parse_action(std::string_view s) noexcept {
  return find<Action>(kActions, s);
}
std::optional<Severity> parse_severity(std::string_view s) noexcept {
  return find<Severity>(kSeverities, s);
}
std::optional<ServiceStatus> parse_service_status(std::string_view s) noexcept {
  return find<ServiceStatus>(kStatuses, s);
}
std::optional<Visibility> parse_visibility(std::string_view s) noexcept {
  return find<Visibility>(kVisibilities, s);
}

}  // namespace weir
