// What a value is, by its form alone: an IANA time zone, a locale, an absolute path, a MAC address.
// A field name says little without it ("timezone" stands in every calendar program).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::signatures {

enum class ValueKind : uint8_t {
  kIanaZone,   // "Europe/Berlin", "UTC"
  kUtcOffset,  // "+02:00", "UTC+1", "GMT-0330"
  kMinutes,    // offset in minutes: "-120"
  kLocale,     // "en-GB", "de_DE.UTF-8", "en-GB,en;q=0.9"
  kCountry,    // "DE"
  kPlace,      // a few words that begin with capitals
  kNumber,     // of a coordinate: with a fraction
  kEmail,      //
  kUserName,   // a log-in name, or a few words of a name
  kUuid,       // with or without dashes
  kHexId,      // 16 to 128 hexadecimal digits
  kMac,        //
  kIp,         // v4 or v6
  kHostName,   // of a machine or in DNS
  kUrl,        // or HOST:PORT
  kHomePath,   // absolute, with a user's name in it
  kPath,       // absolute
  kGitRemote,  // URL or OWNER/NAME
  kCommit,     // 7 to 64 hexadecimal digits
  kBranch,     //
  kDigest,     // MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal or base64
  kOpaque,     // long, of high entropy, no digest and no words
  kWord,       // one short word with no blanks: "linux", "x64", "v22.11.0"
  kText,       // a short line that is no sentence
};

inline constexpr std::string_view kValueKindNames =
    "iana_zone, utc_offset, minutes, locale, country, place, number, email, user_name, uuid, "
    "hex_id, mac, ip, host_name, url, home_path, path, git_remote, commit, branch, digest, opaque, "
    "word, text";
[[nodiscard]] std::optional<ValueKind> parse_value_kind(std::string_view name) noexcept;

[[nodiscard]] bool is_value(ValueKind kind, std::string_view value) noexcept;

// The user's name in an absolute path ("/home/NAME/…", "C:\Users\NAME\…"); empty when none, or one
// that is nobody's (root, shared, runner …).
[[nodiscard]] std::string_view user_in_path(std::string_view path) noexcept;

}  // namespace weir::signatures
