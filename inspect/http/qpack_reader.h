// Reads QPACK header blocks (RFC 9204) with nghttp3's decoder, each as a whole, and follows the
// client's encoder stream.
//
// How a block refers to the dynamic table depends on the largest table that the server allows. Its
// SETTINGS say so; where they were not seen, the size that the encoder sets first is taken for it.
//
// When the table is not known (a late start, a lost piece of the encoder stream), references to it
// are taken out of a block before it is decoded: a field of such an entry is left out and counted;
// a literal value under such a name is kept under the name "?".
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/http/field_list.h"
#include "inspect/http/http3_counters.h"

struct nghttp3_qpack_decoder;

namespace weir::inspect {

class QpackReader {
 public:
  enum class Answer : uint8_t {
    kRead,
    kBlocked,  // entries are missing that the encoder stream may still bring
    kBroken,   // fields() holds what came before the error
  };

  QpackReader(const Limits& limits, Http3Counters& counters, ByteBudget* room = nullptr) noexcept
      : limits_(limits),
        counters_(counters),
        fields_(limits, counters.headers_dropped, counters.header_values_cut, room) {}

  // SETTINGS_QPACK_MAX_TABLE_CAPACITY of the server. Without effect once the table is in use.
  void set_capacity(uint64_t bytes) noexcept { capacity_ = bytes, capacity_known_ = true; }
  // The encoder stream behind its type, in order.
  void on_encoder_data(ByteSpan data) noexcept;
  // A part of the encoder stream is missing, or is not known to have been seen.
  void lose_table() noexcept;
  // Grows when blocked blocks may be read.
  [[nodiscard]] uint64_t inserted() const noexcept { return inserted_; }

  // After kBlocked: what inserted() must reach for that block.
  [[nodiscard]] uint64_t awaited() const noexcept { return awaited_; }

  [[nodiscard]] Answer read(uint64_t stream, ByteSpan block) noexcept;
  // As read(), but without waiting for what is missing.
  void read_without_table(uint64_t stream, ByteSpan block) noexcept;

  // Of the block that was read last; names in lower case.
  [[nodiscard]] std::span<const HeaderField> fields() noexcept { return fields_.fields(); }
  // The fields are not wanted any more.
  void release() noexcept { fields_.clear(); }

 private:
  struct Deleter {
    void operator()(nghttp3_qpack_decoder* decoder) const noexcept;
  };
  using Decoder = std::unique_ptr<nghttp3_qpack_decoder, Deleter>;
  [[nodiscard]] static Decoder make(size_t capacity) noexcept;
  [[nodiscard]] bool prepare() noexcept;
  [[nodiscard]] Answer run(Decoder& decoder, uint64_t stream, ByteSpan block) noexcept;
  void clear() noexcept;

  const Limits& limits_;
  Http3Counters& counters_;
  Decoder table_;  // with the dynamic table; null until it is used
  Decoder plain_;  // without
  bool lost_ = false;
  bool capacity_known_ = false;
  uint64_t capacity_ = 0;
  uint64_t inserted_ = 0;
  uint64_t awaited_ = 0;
  std::vector<uint8_t> early_;  // of the encoder stream, before the table is made
  std::vector<uint8_t> rewritten_;
  FieldList fields_;
};

}  // namespace weir::inspect
