// The end of the chain: keeps the content path and the order of calls that a TextSink expects
// (pieces do not nest), counts text and stops at Limits::body_text_bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/text_sink.h"
#include "inspect/unwrap/unwrap_counters.h"

namespace weir::inspect {

// A path that grows and shrinks at its end, in memory of fixed size. What does not fit is left out,
// and counted by the emitter.
class PathBuffer {
 public:
  explicit PathBuffer(size_t capacity) : chars_(capacity) {}
  void clear() noexcept { size_ = 0, cut_ = false; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view view() const noexcept { return {chars_.data(), size_}; }
  [[nodiscard]] std::string_view view(size_t from, size_t count) const noexcept {
    return from <= size_ ? view().substr(from, count) : std::string_view{};
  }
  void truncate(size_t size) noexcept {
    if (size < size_) size_ = size;
  }
  // Control bytes become '?', so that a path is one printable line.
  void append(std::string_view text) noexcept;
  void append_number(uint64_t value) noexcept;
  [[nodiscard]] bool cut() const noexcept { return cut_; }

 private:
  std::vector<char> chars_;
  size_t size_ = 0;
  bool cut_ = false;
};

class Emitter {
 public:
  Emitter(const Limits& limits, UnwrapCounters& counters)
      : limits_(limits), counters_(counters), path_(limits.content_path_bytes) {}

  void begin(std::string_view path, TextSink& sink) noexcept;
  [[nodiscard]] PathBuffer& path() noexcept { return path_; }

  // Opens a piece at the present path; closes one that is open. `readable`: what follows is text
  // that a person could read, so the body is not opaque.
  void open(std::string_view label, uint64_t offset, bool readable) noexcept;
  void text(ByteSpan bytes) noexcept;
  void close(EndReason reason) noexcept;
  void mark_readable() noexcept { readable_ = true; }

  // The limit of text was reached; nothing more is taken of this body.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  [[nodiscard]] bool readable() const noexcept { return readable_; }

 private:
  const Limits& limits_;
  UnwrapCounters& counters_;
  PathBuffer path_;
  TextSink* sink_ = nullptr;
  uint64_t text_bytes_ = 0;
  bool open_ = false;
  bool piece_readable_ = false;
  bool readable_ = false;
  bool stopped_ = false;
};

}  // namespace weir::inspect
