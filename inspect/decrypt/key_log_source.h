// Key logs as a sensor reads them: one file that grows, a directory of such files, a Unix socket
// (key_log_socket.h), or a whole file at once. A growing file is read on at each poll(); it may be
// absent at first, be replaced (rotation, seen by its inode) or be cut short and begun anew (seen
// by its size). A file that is cut and has grown beyond its former size between two polls is read
// on from there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/decrypt/key_log_socket.h"

namespace weir::inspect {

// What one poll() saw.
struct KeyLogPoll {
  bool present = false;          // the file or directory is there and can be read
  bool others_can_read = false;  // its mode lets others than the owner read secrets
  uint64_t bytes = 0;            // read this time
  size_t files = 0;              // that are being followed, or clients of a socket
  size_t rotations = 0;          // files replaced or begun anew
  size_t left_out = 0;           // files or clients that were not followed, as there are too many
  bool more = false;             // there is more to read: poll again soon
  int error = 0;                 // errno of what went wrong, other than absence
};

// One file that grows.
class KeyLogFile {
 public:
  KeyLogFile(std::string path, KeyStore& store, KeyLogCounters& counters);
  ~KeyLogFile();
  KeyLogFile(const KeyLogFile&) = delete;
  KeyLogFile& operator=(const KeyLogFile&) = delete;

  [[nodiscard]] KeyLogPoll poll(Timestamp now);

 private:
  [[nodiscard]] bool open(KeyLogPoll& out);
  void close() noexcept;
  void read_on(Timestamp now, KeyLogPoll& out);

  std::string path_;
  KeyLogParser parser_;
  int fd_ = -1;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;
  uint64_t offset_ = 0;
};

// "unix:/run/weir/keys" is a socket to listen on, anything else a path.
inline constexpr std::string_view kKeySocketPrefix = "unix:";

// A socket; or a file or a directory, whichever is there when polled. In a directory all regular
// files are followed whose names do not begin with a dot, up to a number; files that vanish are let
// go.
class KeyLogSource {
 public:
  KeyLogSource(std::string path, KeyStore& store);
  ~KeyLogSource();

  // Begins to listen where it is a socket. Files need not be there yet.
  [[nodiscard]] Status open();
  // What poll(2) can wait on: of sockets only.
  void add_descriptors(std::vector<int>& out) const;
  // Reads what is new, at most some megabytes. To be called by one thread, a few times a second.
  [[nodiscard]] KeyLogPoll poll(Timestamp now);
  [[nodiscard]] const KeyLogCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  static constexpr size_t kMaxFiles = 1024;

  void poll_directory(Timestamp now, KeyLogPoll& out);

  std::string path_;
  KeyStore& store_;
  KeyLogCounters counters_;
  std::unique_ptr<KeyLogSocket> socket_;
  std::map<std::string, std::unique_ptr<KeyLogFile>> files_;
};

// Reads a whole key log, for a replay. Fails when it cannot be read.
[[nodiscard]] Status read_key_log(const std::string& path, KeyStore& store,
                                  KeyLogCounters& counters, Timestamp now);

}  // namespace weir::inspect
