// Exit codes of the command line; documented in docs/commands.md and stable.
#pragma once

namespace weir::app {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure =
      1,           // something could not be done: a file that cannot be written, a rule that fails
  kExitUsage = 2,  // the command line or a configuration, rule, key or index file is wrong
  kExitLeak = 3,   // --fail-on-leak, and a leak was found
  kExitBadInput = 4,  // a capture or input file is damaged: what could be read was inspected
};

}  // namespace weir::app
