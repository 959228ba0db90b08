#include "inspect/unwrap/run_finder.h"

#include <emmintrin.h>

#include <algorithm>

namespace weir::inspect {
namespace {

// How many base64 digits stand at the start of `text`; long runs (images) are common.
size_t leading_digits(ByteSpan text) noexcept {
  size_t i = 0;
  const auto within = [](__m128i bytes, char first, char count) {
    const __m128i from_first = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(from_first, _mm_set1_epi8(static_cast<char>(count - 1))),
                          from_first);
  };
  const auto equal = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  for (; i + 16 <= text.size(); i += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    __m128i digits = within(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 26);
    digits = _mm_or_si128(digits, within(block, '0', 10));
    digits = _mm_or_si128(digits, _mm_or_si128(equal(block, '+'), equal(block, '/')));
    digits = _mm_or_si128(digits, _mm_or_si128(equal(block, '-'), equal(block, '_')));
    if (_mm_movemask_epi8(digits) != 0xFFFF) break;
  }
  while (i < text.size() && base64_value(text[i]) <= 63) ++i;
  return i;
}

}  // namespace

size_t RunFinder::find(ByteSpan text) noexcept {
  const auto digit = [&](size_t i) { return base64_value(text[i]) <= 63; };
  size_t i = 0;
  while (i < text.size()) {
    if (rejected_) {
      i += leading_digits(text.subspan(i));
      if (i == text.size()) return kNone;
      reset();
    }
    if (size_ > 0) {
      while (i < text.size() && size_ < run_.size() && digit(i)) run_[size_++] = text[i++];
      if (size_ < run_.size()) {
        if (i == text.size()) return kNone;
        size_ = tries_ = 0;
      }
    }
    // No run is open at i, or one is complete.
    while (size_ == 0 && text.size() - i >= run_.size()) {
      size_t last = i + run_.size();  // one past the last byte that is no digit
      while (last > i && digit(last - 1)) --last;
      if (last > i) {
        i = last;
        tries_ = 0;
        continue;
      }
      std::copy_n(text.begin() + static_cast<ptrdiff_t>(i), run_.size(), run_.begin());
      size_ = run_.size();
      i += size_;
    }
    if (size_ == run_.size()) {
      found_ = look_at_run(run_);
      if (found_.kind != Run::Kind::kNothing) return i;
      size_ = 0;
      rejected_ = ++tries_ == kTries;
      continue;
    }
    size_t from = text.size();
    while (from > i && digit(from - 1)) --from;
    if (from > i) tries_ = 0;
    size_ = text.size() - from;
    std::copy_n(text.begin() + static_cast<ptrdiff_t>(from), size_, run_.begin());
    return kNone;
  }
  return kNone;
}

}  // namespace weir::inspect
