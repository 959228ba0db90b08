#include "inspect/unwrap/run_finder.h"

#include <algorithm>

namespace weir::inspect {

size_t RunFinder::find(ByteSpan text) noexcept {
  const auto digit = [&](size_t i) { return base64_value(text[i]) <= 63; };
  size_t i = 0;
  while (i < text.size()) {
    if (rejected_) {
      while (i < text.size() && digit(i)) ++i;
      if (i == text.size()) return kNone;
      rejected_ = false;
      size_ = 0;
    }
    if (size_ > 0) {
      while (i < text.size() && size_ < run_.size() && digit(i)) run_[size_++] = text[i++];
      if (size_ < run_.size()) {
        if (i == text.size()) return kNone;
        size_ = 0;
      }
    }
    // No run is open at i, or one is complete.
    while (size_ == 0 && text.size() - i >= run_.size()) {
      size_t last = i + run_.size();  // one past the last byte that is no digit
      while (last > i && digit(last - 1)) --last;
      if (last > i) {
        i = last;
        continue;
      }
      std::copy_n(text.begin() + static_cast<ptrdiff_t>(i), run_.size(), run_.begin());
      size_ = run_.size();
      i += size_;
    }
    if (size_ == run_.size()) {
      if (base64_holds_text(run_)) return i;
      rejected_ = true;
      continue;
    }
    size_t from = text.size();
    while (from > i && digit(from - 1)) --from;
    size_ = text.size() - from;
    std::copy_n(text.begin() + static_cast<ptrdiff_t>(from), size_, run_.begin());
    return kNone;
  }
  return kNone;
}

}  // namespace weir::inspect
