#include "app/commands/replay_input.h"

#include <CLI/CLI.hpp>

namespace weir::app {

void add_replay_input(CLI::App& command, ReplayInput& input) {
  command.add_option("files", input.files, "captures; - is standard input")->required();
  command.add_option("-c,--config", input.config, "weir.yaml");
  command.add_option("--index", input.indexes, "fingerprint index; again for more")
      ->allow_extra_args(false);
  command.add_option("--key", input.key, "site key file of the indexes");
  command
      .add_option("--keylog", input.key_logs, "TLS key log, or a folder of them; again for more")
      ->allow_extra_args(false);
}

}  // namespace weir::app
