// Reads integers and slices from untrusted bytes. A short read fails the reader for good: it then
// returns zeros and empty spans, so a parser can read a whole header and test ok() once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace weir {

class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] size_t remaining() const noexcept { return ok_ ? bytes_.size() - pos_ : 0; }
  // Offset of the next byte from the start of the span the reader was made with.
  [[nodiscard]] size_t position() const noexcept { return pos_; }
  [[nodiscard]] bool empty() const noexcept { return remaining() == 0; }

  // Integers in network byte order.
  uint8_t u8() noexcept { return static_cast<uint8_t>(big_endian(1)); }
  uint16_t u16() noexcept { return static_cast<uint16_t>(big_endian(2)); }
  uint32_t u24() noexcept { return static_cast<uint32_t>(big_endian(3)); }
  uint32_t u32() noexcept { return static_cast<uint32_t>(big_endian(4)); }
  uint64_t u64() noexcept { return big_endian(8); }
  // Integers in little-endian order.
  uint16_t le16() noexcept { return static_cast<uint16_t>(little_endian(2)); }
  uint32_t le32() noexcept { return static_cast<uint32_t>(little_endian(4)); }
  uint64_t le64() noexcept { return little_endian(8); }

  ByteSpan take(size_t count) noexcept {
    if (!has(count)) return {};
    ByteSpan out = bytes_.subspan(pos_, count);
    pos_ += count;
    return out;
  }
  void skip(size_t count) noexcept {
    if (has(count)) pos_ += count;
  }
  // A reader over the next `count` bytes, which this reader then stands behind. When they are not
  // there, both readers have failed.
  ByteReader sub(size_t count) noexcept {
    ByteReader out(take(count));
    out.ok_ = ok_;
    return out;
  }
  // Everything that is left.
  ByteSpan rest() noexcept { return take(remaining()); }
  [[nodiscard]] ByteSpan peek() const noexcept { return ok_ ? bytes_.subspan(pos_) : ByteSpan{}; }
  void fail() noexcept { ok_ = false; }

 private:
  bool has(size_t count) noexcept {
    if (!ok_ || count > bytes_.size() - pos_) ok_ = false;
    return ok_;
  }
  uint64_t big_endian(size_t count) noexcept {
    if (!has(count)) return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | bytes_[pos_ + i];
    pos_ += count;
    return value;
  }
  uint64_t little_endian(size_t count) noexcept {
    if (!has(count)) return 0;
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | bytes_[pos_ + i];
    pos_ += count;
    return value;
  }

  ByteSpan bytes_;
  size_t pos_ = 0;
  bool ok_ = true;
};

}  // namespace weir
