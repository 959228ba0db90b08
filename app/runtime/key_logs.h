// The TLS secrets that a replay has: whole key logs from files and folders, those that stand in
// captures, and keys of servers.
#pragma once

#include <memory>

#include "config/settings.h"
#include "core/bytes.h"
#include "core/result.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/key_store.h"
#include "inspect/decrypt/server_keys.h"

namespace weir::app {

class KeyLogs {
 public:
  // Reads each key log, or each file of a folder, to its end, and the keys of servers.
  Status read(const config::SeeInsideSettings& settings);
  // A key log that stands in a capture.
  void add(ByteSpan key_log);
  [[nodiscard]] const inspect::ServerKeys* server_keys() const noexcept {
    return server_keys_.get();
  }
  [[nodiscard]] const inspect::KeyStore& store() const noexcept { return store_; }
  [[nodiscard]] const inspect::KeyLogCounters& counters() const noexcept { return counters_; }

 private:
  // A replay forgets nothing: all secrets are of the same time.
  static constexpr Timestamp kTime{1};
  std::unique_ptr<inspect::ServerKeys> server_keys_;
  inspect::KeyStore store_;
  inspect::KeyLogCounters counters_;
};

}  // namespace weir::app
