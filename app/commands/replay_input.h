// The options of the commands that read captures.
#pragma once

#include "app/runtime/replay_run.h"

namespace CLI {
class App;
}

namespace weir::app {

// Files, configuration, index, key and key logs. `input` must outlive the command.
void add_replay_input(CLI::App& command, ReplayInput& input);

}  // namespace weir::app
