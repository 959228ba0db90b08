// Finds character references of HTML and XML (&lt; &#39; &#x3c;) in text and makes a copy of what
// stands around them with the references resolved. The text itself stays as it is: real HTML has
// references too, and must match as it was written; the copy is what escaped code was before.
// A copy begins with the line of a reference and ends with the first line end that comes kQuiet
// bytes behind the last one. It depends on the text alone, not on how it was cut.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace weir::inspect {

class EntityFinder {
 public:
  static constexpr size_t kCopyBytes = 64 * 1024;
  static constexpr size_t kQuiet = 1024;
  static constexpr size_t kLineBytes = 1024;  // of a line, kept in case a reference follows

  void reset() noexcept;
  // How much of `text` was taken; less than all when the copy is full and is to be emptied first.
  [[nodiscard]] size_t take(ByteSpan text) noexcept;
  // No more text follows: a reference that is not complete is none.
  void finish() noexcept;
  [[nodiscard]] bool full() const noexcept { return full_; }
  [[nodiscard]] ByteSpan copy() const noexcept { return copy_; }
  void empty_copy() noexcept;

 private:
  static constexpr size_t kReferenceBytes = 12;

  size_t plain(ByteSpan text) noexcept;
  void keep_line(ByteSpan text) noexcept;
  void resolved(uint32_t code) noexcept;

  std::vector<uint8_t> copy_;
  std::array<uint8_t, kLineBytes> line_;  // the start of the line in hand, while nothing is copied
  size_t line_size_ = 0;
  bool line_cut_ = false;  // the line is longer; what came last is not kept
  bool copying_ = false;
  bool full_ = false;
  size_t since_ = 0;  // bytes behind the last reference
  std::array<uint8_t, kReferenceBytes> reference_;
  size_t reference_size_ = 0;
};

// The code point that a reference stands for, its text being between '&' and ';'; 0 when none.
[[nodiscard]] uint32_t resolve_reference(std::string_view name) noexcept;

}  // namespace weir::inspect
