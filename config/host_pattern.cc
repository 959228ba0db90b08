#include "config/host_pattern.h"

#include "core/ip.h"

namespace weir::config {
namespace {

bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > 63) return false;
  for (const char c : label) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!good) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> normalise_host_pattern(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    pattern.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (IpAddress::parse(pattern)) return pattern;
  if (!pattern.empty() && pattern.back() == '.') pattern.pop_back();
  std::string_view rest = pattern;
  if (rest.substr(0, 2) == "*.") rest.remove_prefix(2);
  if (rest.empty() || rest.size() > 253) return std::nullopt;
  while (true) {
    const size_t dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) return std::nullopt;
    if (dot == std::string_view::npos) return pattern;
    rest.remove_prefix(dot + 1);
  }
}

bool host_matches(std::string_view pattern, std::string_view host) noexcept {
  if (pattern.substr(0, 2) != "*.") return host == pattern;
  const std::string_view suffix = pattern.substr(2);
  if (host == suffix) return true;
  const std::string_view dotted = pattern.substr(1);
  return host.size() > dotted.size() && host.substr(host.size() - dotted.size()) == dotted;
}

}  // namespace weir::config
