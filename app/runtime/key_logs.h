// The TLS secrets that a replay has: whole key logs from files and folders, and those that stand in
// captures.
#pragma once

#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/key_store.h"

namespace weir::app {

class KeyLogs {
 public:
  // Reads each file, or each file of a folder, to its end.
  Status read(const std::vector<std::string>& paths);
  // A key log that stands in a capture.
  void add(ByteSpan key_log);
  [[nodiscard]] const inspect::KeyStore& store() const noexcept { return store_; }
  [[nodiscard]] const inspect::KeyLogCounters& counters() const noexcept { return counters_; }

 private:
  // A replay forgets nothing: all secrets are of the same time.
  static constexpr Timestamp kTime{1};
  inspect::KeyStore store_;
  inspect::KeyLogCounters counters_;
};

}  // namespace weir::app
