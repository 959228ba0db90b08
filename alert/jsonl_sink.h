// JSON lines to a file. Write errors are counted, kept and told by close(); they never end the
// program, and a later write is tried again.
//
// Durability: kLive gives each line to the kernel at once (it survives the process, not a power
// loss); kFinal and flow files are buffered. close() syncs a regular file to the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "alert/incident.h"
#include "core/counters.h"
#include "core/result.h"

namespace weir::alert {

struct JsonlCounters {
  Counter lines;
  Counter lines_lost;
};
inline constexpr CounterTable<JsonlCounters, 2> kJsonlCounters = {{
    {"lines", &JsonlCounters::lines, "lines given to the file"},
    {"lines_lost", &JsonlCounters::lines_lost, "lines that could not be written"},
}};
static_assert(describes_all(kJsonlCounters));

enum class FileStart : uint8_t { kAppend, kTruncate };

class JsonlFile {
 public:
  // Created with mode 0600. "-" is the standard output.
  static Result<std::unique_ptr<JsonlFile>> open(const std::string& path, FileStart start,
                                                 bool buffered);
  // Takes over an open descriptor.
  JsonlFile(int descriptor, std::string path, bool buffered) noexcept
      : descriptor_(descriptor), path_(std::move(path)), buffered_(buffered) {}
  ~JsonlFile();
  JsonlFile(const JsonlFile&) = delete;
  JsonlFile& operator=(const JsonlFile&) = delete;

  // `line` without its line end.
  void write_line(std::string_view line);
  // Writes what is buffered.
  void flush();
  // Flushes, syncs and closes. The error is that of the first line or sync that failed.
  Status close();
  [[nodiscard]] const JsonlCounters& counters() const noexcept { return counters_; }

 private:
  void fail(const std::string& what, int error);
  void lose(uint64_t lines);

  int descriptor_;
  std::string path_;
  bool buffered_;
  bool torn_ = false;  // the file ends inside a line
  std::string buffer_;
  std::string first_error_;
  JsonlCounters counters_;
};

class JsonlSink final : public IncidentSink {
 public:
  // kFinal: one line an incident, when it closes (replay). kLive: one line a create and update.
  enum class Mode : uint8_t { kFinal, kLive };

  static Result<std::unique_ptr<JsonlSink>> open(const std::string& path, Mode mode,
                                                 FileStart start);
  JsonlSink(std::unique_ptr<JsonlFile> file, Mode mode) noexcept
      : file_(std::move(file)), mode_(mode) {}

  void on_incident(const Incident& incident, IncidentActivity activity) override;
  Status close() { return file_->close(); }
  [[nodiscard]] const JsonlCounters& counters() const noexcept { return file_->counters(); }

 private:
  std::unique_ptr<JsonlFile> file_;
  Mode mode_;
};

}  // namespace weir::alert
