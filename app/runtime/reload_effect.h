// Which settings a reload puts in force, and which only a restart does: one row for each key of
// weir.yaml, so that none is forgotten (a test holds the rows against the reader). The keys of
// `limits` all wait for a restart: they size what flows share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace weir::app {

struct ReloadRow {
  std::string_view key;
  // Whether a restart is needed; null: a reload puts it in force.
  bool (*differs)(const config::Settings& running, const config::Settings& wanted) = nullptr;
};
[[nodiscard]] std::span<const ReloadRow> reload_rows() noexcept;

// Keys that differ between two configurations but take effect only when the sensor starts anew.
[[nodiscard]] std::vector<std::string> needs_restart(const config::Settings& running,
                                                     const config::Settings& wanted);

}  // namespace weir::app
