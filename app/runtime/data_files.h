// Where the files that ship with Weir are: signatures and rules.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace weir::app {

// settings.signatures.directory; else WEIR_SIGNATURES; else share/weir/signatures beside the
// program's bin folder; else the source tree that the program was built from.
std::string signatures_directory(const config::Settings& settings);

// The shipped rules and those of the company.
std::vector<std::string> rule_paths(const config::Settings& settings);

}  // namespace weir::app
