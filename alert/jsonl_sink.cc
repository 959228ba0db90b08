#include "alert/jsonl_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "alert/native_json.h"

namespace weir::alert {
namespace {
constexpr size_t kBufferBytes = 64U << 10;
}

Result<std::unique_ptr<JsonlFile>> JsonlFile::open(const std::string& path, FileStart start,
                                                   bool buffered) {
  const bool standard = path == "-";
  const int flags =
      O_WRONLY | O_CREAT | O_CLOEXEC | (start == FileStart::kTruncate ? O_TRUNC : O_APPEND);
  const int descriptor =
      standard ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), flags, 0600);
  if (descriptor < 0) {
    return Error{std::string("cannot open for writing: ") + std::strerror(errno), path, 0, 0};
  }
  return std::make_unique<JsonlFile>(descriptor, path, buffered);
}

JsonlFile::~JsonlFile() {
  if (descriptor_ >= 0) static_cast<void>(close());
}

void JsonlFile::fail(const std::string& what, int error) {
  if (first_error_.empty()) first_error_ = what + ": " + std::strerror(error);
}

void JsonlFile::lose(uint64_t lines) { counters_.lines_lost.add(lines); }

void JsonlFile::write_line(std::string_view line) {
  counters_.lines.add();
  if (descriptor_ < 0) return lose(1);
  buffer_ += line;
  buffer_ += '\n';
  if (!buffered_ || buffer_.size() >= kBufferBytes) flush();
}

void JsonlFile::flush() {
  if (buffer_.empty()) return;
  // What an earlier failure tore off is ended first, so that one line is bad, not two.
  const bool torn = torn_;
  if (torn) buffer_.insert(0, 1, '\n');
  size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t count = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (count > 0) {
      done += static_cast<size_t>(count);
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else {
      fail("write failed", count < 0 ? errno : EIO);
      break;
    }
  }
  if (done == buffer_.size()) {
    torn_ = false;
  } else {
    const auto rest = buffer_.begin() + static_cast<ptrdiff_t>(done);
    const auto ends = static_cast<uint64_t>(std::count(rest, buffer_.end(), '\n'));
    lose(ends - (torn && done == 0 ? 1 : 0));
    if (done > 0) torn_ = buffer_[done - 1] != '\n';
  }
  buffer_.clear();
}

Status JsonlFile::close() {
  if (descriptor_ >= 0) {
    flush();
    struct stat info {};
    if (::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode) &&
        ::fdatasync(descriptor_) != 0) {
      fail("sync failed", errno);
    }
    if (::close(descriptor_) != 0 && errno != EINTR) fail("close failed", errno);
    descriptor_ = -1;
  }
  if (first_error_.empty()) return ok_status();
  return Error{
      first_error_ + " (" + std::to_string(counters_.lines_lost.get()) + " lines were lost)", path_,
      0, 0};
}

Result<std::unique_ptr<JsonlSink>> JsonlSink::open(const std::string& path, Mode mode,
                                                   FileStart start) {
  auto file = JsonlFile::open(path, start, mode == Mode::kFinal);
  if (!file) return file.error();
  return std::make_unique<JsonlSink>(std::move(*file), mode);
}

void JsonlSink::on_incident(const Incident& incident, IncidentActivity activity) {
  const bool wanted = (activity == IncidentActivity::kClose) == (mode_ == Mode::kFinal);
  if (wanted) file_->write_line(alert_json(incident, activity));
}

}  // namespace weir::alert
