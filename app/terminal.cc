// See terminal.h.
#include "app/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace weir::app {

namespace {

size_t terminal_width() noexcept {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
      size.ws_col > 20) {
    return size.ws_col;
  }
  return 0;  // not a terminal: no limit
}

// The first `width` characters of UTF-8 text, the last replaced by "…" when something is cut.
std::string cut(const std::string& text, size_t width) {
  if (shown_width(text) <= width) return text;
  std::string out;
  size_t shown = 0;
  for (size_t i = 0; i < text.size() && shown + 1 < width;) {
    size_t next = i + 1;
    while (next < text.size() && (static_cast<uint8_t>(text[next]) & 0xc0) == 0x80) ++next;
    out.append(text, i, next - i);
    ++shown;
    i = next;
  }
  return out + "…";
}

// The last `width` characters.
std::string cut_front(const std::string& text, size_t width) {
  const size_t all = shown_width(text);
  if (all <= width) return text;
  size_t skip = all - width + 1;
  size_t at = 0;
  while (skip > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) ++at;
    --skip;
  }
  return "…" + text.substr(at);
}

}  // namespace

void complain(const std::string& message) { std::fprintf(stderr, "weir: %s\n", message.c_str()); }
void complain(const Error& error) { complain(error.to_string()); }

bool flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  static bool told = false;
  // poll() says of a pipe without a reader that it has an error, and of nothing else that fails.
  pollfd out = {STDOUT_FILENO, POLLOUT, 0};
  if (!told && (poll(&out, 1, 0) < 1 || (out.revents & POLLERR) == 0)) {
    complain("standard output cannot be written");
  }
  told = true;
  return false;
}

bool use_colour() noexcept {
  static const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return colour;
}

std::string paint(std::string_view text, Ink ink) {
  static constexpr std::array<std::string_view, 7> kCodes = {"", "2", "1", "31", "33", "32", "36"};
  if (!use_colour() || ink == Ink::kPlain) return std::string(text);
  return "\x1b[" + std::string(kCodes[static_cast<size_t>(ink)]) + "m" + std::string(text) +
         "\x1b[0m";
}

std::string human_bytes(uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
                kUnits[unit]);
  return out.data();
}

std::string human_count(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

size_t shown_width(std::string_view text) noexcept {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

namespace {

// A well-formed UTF-8 sequence at the front of `text`: its length and character; 0 otherwise.
size_t utf8_at(std::string_view text, uint32_t& character) noexcept {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (size == 0 || lead > 0xf4 || size > text.size()) return 0;
  constexpr std::array<uint8_t, 5> kLeadBits = {0, 0x7f, 0x1f, 0x0f, 0x07};
  character = lead & kLeadBits[size];
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  return character < kLeast[size] || character > 0x10ffff ? 0 : size;
}

// C0 and C1 controls, and what turns the direction of text or hides in it.
bool plain(uint32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool hidden = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                      (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
  return !control && !hidden;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    uint32_t character = 0;
    const size_t size = utf8_at(text, character);
    if (size == 0 || !plain(character)) {
      out += '?';
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

void Table::add(std::vector<std::string> cells, Ink ink) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back({std::move(cells), ink});
}

std::string Table::to_string(size_t indent) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = shown_width(columns_[c].title);
    for (const Row& row : rows_) width = std::max(width, shown_width(row.cells[c]));
    widths.push_back(width);
  }
  const size_t limit = terminal_width();
  size_t total = indent;
  for (const size_t width : widths) total += width + 2;
  for (const bool matters : {false, true}) {
    const size_t narrowest = matters ? 12 : 15;  // an IPv4 address
    while (limit > 0 && total > limit + 2) {
      size_t widest = widths.size();
      for (size_t c = 0; c < widths.size(); ++c) {
        if (columns_[c].number || columns_[c].matters != matters || widths[c] <= narrowest)
          continue;
        if (widest == widths.size() || widths[c] > widths[widest]) widest = c;
      }
      if (widest == widths.size()) break;
      --widths[widest];
      --total;
    }
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells, Ink ink) {
    std::string text;
    for (size_t c = 0; c < cells.size(); ++c) {
      const std::string cell =
          columns_[c].matters ? cut_front(cells[c], widths[c]) : cut(cells[c], widths[c]);
      const std::string pad(widths[c] - std::min(widths[c], shown_width(cell)), ' ');
      text += columns_[c].number ? pad + cell : cell + pad;
      if (c + 1 < cells.size()) text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += std::string(indent, ' ') + paint(text, ink) + "\n";
  };
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  const bool named = std::any_of(titles.begin(), titles.end(),
                                 [](const std::string& title) { return !title.empty(); });
  if (named) line(titles, Ink::kDim);
  for (const Row& row : rows_) line(row.cells, row.ink);
  return out;
}

Progress::Progress(std::string what)
    : what_(std::move(what)), active_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { clear(); }

void Progress::update(uint64_t done, uint64_t total, const std::string& note) {
  if (!active_) return;
  const auto now = std::chrono::steady_clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  std::string bar;
  if (total > 0) {
    constexpr size_t kCells = 24;
    const size_t full = static_cast<size_t>(static_cast<double>(std::min(done, total)) /
                                            static_cast<double>(total) * kCells);
    for (size_t i = 0; i < kCells; ++i) bar += i < full ? "█" : "░";
    bar += " " + std::to_string(std::min(done, total) * 100 / total) + " %";
  } else {
    bar = human_bytes(done);
  }
  std::fprintf(stderr, "\r\x1b[K%s %s %s", what_.c_str(), bar.c_str(), note.c_str());
  std::fflush(stderr);
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace weir::app
