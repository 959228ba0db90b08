// Reads HPACK header blocks (RFC 7541) with nghttp2's inflater, in pieces of any size, and keeps
// the fields of one block.
//
// The peer's SETTINGS are not needed: an encoder that uses another table size than 4096 must say so
// in a header block (RFC 7541 section 4.2), so any size up to limits.hpack_table_bytes is accepted.
//
// When the dynamic table is not known (a late start, a lost block), it is filled with entries whose
// name is one NUL byte. Indices count from the newest entry, so entries that are seen from then on
// are found where the encoder means them, and older ones are known to be unknown: a field of such
// an entry is left out and counted; a literal value under such a name is kept under the name "?".
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
#include "inspect/http/http2_counters.h"

struct nghttp2_hd_inflater;

namespace weir::inspect {

class HpackReader {
 public:
  HpackReader(const Limits& limits, Http2Counters& counters, ByteBudget* room = nullptr) noexcept
      : limits_(limits),
        counters_(counters),
        fields_(limits, counters.headers_dropped, counters.header_values_cut, room) {}

  // begin add* end, then fields() until the next begin.
  void begin() noexcept;
  void add(ByteSpan fragment) noexcept;
  // False: the block was not decoded to its end. Its table, and so later blocks, suffer.
  bool end() noexcept;
  // A block was lost, or a part of one. Between blocks, or in one, which then ends.
  void forget() noexcept;

  // Names in lower case (HTTP/2 allows no other).
  [[nodiscard]] std::span<const HeaderField> fields() noexcept { return fields_.fields(); }
  // The fields are not wanted any more.
  void release() noexcept { fields_.clear(); }

 private:
  struct Deleter {
    void operator()(nghttp2_hd_inflater* inflater) const noexcept;
  };
  bool prepare() noexcept;
  void run(ByteSpan fragment, bool last) noexcept;
  void keep(std::string_view name, std::string_view value) noexcept;

  const Limits& limits_;
  Http2Counters& counters_;
  std::unique_ptr<nghttp2_hd_inflater, Deleter> inflater_;
  bool unknown_ = false;  // the next inflater begins with a table of unknown entries
  bool filling_ = false;  // with unknown entries
  bool broken_ = false;   // this block
  FieldList fields_;
};

}  // namespace weir::inspect
