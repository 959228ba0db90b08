#include "signatures/fingerprint/new_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace weir::signatures {
namespace {

constexpr std::string_view kEnding = ".new-XXXXXX";
constexpr int kTries = 100;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Removes what writers of `path` left behind that are no more: nobody holds its lock.
void remove_stale(const std::string& path) {
  const std::string folder = folder_of(path);
  const size_t slash = path.rfind('/');
  const std::string begin = (slash == std::string::npos ? path : path.substr(slash + 1)) +
                            std::string(kEnding.substr(0, kEnding.size() - 6));
  DIR* const entries = ::opendir(folder.c_str());
  if (entries == nullptr) return;
  const int directory = ::dirfd(entries);
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name(entry->d_name);
    if (name.size() != begin.size() + 6 || name.substr(0, begin.size()) != begin) continue;
    const int fd =
        ::openat(directory, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) continue;
    struct stat about = {};
    if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == ::geteuid() &&
        ::flock(fd, LOCK_EX | LOCK_NB) == 0) {
      ::unlinkat(directory, entry->d_name, 0);
    }
    ::close(fd);
  }
  ::closedir(entries);
}

// A named one, locked. Another writer may take it for stale before it is locked: then again.
int create_named(const std::string& path, std::string& temporary) {
  for (int i = 0; i < kTries; ++i) {
    temporary = path + std::string(kEnding);
    const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600
    if (fd < 0) return fd;
    struct stat about = {};
    if (::flock(fd, LOCK_EX) == 0 && ::fstat(fd, &about) == 0 && about.st_nlink > 0) return fd;
    ::close(fd);
  }
  errno = EAGAIN;
  return -1;
}

}  // namespace

Result<NewFile> NewFile::create(const std::string& path, std::string what, bool unnamed) {
  // The finished file takes the place of what is there: never that of a device or a folder.
  struct stat there = {};
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return Error{what + " cannot be written: there is something here that is no regular file",
                 path};
  }
  remove_stale(path);
  std::string temporary;
  int fd = -1;
  if (unnamed) {
    fd = ::open(folder_of(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) ::flock(fd, LOCK_EX);
  }
  if (fd < 0) fd = create_named(path, temporary);
  NewFile out(path, std::move(what), fd < 0 ? std::string() : std::move(temporary), fd);
  if (fd < 0) return out.failed("be written", errno);
  return out;
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      what_(std::move(other.what_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

NewFile::~NewFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

Error NewFile::failed(const char* doing, int reason) const {
  return {what_ + " cannot " + doing + ": " + std::strerror(reason), path_};
}

Status NewFile::write_at(uint64_t offset, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return failed("be written", done < 0 ? errno : EIO);
    offset += static_cast<uint64_t>(done);
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return ok_status();
}

// A link never takes another file's place, so a file without a name gets one to be renamed.
bool NewFile::give_name() {
  const std::string from = "/proc/self/fd/" + std::to_string(fd_);
  for (int i = 0; i < kTries; ++i) {
    // The name of a file that there was for a moment.
    std::string name = path_ + std::string(kEnding);
    const int probe = ::mkostemp(name.data(), O_CLOEXEC);
    if (probe < 0) return false;
    ::close(probe);
    ::unlink(name.c_str());
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = std::move(name);
      return true;
    }
    if (errno != EEXIST) return false;
  }
  return false;
}

Status NewFile::publish() {
  const std::string folder = folder_of(path_);
  const int folder_fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool named = ::fsync(fd_) == 0 && (!temporary_.empty() || give_name()) &&
                     ::rename(temporary_.c_str(), path_.c_str()) == 0;
  const int reason = errno;
  if (named) temporary_.clear();
  if (folder_fd >= 0) {
    ::fsync(folder_fd);
    ::close(folder_fd);
  }
  return named ? ok_status() : Status(failed("be put in place", reason));
}

}  // namespace weir::signatures
