// The `weir` program: parses the command line and runs one subcommand.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "app/commands/commands.h"
#include "app/exit_codes.h"
#include "app/terminal.h"

int main(int argc, char** argv) {
  // A closed pipe (`weir … | head`) is an ordinary write error.
  std::signal(SIGPIPE, SIG_IGN);
  int exit_code = weir::app::kExitOk;
  CLI::App app{"Weir: is our source code leaving for an AI service?", "weir"};
  app.set_version_flag("--version", "weir " WEIR_VERSION);
  app.require_subcommand(1);
  weir::app::add_run_command(app, exit_code);
  weir::app::add_stats_command(app, exit_code);
  weir::app::add_top_command(app, exit_code);
  weir::app::add_reload_command(app, exit_code);
  weir::app::add_replay_command(app, exit_code);
  weir::app::add_explain_command(app, exit_code);
  weir::app::add_scan_command(app, exit_code);
  weir::app::add_index_command(app, exit_code);
  weir::app::add_rules_command(app, exit_code);
  weir::app::add_policy_command(app, exit_code);
  weir::app::add_tail_command(app, exit_code);
  weir::app::add_incidents_command(app, exit_code);
  weir::app::add_usage_command(app, exit_code);
  weir::app::add_lab_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = app.exit(error) == 0;  // for help or the version
    if (!weir::app::flush_output()) return weir::app::kExitFailure;
    return asked ? weir::app::kExitOk : weir::app::kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "weir: %s\n", error.what());
    return weir::app::kExitFailure;
  }
  return weir::app::flush_output() ? exit_code : weir::app::kExitFailure;
}
