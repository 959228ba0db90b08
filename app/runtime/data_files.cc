// See data_files.h.
#include "app/runtime/data_files.h"

#include <cstdlib>
#include <filesystem>

namespace weir::app {

std::string signatures_directory(const config::Settings& settings) {
  if (!settings.signatures.directory.empty()) return settings.signatures.directory;
  if (const char* named = std::getenv("WEIR_SIGNATURES"); named != nullptr && *named != '\0') {
    return named;
  }
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const auto installed = program.parent_path().parent_path() / "share" / "weir" / "signatures";
    if (std::filesystem::is_directory(installed, error)) return installed.string();
  }
  return WEIR_SOURCE_SIGNATURES;
}

std::vector<std::string> rule_paths(const config::Settings& settings) {
  std::vector<std::string> out = {
      (std::filesystem::path(signatures_directory(settings)) / "rules").string()};
  out.insert(out.end(), settings.signatures.rules.begin(), settings.signatures.rules.end());
  return out;
}

}  // namespace weir::app
