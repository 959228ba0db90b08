// Finds the reference data that stands beside a checkout but is no part of it. Tests that need it
// skip, with a message, where it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace weir::test {

// ../shared of the checkout, or the directory that WEIR_SHARED names.
inline std::optional<std::filesystem::path> shared_dir() {
  const char* named = std::getenv("WEIR_SHARED");
#ifdef WEIR_SOURCE_DIR
  std::filesystem::path dir = std::filesystem::path(WEIR_SOURCE_DIR) / ".." / "shared";
#else
  std::filesystem::path dir = "../shared";
#endif
  if (named != nullptr) dir = named;
  if (std::filesystem::is_directory(dir / "captures")) return dir;
  return std::nullopt;
}

}  // namespace weir::test

#define WEIR_SHARED_OR_SKIP(variable)                                             \
  const auto variable##_found = ::weir::test::shared_dir();                       \
  if (!variable##_found) GTEST_SKIP() << "reference captures (../shared) absent"; \
  const std::filesystem::path& variable = *variable##_found
