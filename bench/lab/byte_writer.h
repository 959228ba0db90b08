// Appends integers and strings to a buffer: the mirror image of core/byte_reader.h, for making
// packets, files and messages.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace weir::lab {

using Bytes = std::vector<uint8_t>;

class ByteWriter {
 public:
  ByteWriter& u8(unsigned value) { return big_endian(value, 1); }
  ByteWriter& u16(uint64_t value) { return big_endian(value, 2); }
  ByteWriter& u24(uint64_t value) { return big_endian(value, 3); }
  ByteWriter& u32(uint64_t value) { return big_endian(value, 4); }
  ByteWriter& u64(uint64_t value) { return big_endian(value, 8); }
  ByteWriter& le16(uint64_t value) { return little_endian(value, 2); }
  ByteWriter& le32(uint64_t value) { return little_endian(value, 4); }
  ByteWriter& le64(uint64_t value) { return little_endian(value, 8); }
  ByteWriter& bytes(ByteSpan value) {
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  ByteWriter& text(std::string_view value) { return bytes(as_bytes(value)); }
  ByteWriter& zeros(size_t count) {
    out_.resize(out_.size() + count);
    return *this;
  }
  // A block behind its own length, in `length_bytes` big-endian bytes (TLS and DNS vectors).
  ByteWriter& vector(size_t length_bytes, ByteSpan value) {
    big_endian(value.size(), length_bytes);
    return bytes(value);
  }
  // Overwrites what stands at `at`.
  void put_u16(size_t at, uint64_t value) {
    out_.at(at) = static_cast<uint8_t>(value >> 8);
    out_.at(at + 1) = static_cast<uint8_t>(value);
  }
  [[nodiscard]] size_t size() const noexcept { return out_.size(); }
  [[nodiscard]] ByteSpan span() const noexcept { return out_; }
  [[nodiscard]] Bytes take() noexcept { return std::move(out_); }

 private:
  ByteWriter& big_endian(uint64_t value, size_t count) {
    for (size_t i = count; i-- > 0;) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
  ByteWriter& little_endian(uint64_t value, size_t count) {
    for (size_t i = 0; i < count; ++i) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
  Bytes out_;
};

}  // namespace weir::lab
