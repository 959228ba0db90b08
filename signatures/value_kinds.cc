// See value_kinds.h. All checks are single passes over short values.
#include "signatures/value_kinds.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/ip.h"
#include "signatures/rule_validators.h"
#include "signatures/wildcard.h"

namespace weir::signatures {

namespace {

constexpr std::array<std::string_view, 24> kNames = {
    "iana_zone", "utc_offset", "minutes", "locale", "country", "place",     "number", "email",
    "user_name", "uuid",       "hex_id",  "mac",    "ip",      "host_name", "url",    "home_path",
    "path",      "git_remote", "commit",  "branch", "digest",  "opaque",    "word",   "text"};

constexpr size_t kOpaqueBytes = 80;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool letter(char c) noexcept { return lower(c) || upper(c); }
bool hex(char c) noexcept { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool printable(char c) noexcept { return c >= ' ' && c != '\x7f'; }

template <typename Test>
bool all(std::string_view text, Test test) noexcept {
  return std::all_of(text.begin(), text.end(), test);
}

bool one_of_chars(char c, std::string_view set) noexcept {
  return set.find(c) != std::string_view::npos;
}

bool iana_zone(std::string_view v) noexcept {
  if (v == "UTC" || v == "GMT" || v == "Z") return true;
  constexpr std::array<std::string_view, 11> kAreas = {"Africa", "America",  "Antarctica", "Arctic",
                                                       "Asia",   "Atlantic", "Australia",  "Europe",
                                                       "Indian", "Pacific",  "Etc"};
  const size_t slash = v.find('/');
  if (slash == std::string_view::npos || v.size() > 40 || v.size() < slash + 4) return false;
  if (std::find(kAreas.begin(), kAreas.end(), v.substr(0, slash)) == kAreas.end()) return false;
  const std::string_view city = v.substr(slash + 1);
  return upper(city.front()) &&
         all(city, [](char c) { return letter(c) || digit(c) || one_of_chars(c, "_/+-"); }) &&
         letter(city.back()) == !digit(city.back());
}

bool utc_offset(std::string_view v) noexcept {
  if (v.starts_with("UTC") || v.starts_with("GMT")) v.remove_prefix(3);
  if (v.empty() || (v.front() != '+' && v.front() != '-')) return false;
  v.remove_prefix(1);
  if (v.size() > 5) return false;
  size_t digits = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    if (v[i] == ':' && i >= 1 && i <= 2) continue;
    if (!digit(v[i])) return false;
    ++digits;
  }
  return digits >= 1 && digits <= 4 &&
         (v.size() < 2 || v.substr(0, 2) <= "14" || digits == 1 || v[1] == ':');
}

bool minutes(std::string_view v) noexcept {
  const bool minus = v.starts_with('-');
  if (minus) v.remove_prefix(1);
  if (v.empty() || v.size() > 5 || !all(v, digit)) return false;
  int value = 0;
  for (const char c : v) value = value * 10 + (c - '0');
  // Minutes or, as some say it, seconds east of Greenwich.
  return (value <= 840 && value % 15 == 0) || (value <= 50'400 && value % 900 == 0);
}

// One language tag: "en", "en-GB", "de_DE.UTF-8", "zh-Hans-CN".
bool language_tag(std::string_view v) noexcept {
  if (const size_t dot = v.find('.'); dot != std::string_view::npos) {
    const std::string_view charset = v.substr(dot + 1);
    if (charset.size() < 3 || charset.size() > 12) return false;
    v = v.substr(0, dot);
  }
  size_t parts = 0;
  while (!v.empty()) {
    const size_t end = std::min(v.find_first_of("-_"), v.size());
    const std::string_view part = v.substr(0, end);
    if (parts == 0 && !(part.size() >= 2 && part.size() <= 3 && all(part, lower))) return false;
    if (parts > 0 &&
        !((part.size() == 2 && all(part, letter)) || (part.size() == 4 && all(part, letter)) ||
          (part.size() == 3 && all(part, digit)))) {
      return false;
    }
    if (end + 1 == v.size()) return false;
    v.remove_prefix(std::min(end + 1, v.size()));
    ++parts;
  }
  return parts >= 1 && parts <= 3;
}

// A bare "en" is a word like another: a region must stand in a list or in the tag.
bool locale(std::string_view v) noexcept {
  if (v.size() > 128) return false;
  bool region = false;
  size_t count = 0;
  while (!v.empty()) {
    size_t end = std::min(v.find(','), v.size());
    std::string_view item = v.substr(0, end);
    v.remove_prefix(std::min(end + 1, v.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    item = item.substr(0, item.find(';'));
    if (item == "*") continue;
    if (!language_tag(item)) return false;
    region = region || item.size() > 3;
    ++count;
  }
  return count > 0 && region;
}

bool place(std::string_view v) noexcept {
  if (v.size() < 2 || v.size() > 64) return false;
  if (!upper(v.front()) && static_cast<uint8_t>(v.front()) < 0x80) return false;
  return all(v, [](char c) {
    return letter(c) || static_cast<uint8_t>(c) >= 0x80 || one_of_chars(c, " .,'-");
  });
}

bool number(std::string_view v) noexcept {
  if (v.starts_with('-')) v.remove_prefix(1);
  const size_t dot = v.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot > 3 || v.size() < dot + 2) return false;
  return all(v.substr(0, dot), digit) && all(v.substr(dot + 1), digit);
}

bool host_chars(std::string_view v) noexcept {
  return !v.empty() && v.size() <= 253 && letter(v.front()) == !digit(v.front()) &&
         all(v, [](char c) { return letter(c) || digit(c) || one_of_chars(c, ".-_"); }) &&
         v.find("..") == std::string_view::npos;
}

bool email(std::string_view v) noexcept {
  const size_t at = v.find('@');
  if (at == std::string_view::npos || at == 0 || v.size() > 254) return false;
  const std::string_view domain = v.substr(at + 1);
  return all(v.substr(0, at),
             [](char c) { return letter(c) || digit(c) || one_of_chars(c, "._%+-"); }) &&
         domain.find('.') != std::string_view::npos && host_chars(domain) && letter(domain.back());
}

bool user_name(std::string_view v) noexcept {
  if (v.size() < 2 || v.size() > 64 || digit(v.front()) || v == "user" || v == "assistant" ||
      v == "system" || v == "developer" || v == "tool" || v == "model" || v == "human") {
    return false;
  }
  return std::count(v.begin(), v.end(), ' ') <= 3 && all(v, [](char c) {
           return letter(c) || digit(c) || static_cast<uint8_t>(c) >= 0x80 ||
                  one_of_chars(c, "._- \\@'");
         });
}

bool uuid(std::string_view v) noexcept {
  if (v.size() != 36) return false;
  for (size_t i = 0; i < v.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? v[i] != '-' : !hex(v[i])) return false;
  }
  return true;
}

bool mac(std::string_view v) noexcept {
  if (v.size() != 17) return false;
  for (size_t i = 0; i < v.size(); ++i) {
    if (i % 3 == 2 ? (v[i] != ':' && v[i] != '-') : !hex(v[i])) return false;
  }
  return v != "00:00:00:00:00:00";
}

bool host_name(std::string_view v) noexcept {
  return v.size() >= 3 && host_chars(v) && v != "localhost" && !all(v, digit);
}

bool url(std::string_view v) noexcept {
  const size_t scheme = v.find("://");
  if (scheme != std::string_view::npos) {
    return scheme >= 3 && v.size() > scheme + 5 && all(v, [](char c) { return c > ' '; });
  }
  const std::string_view host = v.substr(0, v.find(':'));
  return host_chars(host) && host.find('.') != std::string_view::npos;
}

bool path(std::string_view v) noexcept {
  if (v.starts_with("file://")) v.remove_prefix(7);
  if (v.size() < 3 || v.size() > 1024 || !all(v, printable)) return false;
  if (v.front() == '/')
    return v[1] != '/' && v[1] != '*' && v.find('/', 1) != std::string_view::npos;
  return letter(v.front()) && v[1] == ':' && (v[2] == '\\' || v[2] == '/');
}

bool git_remote(std::string_view v) noexcept {
  if (v.size() < 8 || v.size() > 512 || !all(v, [](char c) { return c > ' '; })) return false;
  if (v.starts_with("git@") || v.starts_with("ssh://") || v.starts_with("git://")) return true;
  if (v.starts_with("https://") || v.starts_with("http://")) {
    return v.ends_with(".git") || std::count(v.begin(), v.end(), '/') >= 4;
  }
  return false;
}

// OWNER/NAME
bool repository_name(std::string_view v) noexcept {
  const size_t slash = v.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < v.size() && v.size() <= 128 &&
         std::count(v.begin(), v.end(), '/') == 1 &&
         all(v, [](char c) { return letter(c) || digit(c) || one_of_chars(c, "._-/"); });
}

bool commit(std::string_view v) noexcept {
  return v.size() >= 7 && v.size() <= 64 && all(v, hex) && std::any_of(v.begin(), v.end(), digit) &&
         (v.size() > 12 || !all(v, digit));
}

bool branch(std::string_view v) noexcept {
  return !v.empty() && v.size() <= 200 &&
         all(v, [](char c) { return letter(c) || digit(c) || one_of_chars(c, "._-/#+"); }) &&
         !digit(v.front()) && v != "null" && v != "true" && v != "false";
}

bool base64_digit(char c) noexcept { return letter(c) || digit(c) || one_of_chars(c, "+/-_"); }

bool digest(std::string_view v) noexcept {
  for (const std::string_view name : {"sha256:", "sha256-", "sha1:", "md5:", "sha512-"}) {
    if (v.starts_with(name)) v.remove_prefix(name.size());
  }
  const size_t size = v.size();
  if ((size == 32 || size == 40 || size == 64 || size == 128) && all(v, hex)) return true;
  while (v.ends_with('=')) v.remove_suffix(1);
  return (v.size() == 22 || v.size() == 27 || v.size() == 43 || v.size() == 86) &&
         size > v.size() && all(v, base64_digit);
}

bool opaque(std::string_view v) noexcept {
  if (v.size() < kOpaqueBytes || digest(v)) return false;
  size_t separators = 0;
  size_t digits = 0;
  size_t slashes = 0;
  for (const char c : v) {
    if (digit(c)) ++digits;
    if (c == '/') ++slashes;
    if (base64_digit(c) || c == '=') continue;
    if (!one_of_chars(c, ".:~,;%!")) return false;
    ++separators;
  }
  // A path or a list of words has separators, a prose word no digits.
  if (separators * 24 > v.size() || slashes * 12 > v.size() || digits * 40 < v.size()) return false;
  const std::string_view sample = v.substr(0, 2048);
  const auto hex_digits = static_cast<size_t>(std::count_if(sample.begin(), sample.end(), hex));
  return entropy(sample) >= (hex_digits * 10 >= sample.size() * 8 ? 3.5 : 4.4);
}

bool word(std::string_view v) noexcept {
  return !v.empty() && v.size() <= 48 && v != "null" && v != "none" && v != "unknown" &&
         all(v, [](char c) { return letter(c) || digit(c) || one_of_chars(c, "._-+~:/()"); });
}

bool text(std::string_view v) noexcept {
  return v.size() >= 2 && v.size() <= 128 && all(v, printable) &&
         std::count(v.begin(), v.end(), ' ') <= 8 && !v.ends_with('.') &&
         v.find_first_of("{}<>$`\"|") == std::string_view::npos;
}

}  // namespace

std::optional<ValueKind> parse_value_kind(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ValueKind>(found - kNames.begin());
}

bool is_value(ValueKind kind, std::string_view v) noexcept {
  if (v.empty()) return false;
  switch (kind) {
    case ValueKind::kIanaZone:
      return iana_zone(v);
    case ValueKind::kUtcOffset:
      return utc_offset(v);
    case ValueKind::kMinutes:
      return minutes(v);
    case ValueKind::kLocale:
      return locale(v);
    case ValueKind::kCountry:
      return v.size() == 2 && all(v, upper);
    case ValueKind::kPlace:
      return place(v);
    case ValueKind::kNumber:
      return number(v);
    case ValueKind::kEmail:
      return email(v);
    case ValueKind::kUserName:
      return user_name(v);
    case ValueKind::kUuid:
      return uuid(v);
    case ValueKind::kHexId:
      return v.size() >= 16 && v.size() <= 128 && all(v, hex) && entropy(v) >= 2.5;
    case ValueKind::kMac:
      return mac(v);
    case ValueKind::kIp:
      return v.size() >= 4 && IpAddress::parse(v).has_value() && v != "127.0.0.1" && v != "0.0.0.0";
    case ValueKind::kHostName:
      return host_name(v);
    case ValueKind::kUrl:
      return url(v);
    case ValueKind::kHomePath:
      return path(v) && !user_in_path(v).empty();
    case ValueKind::kPath:
      return path(v);
    case ValueKind::kGitRemote:
      return git_remote(v) || repository_name(v);
    case ValueKind::kCommit:
      return commit(v);
    case ValueKind::kBranch:
      return branch(v);
    case ValueKind::kDigest:
      return digest(v);
    case ValueKind::kOpaque:
      return opaque(v);
    case ValueKind::kWord:
      return word(v);
    case ValueKind::kText:
      return text(v);
  }
  return false;
}

std::string_view user_in_path(std::string_view path) noexcept {
  constexpr std::array<std::string_view, 5> kHomes = {"/home/", "/Users/", ":\\Users\\", ":/Users/",
                                                      "/c/Users/"};
  constexpr std::array<std::string_view, 14> kNobody = {
      "runner", "user",   "node",  "vscode", "ubuntu",   "shared", "public",
      "root",   "docker", "agent", "app",    "username", "you",    "me"};
  for (const std::string_view home : kHomes) {
    const size_t at = path.find(home);
    if (at == std::string_view::npos || at > 12) continue;
    std::string_view name = path.substr(at + home.size());
    name = name.substr(0, name.find_first_of("/\\"));
    if (name.empty() || name.size() > 64 || !user_name(name)) return {};
    const bool nobody = std::any_of(kNobody.begin(), kNobody.end(), [name](std::string_view other) {
      return name.size() == other.size() && contains_any_case(name, other);
    });
    return nobody ? std::string_view{} : name;
  }
  return {};
}

}  // namespace weir::signatures
