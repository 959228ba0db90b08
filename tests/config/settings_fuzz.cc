// The YAML reader and the settings over it: any bytes give settings or an error with a message;
// never a crash, an exception, or a place outside the text.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "config/settings.h"
#include "config/yaml.h"
#include "core/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  const weir::Result<weir::config::Settings> settings =
      weir::config::parse_settings(text, "weir.yaml");
  if (settings) {
    for (const weir::config::PolicyRule& rule : settings->policy) WEIR_CHECK(!rule.name.empty());
    WEIR_CHECK(weir::config::parse_yaml(text, "weir.yaml").has_value());
  } else {
    const weir::Error& error = settings.error();
    WEIR_CHECK(!error.message.empty());
    WEIR_CHECK(error.line >= 0 && error.line <= lines);
    WEIR_CHECK(error.column >= 0 && static_cast<size_t>(error.column) <= size + 1);
  }
  return 0;
}
