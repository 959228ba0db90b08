// How the commands that talk to a running sensor find it, ask it and read its answers.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/result.h"
#include "core/time.h"

namespace weir::app {

struct ControlOptions {
  std::string config;
  std::string socket;
};

// --config and --socket.
void add_control_options(CLI::App& command, const std::shared_ptr<ControlOptions>& options);
Result<std::string> control_socket(const ControlOptions& options);
// The answer, which is an object with "ok": true.
Result<nlohmann::json> ask_sensor(const std::string& socket, const nlohmann::json& question,
                                  Duration timeout = Duration::seconds(5));

}  // namespace weir::app
