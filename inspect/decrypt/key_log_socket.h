// A Unix socket to which key extractors and clients write key logs (NSS format, RFC 9850). Made
// with mode 0600, so that only its owner (and root) can give keys. Clients, their lines and what is
// read of them at once are bounded; a client that comes when all places are taken is turned away
// and may come again. Nothing is ever answered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "inspect/decrypt/key_log.h"

namespace weir::inspect {

struct KeyLogPoll;

class KeyLogSocket {
 public:
  // Does nothing before open().
  KeyLogSocket(std::string path, KeyStore& store, KeyLogCounters& counters);
  // Closes all and removes the socket, where it is still the one that was made.
  ~KeyLogSocket();
  KeyLogSocket(const KeyLogSocket&) = delete;
  KeyLogSocket& operator=(const KeyLogSocket&) = delete;

  // Begins to listen. A socket that nobody listens to any more is replaced; anything else that lies
  // at the path is an error.
  [[nodiscard]] Status open();
  // Takes in whoever has come and reads what they wrote; never blocks. One thread.
  [[nodiscard]] KeyLogPoll poll(Timestamp now);
  // What poll(2) can wait on.
  void add_descriptors(std::vector<int>& out) const;

 private:
  static constexpr size_t kMaxClients = 64;
  struct Client {
    Client(int descriptor, KeyStore& store, KeyLogCounters& counters)
        : fd(descriptor), parser(store, counters) {}
    int fd;
    KeyLogParser parser;
  };

  [[nodiscard]] bool remove_stale();
  void read_all(Timestamp now, KeyLogPoll& out);
  void take_in(KeyLogPoll& out);
  // False when the client is gone.
  [[nodiscard]] bool read_on(Client& client, Timestamp now, KeyLogPoll& out);

  std::string path_;
  KeyStore& store_;
  KeyLogCounters& counters_;
  int fd_ = -1;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace weir::inspect
