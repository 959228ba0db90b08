// Follows all sources of TLS secrets of a live sensor in a thread of its own: growing files,
// folders of them, Unix sockets. What they bring goes into one store that all workers read; secrets
// are forgotten when their time is over. Workers learn of new keys by KeyStore::generation(), and
// by `on_new_keys` where they sleep. Secrets stand in no message.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/result.h"
#include "inspect/engine/engine.h"

namespace weir::app {

class KeyWatch {
 public:
  // Called in the watching thread after new secrets came; must be quick.
  using NewKeys = std::function<void()>;

  // Reads what is there already, and the keys of servers, then goes on in its thread. Fails where a
  // socket cannot be made or a server's key not be read; key logs may come later.
  static Result<std::unique_ptr<KeyWatch>> start(const config::SeeInsideSettings& settings,
                                                 NewKeys on_new_keys = {});
  // Stops the thread; sockets are removed and secrets wiped.
  ~KeyWatch();
  KeyWatch(const KeyWatch&) = delete;
  KeyWatch& operator=(const KeyWatch&) = delete;

  // For engines: valid as long as this lives.
  [[nodiscard]] inspect::KeyAccess access() const noexcept;
  // "keys.*": what was read, and what the store holds.
  [[nodiscard]] inspect::CounterList counters() const;
  // What there is to tell about sources since the last call: absent, unreadable, readable by
  // others, too many clients or files. Each once, until it changes.
  [[nodiscard]] std::vector<std::string> take_messages();

 private:
  struct Impl;
  explicit KeyWatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::app
