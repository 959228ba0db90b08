// What policy says about a flow or request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

// In order of strictness: the stricter of two is the greater.
enum class Action : uint8_t { kAllow = 0, kAlert = 1, kReset = 2, kDrop = 3 };
enum class Severity : uint8_t {
  kNone = 0,
  kInfo = 1,
  kLow = 2,
  kMedium = 3,
  kHigh = 4,
  kCritical = 5
};
enum class ServiceStatus : uint8_t { kUnknown, kSanctioned, kTolerated, kUnsanctioned, kInternal };
// How far Weir saw into a flow. kPartly: some of it decrypted, some not.
enum class Visibility : uint8_t { kMetadata, kPartly, kDecrypted, kClear };

std::string_view to_string(Action) noexcept;
std::string_view to_string(Severity) noexcept;
std::string_view to_string(ServiceStatus) noexcept;
std::string_view to_string(Visibility) noexcept;
std::optional<Action> parse_action(std::string_view) noexcept;
std::optional<Severity> parse_severity(std::string_view) noexcept;
std::optional<ServiceStatus> parse_service_status(std::string_view) noexcept;
std::optional<Visibility> parse_visibility(std::string_view) noexcept;

}  // namespace weir
