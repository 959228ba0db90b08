// See key_logs.h.
#include "app/runtime/key_logs.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "inspect/decrypt/key_log_source.h"

namespace weir::app {

Status KeyLogs::read(const config::SeeInsideSettings& settings) {
  auto loaded = inspect::ServerKeys::load(settings.server_keys);
  if (!loaded) return loaded.error();
  server_keys_ = std::move(*loaded);
  for (const std::string& path : settings.key_logs) {
    // A socket brings keys while traffic runs, which a replay does not wait for.
    if (path.starts_with(inspect::kKeySocketPrefix)) continue;
    std::vector<std::string> files = {path};
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      files.clear();
      for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
        if (entry.is_regular_file(error)) files.push_back(entry.path().string());
      }
      std::sort(files.begin(), files.end());
    }
    for (const std::string& file : files) {
      if (auto status = inspect::read_key_log(file, store_, counters_, kTime); !status) {
        return status;
      }
    }
  }
  return ok_status();
}

void KeyLogs::add(ByteSpan key_log) {
  inspect::KeyLogParser parser(store_, counters_);
  parser.feed(key_log, kTime);
  parser.finish(kTime);
}

}  // namespace weir::app
