// What policy says about a flow or request.
#pragma once

#include <cstddef>
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
// Whose account a request was made with, as far as it shows. kPersonal: not one of the company's.
enum class Account : uint8_t { kUnknown, kCompany, kPersonal };
// How far Weir saw into a flow. kPartly: some of what was sent could be read, some not.
enum class Visibility : uint8_t { kMetadata, kPartly, kDecrypted, kClear };

inline constexpr size_t kVisibilities = 4;
// Why no more of a flow was seen. kNone: all that was sent could be read.
enum class VisibilityReason : uint8_t {
  kNone,
  kNoData,             // nothing was sent, or only handshakes
  kNoKey,              // encrypted, and no key log had its keys (in time)
  kKeysLate,           // its keys came when some of it was gone already
  kEch,                // encrypted, the server's name too
  kQuic,               // QUIC that is not decrypted
  kUnsupportedCipher,  // cipher suite or protocol version
  kDecryptFailed,      // there were keys, but they did not fit, or records were damaged
  kOpaque,             // seen, but nothing in it was readable
  kNotInspected,       // left unread at a limit, or as the flow was of no interest
  kUnknownProtocol,
  kLost,       // packets are missing
  kMidStream,  // the capture began after the handshake
};
inline constexpr size_t kVisibilityReasons = 13;

std::string_view to_string(Action) noexcept;
std::string_view to_string(Severity) noexcept;
std::string_view to_string(ServiceStatus) noexcept;
std::string_view to_string(Account) noexcept;
std::string_view to_string(Visibility) noexcept;
std::string_view to_string(VisibilityReason) noexcept;
std::optional<Action> parse_action(std::string_view) noexcept;
std::optional<Severity> parse_severity(std::string_view) noexcept;
std::optional<ServiceStatus> parse_service_status(std::string_view) noexcept;
std::optional<Account> parse_account(std::string_view) noexcept;
std::optional<Visibility> parse_visibility(std::string_view) noexcept;
std::optional<VisibilityReason> parse_visibility_reason(std::string_view) noexcept;

}  // namespace weir
