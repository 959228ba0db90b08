// Text as it is fingerprinted. Of each line, what tools put before it is dropped (line numbers with
// → tab | : or blanks, grep's "path:12:", diff and quote marks, @@ headers), then all white space;
// ASCII letters are folded to lower case. The rules look at one line alone and are the same for the
// indexed file and for what leaves. So a line that really begins with a number loses it on both
// sides and still matches, a single numbered line is recognised as well as a thousand, and nothing
// has to be held back. The result does not depend on how the text was cut.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "signatures/fingerprint/shape.h"

namespace weir::signatures {

// Bytes of a line that its prefix may take up; the rules look no further.
inline constexpr size_t kPrefixWindow = 160;

// Length of what comes before the content of a line. `head` is the first kPrefixWindow bytes of the
// line, or all of it (without its newline) when it is shorter.
[[nodiscard]] size_t line_prefix(ByteSpan head) noexcept;

// Normalised bytes and where lines end among them. Line i is [end of line i-1, end of line i): the
// newline itself is not kept. A consumer takes what it has read off the front.
class NormalText {
 public:
  [[nodiscard]] ByteSpan bytes() const noexcept { return {buffer_.data(), size_}; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  // Ends of the lines that are complete, ascending; text after the last belongs to an open line.
  [[nodiscard]] const std::vector<uint32_t>& line_ends() const noexcept { return ends_; }

  void clear() noexcept {
    size_ = 0;
    ends_.clear();
  }
  // Drops `count` bytes and the lines that end in them or right after them; returns how many.
  size_t drop_front(size_t count) noexcept;

 private:
  friend class Normaliser;
  void make_room(size_t bytes) {
    if (buffer_.size() < size_ + bytes) buffer_.resize(size_ + bytes + bytes / 4);
  }
  std::vector<uint8_t> buffer_;  // size_ bytes are used; the rest is room that was written before
  size_t size_ = 0;
  std::vector<uint32_t> ends_;
};

// feed* finish, then again. Memory: kPrefixWindow bytes of its own. With `shape`, the shape of the
// same lines (shape.h) goes there; between two finish() all calls give it or none does.
class Normaliser {
 public:
  // Without `scan`, or where the machine cannot, line by line (line_scan.h): the same result.
  explicit Normaliser(bool scan = true) noexcept;
  void feed(ByteSpan text, NormalText& out, NormalText* shape = nullptr);
  // End of the text: the last line ends here when it has any byte.
  void finish(NormalText& out, NormalText* shape = nullptr);
  // Forgets an unfinished text.
  void reset() noexcept;

 private:
  static bool is_blank(ByteSpan text) noexcept;
  static void squeeze_into(ByteSpan text, NormalText& out);
  void scan_lines_into(ByteSpan lines, NormalText& out, NormalText* shape);
  void take_shape(ByteSpan text, NormalText* shape);
  void begin_held(NormalText& out, NormalText* shape);

  ShapeReader shape_reader_;
  bool scan_;

  std::array<uint8_t, kPrefixWindow> held_{};  // start of a line whose prefix is not decided
  size_t held_size_ = 0;
  bool in_line_ = false;    // the prefix of the current line is behind us
  bool line_open_ = false;  // the current line has raw bytes
};

// Drops white space and folds case; `out` needs room for `text.size()` + kSqueezeSlack bytes.
// Returns the number of bytes that stand. The fastest path of this machine, and the plain one.
inline constexpr size_t kSqueezeSlack = 64;
size_t squeeze(ByteSpan text, uint8_t* out) noexcept;
size_t squeeze_plain(ByteSpan text, uint8_t* out) noexcept;
using SqueezePath = size_t (*)(ByteSpan text, uint8_t* out) noexcept;
// Those that this machine can run.
[[nodiscard]] std::vector<SqueezePath> squeeze_paths();

}  // namespace weir::signatures
