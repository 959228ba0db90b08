#include "signatures/fingerprint/record_sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <utility>

namespace weir::signatures {

Result<SpoolFile> SpoolFile::create(const std::string& directory) {
  int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {
    // Not every file system has O_TMPFILE.
    std::string name = directory + "/.weir-sort-XXXXXX";
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(name.c_str());
  }
  if (fd < 0) {
    return Error{std::string("no temporary file can be made: ") + std::strerror(errno), directory};
  }
  return SpoolFile(fd);
}

SpoolFile& SpoolFile::operator=(SpoolFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

SpoolFile::~SpoolFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status SpoolFile::append(const void* bytes, size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t put = ::write(fd_, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      return Error{std::string("temporary file cannot be written: ") + std::strerror(errno), {}};
    }
    at += put;
    size -= static_cast<size_t>(put);
  }
  return ok_status();
}

Result<size_t> SpoolFile::read(uint64_t offset, void* bytes, size_t size) const {
  char* at = static_cast<char*>(bytes);
  size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd_, at + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{std::string("temporary file cannot be read: ") + std::strerror(errno), {}};
    }
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return have;
}

RecordSorter::RecordSorter(std::string directory, uint64_t memory)
    : directory_(std::move(directory)),
      capacity_(static_cast<size_t>(std::max<uint64_t>(memory, 64 << 10)) / sizeof(PlacedHash)) {}

Status RecordSorter::spill() {
  std::sort(buffer_.begin(), buffer_.end());
  Result<SpoolFile> file = SpoolFile::create(directory_);
  if (!file) return file.error();
  if (Status put = file->append(buffer_.data(), buffer_.size() * sizeof(PlacedHash)); !put) {
    return put;
  }
  runs_.push_back({std::move(file).value(), buffer_.size()});
  spilled_ += buffer_.size();
  buffer_.clear();
  return ok_status();
}

namespace {

// One sorted run, read through its share of the memory.
class RunReader {
 public:
  RunReader(const SpoolFile* file, uint64_t records, size_t share)
      : file_(file), left_(records), buffer_(std::max<size_t>(share, 64)) {}
  [[nodiscard]] Status next(bool& there) {
    if (at_ == filled_) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(left_, buffer_.size()));
      there = want > 0;
      if (!there) return ok_status();
      const Result<size_t> got = file_->read(offset_, buffer_.data(), want * sizeof(PlacedHash));
      if (!got) return got.error();
      if (*got != want * sizeof(PlacedHash)) return Error{"temporary file was cut short", {}};
      offset_ += *got;
      left_ -= want;
      filled_ = want;
      at_ = 0;
    }
    there = true;
    now_ = buffer_[at_++];
    return ok_status();
  }
  [[nodiscard]] const PlacedHash& now() const noexcept { return now_; }

 private:
  const SpoolFile* file_;
  uint64_t left_;
  uint64_t offset_ = 0;
  std::vector<PlacedHash> buffer_;
  size_t at_ = 0;
  size_t filled_ = 0;
  PlacedHash now_;
};

}  // namespace

Status RecordSorter::drain(const std::function<Status(const PlacedHash&)>& each) {
  if (runs_.empty()) {
    std::sort(buffer_.begin(), buffer_.end());
    for (const PlacedHash& record : buffer_) {
      if (Status put = each(record); !put) return put;
    }
    buffer_ = {};
    return ok_status();
  }
  if (!buffer_.empty()) {
    if (Status put = spill(); !put) return put;
  }
  buffer_ = {};
  std::vector<RunReader> readers;
  readers.reserve(runs_.size());
  for (const Run& run : runs_) {
    readers.emplace_back(&run.file, run.records, capacity_ / runs_.size());
  }
  const auto later = [&readers](size_t a, size_t b) { return readers[b].now() < readers[a].now(); };
  std::priority_queue<size_t, std::vector<size_t>, decltype(later)> queue(later);
  bool there = false;
  for (size_t i = 0; i < readers.size(); ++i) {
    if (Status got = readers[i].next(there); !got) return got;
    if (there) queue.push(i);
  }
  while (!queue.empty()) {
    const size_t first = queue.top();
    queue.pop();
    if (Status put = each(readers[first].now()); !put) return put;
    if (Status got = readers[first].next(there); !got) return got;
    if (there) queue.push(first);
  }
  runs_.clear();
  spilled_ = 0;
  return ok_status();
}

}  // namespace weir::signatures
