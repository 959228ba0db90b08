// `weir reload`: a running sensor reads its configuration, rules, catalogue and indexes anew.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "app/commands/commands.h"
#include "app/commands/control_client.h"
#include "app/exit_codes.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

int run(const ControlOptions& options, double seconds) {
  const auto socket = control_socket(options);
  if (!socket) {
    complain(socket.error());
    return kExitUsage;
  }
  const auto begun = ask_sensor(*socket, {{"do", "reload"}});
  if (!begun) {
    complain(begun.error());
    return kExitFailure;
  }
  const auto number = begun->value("number", uint64_t{0});
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    const auto state = ask_sensor(*socket, {{"do", "reload_state"}, {"number", number}});
    if (!state) {
      complain(state.error());
      return kExitFailure;
    }
    if (state->value("done", false)) {
      const std::string message = state->value("message", "");
      if (!state->value("good", false)) {
        complain(message);
        return kExitUsage;
      }
      std::printf("%s\n", printable(message).c_str());
      return kExitOk;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  complain("the sensor is still reloading; see `weir stats`");
  return kExitFailure;
}

}  // namespace

void add_reload_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ControlOptions>();
  auto seconds = std::make_shared<double>(60);
  CLI::App* command = app.add_subcommand("reload", "Load the sensor's configuration anew");
  add_control_options(*command, options);
  command->add_option("--wait", *seconds, "seconds to wait for its end at most")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  command->callback([options, seconds, &exit_code] { exit_code = run(*options, *seconds); });
}

}  // namespace weir::app
