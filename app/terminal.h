// What a person sees: messages on stderr, progress where a terminal is, tables, colours.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace weir::app {

// "weir: …" on stderr.
void complain(const std::string& message);
void complain(const Error& error);

// Writes out what stands in stdout's buffer. False when that, or anything written before, was lost;
// it is told, but for a pipe whose reader has gone (`weir … | head`).
[[nodiscard]] bool flush_output();

// True when stdout is a terminal and NO_COLOR is not set.
[[nodiscard]] bool use_colour() noexcept;

enum class Ink : uint8_t { kPlain, kDim, kBold, kRed, kYellow, kGreen, kCyan };
[[nodiscard]] std::string paint(std::string_view text, Ink ink);

// "1.4 GB", "312 B": decimal units, as network people count.
[[nodiscard]] std::string human_bytes(uint64_t bytes);
[[nodiscard]] std::string human_count(uint64_t count);  // "12,345"

// Columns as wide as they need to be, numbers to the right. What does not fit the terminal is cut
// with "…" in the widest text column; columns that matter most are cut last, and lose their
// beginning, where paths say least.
// Without any title there is no head line.
class Table {
 public:
  struct Column {
    std::string title;
    bool number = false;
    bool matters = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells, Ink ink = Ink::kPlain);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // `indent` spaces before each line.
  [[nodiscard]] std::string to_string(size_t indent = 2) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Ink ink;
  };
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// Characters that a terminal shows for UTF-8 text (wide ones count as one), without escapes.
[[nodiscard]] size_t shown_width(std::string_view text) noexcept;
// Text from the wire made safe for a terminal: controls, marks that turn the
// direction of text and what is no UTF-8 become '?'.
[[nodiscard]] std::string printable(std::string_view text);

// A line on stderr that rewrites itself; nothing at all where stderr is no terminal.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // `total` 0: not known. Draws at most ten times a second.
  void update(uint64_t done, uint64_t total, const std::string& note = {});
  void clear();

 private:
  std::string what_;
  bool active_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace weir::app
