// The screen of `weir top` as text: what a sensor said now, and a moment before for the rates.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace weir::app {

struct ScreenSize {
  size_t columns = 80;
  size_t rows = 24;
};

// At most `rows` lines, none wider than `columns`. `before` may be null: then there are no rates.
[[nodiscard]] std::vector<std::string> top_screen(const nlohmann::json& now,
                                                  const nlohmann::json& before,
                                                  const ScreenSize& size);

}  // namespace weir::app
