// Look-ups with names that a client chooses. First byte: how the rest is cut into host, target and
// user agent. Properties: no crash, an answer is a face of the catalogue, and the host table agrees
// with host_matches() over the same patterns.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/check.h"
#include "signatures/catalogue.h"
#include "signatures/host_table.h"
#include "signatures/wildcard.h"

namespace {

using weir::signatures::Catalogue;

const Catalogue& catalogue() {
  static const auto loaded = Catalogue::load(WEIR_SOURCE_DIR "/signatures", {});
  WEIR_CHECK(loaded.has_value());
  return **loaded;
}

constexpr std::string_view kPatterns[] = {"*", "a.b", "*.b", "x-*.a.b", "*.a.b", "a.*.b", "b"};

void compare_with_slow(std::string_view host) {
  static const weir::signatures::HostTable table = [] {
    weir::signatures::HostTable made;
    for (uint32_t i = 0; i < std::size(kPatterns); ++i) made.add(kPatterns[i], i);
    made.build();
    return made;
  }();
  uint32_t seen = 0;
  table.visit(host, [&](uint32_t value) {
    seen |= 1U << value;
    return false;
  });
  for (uint32_t i = 0; i < std::size(kPatterns); ++i) {
    const bool met = weir::signatures::host_matches(kPatterns[i], host);
    WEIR_CHECK(((seen >> i) & 1U) == (met ? 1U : 0U));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = weir::as_chars({data + 1, size - 1});
  const size_t cut = text.empty() ? 0 : data[0] % text.size();
  const std::string_view host = text.substr(0, cut);
  const std::string_view rest = text.substr(cut);
  for (const auto& match : {catalogue().match_host(host), catalogue().match_host(rest),
                            catalogue().match_request(host, rest, "claude-code"),
                            catalogue().match_request("chatgpt.com", rest, rest)}) {
    WEIR_CHECK((match.face == nullptr) ==
               (match.strength == weir::signatures::MatchStrength::kNone));
    if (match.face != nullptr) WEIR_CHECK(!match.face->service.empty());
  }
  static_cast<void>(catalogue().tool_by_user_agent(rest));
  static_cast<void>(catalogue().tool_by_ja4(host));
  static_cast<void>(catalogue().documents("claude-code", host));
  static_cast<void>(catalogue().tenant_header_vendor(host));
  char buffer[weir::signatures::kMaxHost];
  const std::string_view name = weir::signatures::normalise_host(host, buffer);
  if (!name.empty()) compare_with_slow(name);
  return 0;
}
