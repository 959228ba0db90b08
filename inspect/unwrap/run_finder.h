// Finds base64 runs in the middle of text, across chunks. Looks at one byte in 64 of ordinary text:
// a run of 64 digits cannot hide between them.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"
#include "inspect/unwrap/sniff.h"

namespace weir::inspect {

class RunFinder {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  void reset() noexcept {
    size_ = 0;
    rejected_ = false;
  }
  // The index behind the 64th digit of a run that holds text, or kNone. What comes behind it is no
  // longer the finder's until reset().
  [[nodiscard]] size_t find(ByteSpan text) noexcept;
  // The 64 digits, after find() found some.
  [[nodiscard]] ByteSpan run() const noexcept { return run_; }

 private:
  std::array<uint8_t, kBase64Run> run_;
  size_t size_ = 0;        // digits of a run that reaches the end of what was seen
  bool rejected_ = false;  // inside a run that holds no text
};

}  // namespace weir::inspect
