// A file mapped for reading. Truncating it while it is mapped ends the process (SIGBUS): files are
// replaced, never cut.
#pragma once

#include <cstddef>
#include <string>

#include "core/bytes.h"
#include "core/result.h"

namespace weir::signatures {

class FileMapping {
 public:
  // An error for what is not a regular file, or empty.
  static Result<FileMapping> open(const std::string& path);
  FileMapping(FileMapping&& other) noexcept;
  FileMapping& operator=(FileMapping&&) = delete;
  ~FileMapping();
  [[nodiscard]] ByteSpan bytes() const noexcept {
    return {static_cast<const uint8_t*>(at_), size_};
  }

 private:
  FileMapping(void* at, size_t size) noexcept : at_(at), size_(size) {}
  void* at_;
  size_t size_;
};

}  // namespace weir::signatures
