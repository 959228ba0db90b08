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
constexpr std::array<std::string_view, 3> kAccounts = {"unknown", "company", "personal"};
constexpr std::array<std::string_view, kVisibilities> kVisibilityNames = {"metadata", "partly",
                                                                          "decrypted", "clear"};
constexpr std::array<std::string_view, kVisibilityReasons> kReasonNames = {"none",
                                                                           "no_data",
                                                                           "no_key",
                                                                           "keys_late",
                                                                           "ech",
                                                                           "quic",
                                                                           "unsupported_cipher",
                                                                           "decrypt_failed",
                                                                           "opaque_body",
                                                                           "not_inspected",
                                                                           "unknown_protocol",
                                                                           "lost_packets",
                                                                           "mid_stream"};

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
std::string_view to_string(Account v) noexcept { return kAccounts[static_cast<size_t>(v)]; }
std::string_view to_string(Visibility v) noexcept {
  return kVisibilityNames[static_cast<size_t>(v)];
}
std::string_view to_string(VisibilityReason v) noexcept {
  return kReasonNames[static_cast<size_t>(v)];
}

std::optional<Action> parse_action(std::string_view s) noexcept {
  return find<Action>(kActions, s);
}
std::optional<Severity> parse_severity(std::string_view s) noexcept {
  return find<Severity>(kSeverities, s);
}
std::optional<ServiceStatus> parse_service_status(std::string_view s) noexcept {
  return find<ServiceStatus>(kStatuses, s);
}
std::optional<Account> parse_account(std::string_view s) noexcept {
  return find<Account>(kAccounts, s);
}
std::optional<Visibility> parse_visibility(std::string_view s) noexcept {
  return find<Visibility>(kVisibilityNames, s);
}
std::optional<VisibilityReason> parse_visibility_reason(std::string_view s) noexcept {
  return find<VisibilityReason>(kReasonNames, s);
}

}  // namespace weir
