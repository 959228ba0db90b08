// What environment data says: of the machine, the person, the place, the work.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::signatures {

enum class DataClass : uint8_t {
  kTimeZone,
  kLocale,
  kLocation,
  kUser,
  kAccount,
  kHost,
  kMachine,
  kPath,
  kRepository,
  kGateway,
  kFileDigest,
  kOpaque,
};

inline constexpr std::array<std::string_view, 12> kDataClasses = {
    "time_zone", "locale", "location",   "user",    "account",     "host",
    "machine",   "path",   "repository", "gateway", "file_digest", "opaque"};
inline constexpr std::string_view kDataClassNames =
    "time_zone, locale, location, user, account, host, machine, path, repository, gateway, "
    "file_digest, opaque";

[[nodiscard]] constexpr std::string_view to_string(DataClass c) noexcept {
  return kDataClasses[static_cast<size_t>(c)];
}
[[nodiscard]] inline std::optional<DataClass> parse_data_class(std::string_view name) noexcept {
  const auto found = std::find(kDataClasses.begin(), kDataClasses.end(), name);
  if (found == kDataClasses.end()) return std::nullopt;
  return static_cast<DataClass>(found - kDataClasses.begin());
}

}  // namespace weir::signatures
