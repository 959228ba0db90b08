// IP addresses and endpoints as values. IPv4 is kept as an IPv4-mapped IPv6 address (RFC 4291
// section 2.5.5.2), so that one type and one comparison serve both.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace weir {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // network byte order

  // `four` must hold 4 bytes, `sixteen` 16; otherwise the unspecified address is returned.
  static IpAddress v4(ByteSpan four) noexcept;
  static IpAddress v4(uint32_t host_order) noexcept;
  static IpAddress v6(ByteSpan sixteen) noexcept;
  // Dotted quad or RFC 4291 text; no zone, no prefix length.
  static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const noexcept;
  [[nodiscard]] std::string to_string() const;  // RFC 5952 form
  friend auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
};

// A CIDR block; `prefix` counts bits of the 16-byte form (an IPv4 /8 is stored as 104).
struct IpNetwork {
  IpAddress address;
  uint8_t prefix = 128;

  // "10.0.0.0/8", "2001:db8::/32", or a plain address.
  static std::optional<IpNetwork> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;
  friend bool operator==(const IpNetwork&, const IpNetwork&) noexcept = default;
};

struct Endpoint {
  IpAddress ip;
  uint16_t port = 0;  // host order
  friend auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

// IANA protocol numbers that Weir names.
enum class IpProtocol : uint8_t {
  kIcmp = 1,
  kTcp = 6,
  kUdp = 17,
  kGre = 47,
  kIcmp6 = 58,
  kSctp = 132
};

}  // namespace weir
