// The loaders of the catalogue. The input is ai_services.yaml, or tools.yaml behind a first byte
// of '+'. Properties: no crash, and an error has a message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/bytes.h"
#include "core/check.h"
#include "signatures/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::string_view kServices =
      "sources: {s: x}\nservices: [{id: a, vendor: V, product: P, class: api, source: s, "
      "hosts: [a.example]}]\n";
  constexpr std::string_view kTools = "sources: {s: x}\ntools: [{id: t, product: T, source: s}]\n";
  std::string_view text = weir::as_chars({data, size});
  const bool tools = text.starts_with('+');
  if (tools) text.remove_prefix(1);
  const auto made =
      weir::signatures::Catalogue::parse(tools ? kServices : text, tools ? text : kTools, {});
  if (made) {
    static_cast<void>((*made)->match_request("a.example", "/v1", "t"));
    static_cast<void>((*made)->tool_by_user_agent("x"));
  } else {
    WEIR_CHECK(!made.error().message.empty());
  }
  return 0;
}
