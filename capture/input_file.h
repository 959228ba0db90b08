// The bytes under a capture reader: a stdio stream that knows how far it was read. gzip is undone
// on the way; positions then count inflated bytes.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "capture/gzip_stream.h"
#include "core/bytes.h"
#include "core/result.h"

namespace weir::capture {

class InputFile {
 public:
  // "-" is standard input, which stays open when the InputFile closes.
  static Result<InputFile> open(const std::string& path);

  // The first bytes of the file (fewer when it is shorter); nothing is consumed.
  [[nodiscard]] ByteSpan head() const noexcept { return {head_.data(), head_size_}; }
  // Reads up to `size` bytes; fewer only at the end of the file or on a read error.
  size_t read(uint8_t* out, size_t size) noexcept;
  [[nodiscard]] bool failed() const noexcept { return std::ferror(file_.get()) != 0; }
  [[nodiscard]] uint64_t position() const noexcept { return position_; }
  [[nodiscard]] uint64_t size() const noexcept { return size_; }  // 0: not known, or compressed
  // Why reading failed, where more is known than that it did. Shared with the stream.
  [[nodiscard]] const StreamFault& fault() const noexcept { return fault_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Gives the stream away, at the position it stands at.
  [[nodiscard]] std::FILE* release() noexcept { return file_.release(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  InputFile() = default;
  // What is wrong; empty when all is well.
  std::string read_head();
  std::string inflate();

  std::unique_ptr<std::FILE, Close> file_;
  StreamFault fault_ = std::make_shared<std::string>();
  std::string name_;
  std::array<uint8_t, 4> head_{};
  size_t head_size_ = 0;
  uint64_t position_ = 0;
  uint64_t size_ = 0;
};

}  // namespace weir::capture
