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
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    in.size_ = static_cast<uint64_t>(info.st_size);
  }
  std::string problem = in.read_head();
  const bool gzip = in.head_size_ >= 2 && in.head_[0] == 0x1f && in.head_[1] == 0x8b;
  if (problem.empty() && gzip) problem = in.inflate();
  if (!problem.empty()) return Error{problem, in.name_};
  return in;
}

std::string InputFile::read_head() {
  std::setvbuf(file_.get(), nullptr, _IOFBF, size_t{256} << 10);
  head_size_ = std::fread(head_.data(), 1, head_.size(), file_.get());
  if (failed()) {
    return "cannot be read: " + (fault_->empty() ? std::string(std::strerror(errno)) : *fault_);
  }
  // Given back byte by byte: a pipe cannot be rewound. The bytes stand in the stream's buffer, so
  // glibc only moves its read position.
  for (size_t i = head_size_; i-- > 0;) {
    if (std::ungetc(head_[i], file_.get()) == EOF) return "cannot step back to the first byte";
  }
  return {};
}

std::string InputFile::inflate() {
  std::FILE* stream = open_gzip_stream(file_.release(), fault_);
  if (stream == nullptr) return "cannot be inflated: out of memory";
  file_.reset(stream);
  size_ = 0;
  return read_head();
}

size_t InputFile::read(uint8_t* out, size_t size) noexcept {
  const size_t got = std::fread(out, 1, size, file_.get());
  position_ += got;
  return got;
}

}  // namespace weir::capture
