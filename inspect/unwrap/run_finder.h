// Finds runs of base64 and of hexadecimal digits in the middle of text, across chunks. Looks at one
// byte in 60 of ordinary text: a run of 60 digits cannot hide between them.
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
    size_ = tries_ = 0;
    rejected_ = false;
  }
  // The index behind kBase64Run digits of a run that hold text, or kNone. What comes behind it is
  // no longer the finder's until reset().
  [[nodiscard]] size_t find(ByteSpan text) noexcept;
  // What was found, its digits, and how many digits of the run stand before them.
  [[nodiscard]] Run found() const noexcept { return found_; }
  [[nodiscard]] ByteSpan run() const noexcept { return run_; }

  // A run may begin with what is no part of it (a path, a word): it is looked at in so many places.
  static constexpr size_t kTries = 4;

 private:
  std::array<uint8_t, kBase64Run> run_;
  Run found_;
  size_t size_ = 0;        // digits of a run that reaches the end of what was seen
  size_t tries_ = 0;       // times kBase64Run digits before them that hold no text
  bool rejected_ = false;  // inside a run that holds no text
};

}  // namespace weir::inspect
