#include "inspect/decrypt/key_log_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace weir::inspect {
namespace {

constexpr uint64_t kMostPerPoll = 4U << 20;

void add(KeyLogPoll& sum, const KeyLogPoll& part) {
  sum.present = sum.present || part.present;
  sum.others_can_read = sum.others_can_read || part.others_can_read;
  sum.bytes += part.bytes;
  sum.files += part.files;
  sum.rotations += part.rotations;
  sum.more = sum.more || part.more;
  if (sum.error == 0) sum.error = part.error;
}

}  // namespace

KeyLogFile::KeyLogFile(std::string path, KeyStore& store, KeyLogCounters& counters)
    : path_(std::move(path)), parser_(store, counters) {}

KeyLogFile::~KeyLogFile() { close(); }

void KeyLogFile::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  offset_ = 0;
  parser_.reset();
}

bool KeyLogFile::open(KeyLogPoll& out) {
  // Not blocking, so that a pipe that lies there does not stop the thread.
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd_ < 0) {
    if (errno != ENOENT) out.error = errno;
    return false;
  }
  struct stat is {};
  if (fstat(fd_, &is) != 0 || !S_ISREG(is.st_mode)) {
    out.error = errno != 0 ? errno : EINVAL;
    close();
    return false;
  }
  device_ = is.st_dev;
  inode_ = is.st_ino;
  return true;
}

KeyLogPoll KeyLogFile::poll(Timestamp now) {
  KeyLogPoll out;
  if (fd_ < 0 && !open(out)) return out;
  struct stat is {};
  if (fstat(fd_, &is) == 0 && static_cast<uint64_t>(is.st_size) < offset_) {
    if (lseek(fd_, 0, SEEK_SET) == 0) offset_ = 0;
    parser_.reset();
    ++out.rotations;
  }
  read_on(now, out);
  struct stat there {};
  const bool replaced =
      stat(path_.c_str(), &there) != 0 || there.st_dev != device_ || there.st_ino != inode_;
  if (replaced && !out.more) {
    // The old one was read to its end; a writer that still holds it open is not waited for.
    parser_.finish(now);
    close();
    ++out.rotations;
    if (!open(out)) return out;
    read_on(now, out);
    if (fstat(fd_, &is) != 0) return out;
  }
  out.present = true;
  out.files = 1;
  out.others_can_read = (is.st_mode & (S_IRGRP | S_IROTH)) != 0;
  return out;
}

void KeyLogFile::read_on(Timestamp now, KeyLogPoll& out) {
  std::array<uint8_t, 16U << 10> buffer;
  uint64_t taken = 0;
  while (taken < kMostPerPoll) {
    const ssize_t got = read(fd_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) out.error = errno;
    if (got <= 0) break;
    parser_.feed(ByteSpan(buffer).first(static_cast<size_t>(got)), now);
    taken += static_cast<uint64_t>(got);
  }
  wipe_memory(buffer.data(), buffer.size());
  offset_ += taken;
  out.bytes += taken;
  out.more = taken >= kMostPerPoll;
}

KeyLogSource::KeyLogSource(std::string path, KeyStore& store)
    : path_(std::move(path)), store_(store) {
  if (!path_.starts_with(kKeySocketPrefix)) return;
  socket_ =
      std::make_unique<KeyLogSocket>(path_.substr(kKeySocketPrefix.size()), store_, counters_);
}

KeyLogSource::~KeyLogSource() = default;

Status KeyLogSource::open() { return socket_ ? socket_->open() : ok_status(); }

void KeyLogSource::add_descriptors(std::vector<int>& out) const {
  if (socket_) socket_->add_descriptors(out);
}

KeyLogPoll KeyLogSource::poll(Timestamp now) {
  if (socket_) return socket_->poll(now);
  KeyLogPoll out;
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    files_.erase(path_);
    poll_directory(now, out);
    return out;
  }
  auto& file = files_[path_];
  if (!file) file = std::make_unique<KeyLogFile>(path_, store_, counters_);
  return file->poll(now);
}

void KeyLogSource::poll_directory(Timestamp now, KeyLogPoll& out) {
  std::error_code error;
  std::filesystem::directory_iterator entries(path_, error);
  if (error) {
    out.error = error.value();
    return;
  }
  out.present = true;
  for (const std::filesystem::directory_iterator end; entries != end; entries.increment(error)) {
    if (error) break;
    const std::string name = entries->path().filename().string();
    std::error_code ignored;
    if (name.starts_with('.') || !entries->is_regular_file(ignored)) continue;
    const std::string path = entries->path().string();
    if (files_.count(path) > 0) continue;
    if (files_.size() >= kMaxFiles) {
      ++out.left_out;
      continue;
    }
    files_.emplace(path, std::make_unique<KeyLogFile>(path, store_, counters_));
  }
  for (auto at = files_.begin(); at != files_.end();) {
    const KeyLogPoll one = at->second->poll(now);
    add(out, one);
    at = one.present ? std::next(at) : files_.erase(at);
  }
}

Status read_key_log(const std::string& path, KeyStore& store, KeyLogCounters& counters,
                    Timestamp now) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{std::string("cannot be read: ") + std::strerror(errno), path};
  KeyLogParser parser(store, counters);
  std::array<uint8_t, 16U << 10> buffer;
  int error = 0;
  while (true) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    parser.feed(ByteSpan(buffer).first(static_cast<size_t>(got)), now);
  }
  parser.finish(now);
  wipe_memory(buffer.data(), buffer.size());
  ::close(fd);
  if (error != 0) return Error{std::string("cannot be read: ") + std::strerror(error), path};
  return ok_status();
}

}  // namespace weir::inspect
