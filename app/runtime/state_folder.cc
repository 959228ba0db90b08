// See state_folder.h.
#include "app/runtime/state_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "config/settings.h"

namespace weir::app {

Result<std::string> state_database(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{std::string("cannot make the state folder: ") + std::strerror(errno), folder, 0,
                 0};
  }
  return folder + "/" + kStateDatabase;
}

Result<std::string> named_database(const std::string& folder, const std::string& file,
                                   const std::string& config) {
  if (!folder.empty()) return folder + "/" + kStateDatabase;
  if (!file.empty()) return file;
  if (config.empty()) {
    return Error{
        "no database is named: give --state FOLDER, --store FILE or -c weir.yaml", {}, 0, 0};
  }
  auto settings = config::load_settings(config);
  if (!settings) return settings.error();
  if (settings->alerts.store.empty()) return Error{"names no alerts.store", config, 0, 0};
  return settings->alerts.store;
}

}  // namespace weir::app
