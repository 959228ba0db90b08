// Who sits at an address: a file that maps addresses and networks to users, as a DHCP or VPN server
// can write it. Looked up by longest prefix.
//
//   # address or network, then the user up to the end of the line
//   10.20.1.7        alice
//   10.30.0.0/16     build farm
//   2001:db8:7::/48  guests
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "core/result.h"

namespace weir::config {

class UserMap {
 public:
  // Every error names its line; a network that stands there twice is one.
  static Result<UserMap> load(const std::string& path);
  static Result<UserMap> parse(std::string_view text, const std::string& file);

  // Empty where nobody is known. Valid as long as the map.
  [[nodiscard]] std::string_view user_of(const IpAddress& address) const noexcept;
  [[nodiscard]] size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    uint8_t prefix;
    IpAddress address;  // bits after the prefix are zero
    std::string user;
  };
  std::vector<Entry> entries_;     // by prefix, longest first, then address
  std::vector<uint8_t> prefixes_;  // that occur, longest first
};

}  // namespace weir::config
