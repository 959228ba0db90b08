#include "capture/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::capture {

Result<InputFile> InputFile::open(const std::string& path) {
  InputFile in;
  in.name_ = path == "-" ? "standard input" : path;
  const int fd = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{std::strerror(errno), in.name_};
  in.file_.reset(::fdopen(fd, "rb"));
  if (!in.file_) {
    const int cause = errno;
    ::close(fd);
    return Error{std::strerror(cause), in.name_};
  }
  std::setvbuf(in.file_.get(), nullptr, _IOFBF, size_t{256} << 10);
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    in.size_ = static_cast<uint64_t>(info.st_size);
  }
  in.head_size_ = std::fread(in.head_.data(), 1, in.head_.size(), in.file_.get());
  if (in.failed()) return Error{std::string("cannot be read: ") + std::strerror(errno), in.name_};
  // Given back byte by byte: a pipe cannot be rewound. The bytes stand in the stream's buffer, so
  // glibc only moves its read position.
  for (size_t i = in.head_size_; i-- > 0;) {
    if (std::ungetc(in.head_[i], in.file_.get()) == EOF) {
      return Error{"cannot step back to the first byte", in.name_};
    }
  }
  return in;
}

size_t InputFile::read(uint8_t* out, size_t size) noexcept {
  const size_t got = std::fread(out, 1, size, file_.get());
  position_ += got;
  return got;
}

}  // namespace weir::capture
