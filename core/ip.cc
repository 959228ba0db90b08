#include "core/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace weir {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpAddress IpAddress::v4(ByteSpan four) noexcept {
  IpAddress out;
  if (four.size() != 4) return out;
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), out.bytes.begin());
  std::copy(four.begin(), four.end(), out.bytes.begin() + 12);
  return out;
}

IpAddress IpAddress::v4(uint32_t host_order) noexcept {
  const std::array<uint8_t, 4> four = {
      static_cast<uint8_t>(host_order >> 24), static_cast<uint8_t>(host_order >> 16),
      static_cast<uint8_t>(host_order >> 8), static_cast<uint8_t>(host_order)};
  return v4(ByteSpan(four));
}

IpAddress IpAddress::v6(ByteSpan sixteen) noexcept {
  IpAddress out;
  if (sixteen.size() == 16) std::copy(sixteen.begin(), sixteen.end(), out.bytes.begin());
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  std::array<uint8_t, 16> buffer{};
  if (inet_pton(AF_INET, copy.c_str(), buffer.data()) == 1) return v4(ByteSpan(buffer).first(4));
  if (inet_pton(AF_INET6, copy.c_str(), buffer.data()) == 1) return v6(buffer);
  return std::nullopt;
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const bool four = is_v4();
  const char* text = inet_ntop(four ? AF_INET : AF_INET6, bytes.data() + (four ? 12 : 0),
                               buffer.data(), buffer.size());
  return text != nullptr ? text : "";
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork out{*address, 128};
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  unsigned prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  const unsigned widest = address->is_v4() ? 32 : 128;
  if (error != std::errc() || end != digits.data() + digits.size() || prefix > widest) {
    return std::nullopt;
  }
  out.prefix = static_cast<uint8_t>(prefix + (128 - widest));
  return out;
}

bool IpNetwork::contains(const IpAddress& ip) const noexcept {
  const size_t whole = prefix / 8U;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<ptrdiff_t>(whole),
                  ip.bytes.begin())) {
    return false;
  }
  const unsigned bits = prefix % 8U;
  if (bits == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits));
  return (address.bytes[whole] & mask) == (ip.bytes[whole] & mask);
}

}  // namespace weir
