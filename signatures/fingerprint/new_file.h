// A file that appears under its name when it is complete, or not at all. Until then it has no name
// where the file system allows that (O_TMPFILE), else NAME.new- and six letters. Who writes holds a
// lock on it, so that one left behind by a process that was killed is told from one in the making,
// on any host and in any PID namespace: the next writer of the same name removes it.
#pragma once

#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "core/result.h"

namespace weir::signatures {

// write_at()*, then publish(). Without publish() nothing of it stays behind.
class NewFile {
 public:
  // Mode 0600. `what` begins the messages: "index", "cache". `unnamed`: try O_TMPFILE.
  static Result<NewFile> create(const std::string& path, std::string what, bool unnamed = true);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  [[nodiscard]] Status write_at(uint64_t offset, ByteSpan bytes);
  // To the disk, and only then under its name, in place of what was there.
  [[nodiscard]] Status publish();

 private:
  NewFile(std::string path, std::string what, std::string temporary, int fd)
      : path_(std::move(path)), what_(std::move(what)), temporary_(std::move(temporary)), fd_(fd) {}
  [[nodiscard]] Error failed(const char* doing, int reason) const;
  bool give_name();

  std::string path_;
  std::string what_;
  std::string temporary_;  // empty: it has no name yet, or its own
  int fd_;
};

}  // namespace weir::signatures
