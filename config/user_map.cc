// See user_map.h.
#include "config/user_map.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace weir::config {
namespace {

constexpr size_t kMaxEntries = 1'000'000;
constexpr size_t kMaxUser = 128;
constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) noexcept {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

IpAddress masked(IpAddress address, uint8_t prefix) noexcept {
  for (size_t i = 0; i < address.bytes.size(); ++i) {
    const size_t bits = std::clamp<size_t>(prefix, i * 8, i * 8 + 8) - i * 8;
    address.bytes[i] = static_cast<uint8_t>(address.bytes[i] & (0xff00U >> bits));
  }
  return address;
}

// Longest prefix first.
bool before(uint8_t prefix, const IpAddress& address, uint8_t other_prefix,
            const IpAddress& other) noexcept {
  if (prefix != other_prefix) return prefix > other_prefix;
  return address < other;
}

}  // namespace

Result<UserMap> UserMap::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return Error{std::string("cannot be read: ") + std::strerror(errno), path, 0, 0};
  return parse(text.str(), path);
}

Result<UserMap> UserMap::parse(std::string_view text, const std::string& file) {
  UserMap out;
  std::vector<std::pair<Entry, int>> read;
  int number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const size_t gap = line.find_first_of(kBlank);
    const std::string_view where = line.substr(0, gap);
    const auto network = IpNetwork::parse(where);
    if (!network) {
      return Error{"\"" + std::string(where) + "\", expected an address or network (10.0.0.0/8)",
                   file, number, 1};
    }
    const std::string_view user =
        gap == std::string_view::npos ? std::string_view() : trimmed(line.substr(gap));
    const bool printable = std::none_of(user.begin(), user.end(), [](char c) {
      return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
    });
    if (user.empty() || user.size() > kMaxUser || !printable) {
      return Error{"expected a user of at most " + std::to_string(kMaxUser) +
                       " printable bytes after the address",
                   file, number, 0};
    }
    if (read.size() == kMaxEntries) {
      return Error{"more than " + std::to_string(kMaxEntries) + " entries", file, number, 0};
    }
    read.emplace_back(
        Entry{network->prefix, masked(network->address, network->prefix), std::string(user)},
        number);
  }
  std::stable_sort(read.begin(), read.end(), [](const auto& a, const auto& b) {
    return before(a.first.prefix, a.first.address, b.first.prefix, b.first.address);
  });
  for (size_t i = 0; i < read.size(); ++i) {
    Entry& entry = read[i].first;
    if (i > 0 && out.entries_.back().prefix == entry.prefix &&
        out.entries_.back().address == entry.address) {
      return Error{"stands there already, in line " + std::to_string(read[i - 1].second), file,
                   read[i].second, 1};
    }
    if (out.prefixes_.empty() || out.prefixes_.back() != entry.prefix) {
      out.prefixes_.push_back(entry.prefix);
    }
    out.entries_.push_back(std::move(entry));
  }
  return out;
}

std::string_view UserMap::user_of(const IpAddress& address) const noexcept {
  for (const uint8_t prefix : prefixes_) {
    const IpAddress wanted = masked(address, prefix);
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), wanted,
                                        [prefix](const Entry& e, const IpAddress& a) {
                                          return before(e.prefix, e.address, prefix, a);
                                        });
    if (found != entries_.end() && found->prefix == prefix && found->address == wanted) {
      return found->user;
    }
  }
  return {};
}

}  // namespace weir::config
