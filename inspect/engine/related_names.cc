// See related_names.h.
#include "inspect/engine/related_names.h"

#include <algorithm>
#include <array>

namespace weir::inspect {
namespace {

// Under a country ("co.uk", "com.au"): the label before a top level of two letters.
constexpr std::array<std::string_view, 10> kSecondLevels{"ac",  "co", "com", "edu", "go",
                                                         "gov", "ne", "net", "or",  "org"};
// Each name directly below belongs to another customer.
constexpr std::array<std::string_view, 22> kShared{
    "amazonaws.com",  "appspot.com",    "azureedge.net", "azurefd.net",   "azurewebsites.net",
    "cloudapp.net",   "cloudfront.net", "edgekey.net",   "edgesuite.net", "fastly.net",
    "fly.dev",        "github.io",      "gitlab.io",     "herokuapp.com", "netlify.app",
    "ngrok-free.app", "ngrok.io",       "pages.dev",     "run.app",       "trycloudflare.com",
    "vercel.app",     "workers.dev"};

// The last `labels` of them; all where there are not more.
std::string_view last_labels(std::string_view host, size_t labels) noexcept {
  size_t at = host.size();
  for (; labels > 0; --labels) {
    const size_t dot = at == 0 ? std::string_view::npos : host.rfind('.', at - 1);
    if (dot == std::string_view::npos) return host;
    at = dot;
  }
  return host.substr(at + 1);
}

}  // namespace

std::string_view registered_domain(std::string_view host) noexcept {
  const std::string_view two = last_labels(host, 2);
  const size_t dot = two.find('.');
  if (dot == std::string_view::npos) return host;
  const bool country = two.size() - dot == 3;
  const bool second_level = country && std::find(kSecondLevels.begin(), kSecondLevels.end(),
                                                 two.substr(0, dot)) != kSecondLevels.end();
  const bool shared = std::find(kShared.begin(), kShared.end(), two) != kShared.end();
  return second_level || shared ? last_labels(host, 3) : two;
}

bool certificate_covers(std::string_view pattern, std::string_view host) noexcept {
  if (!pattern.starts_with("*.")) return pattern == host;
  const size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

bool certificate_covers(const std::vector<std::string>& patterns, std::string_view host) noexcept {
  return std::any_of(patterns.begin(), patterns.end(), [host](const std::string& pattern) {
    return certificate_covers(pattern, host);
  });
}

}  // namespace weir::inspect
