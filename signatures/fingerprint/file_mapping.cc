#include "signatures/fingerprint/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::signatures {

Result<FileMapping> FileMapping::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{std::string("index cannot be read: ") + std::strerror(errno), path};
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    ::close(fd);
    return Error{"index is not a regular file", path};
  }
  if (about.st_size == 0) {
    ::close(fd);
    return Error{"index is cut short: empty file", path};
  }
  const auto size = static_cast<size_t>(about.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int reason = errno;
  ::close(fd);
  if (at == MAP_FAILED) {
    return Error{std::string("index cannot be mapped: ") + std::strerror(reason), path};
  }
  return FileMapping(at, size);
}

FileMapping::FileMapping(FileMapping&& other) noexcept
    : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}

FileMapping::~FileMapping() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

}  // namespace weir::signatures
