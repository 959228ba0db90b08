// Header fields of one block, copied out of a decoder of HPACK or QPACK within the limits headers,
// header_bytes and header_line_bytes. Names in lower case (HTTP/2 and HTTP/3 allow no other).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_budget.h"
#include "core/counters.h"
#include "core/limits.h"
#include "inspect/message_sink.h"

namespace weir::inspect {

class FieldList {
 public:
  // `dropped`: counts fields over the limits; `cut`: those of which a part was left out. `room`:
  // for what a list takes beyond 4 KiB, in all connections.
  FieldList(const Limits& limits, Counter& dropped, Counter& cut, ByteBudget* room) noexcept;

  void clear() noexcept;
  void keep(std::string_view name, std::string_view value) noexcept;
  [[nodiscard]] bool empty() const noexcept { return kept_.empty(); }
  // Valid until the next call.
  [[nodiscard]] std::span<const HeaderField> fields() noexcept;

 private:
  struct Kept {
    size_t name_size;
    size_t value_size;
  };
  const Limits& limits_;
  Counter& dropped_;
  Counter& cut_;
  BudgetedBytes text_;  // names and values, one behind the other
  std::vector<Kept> kept_;
  std::vector<HeaderField> fields_;
};

// A request as HTTP/2 and HTTP/3 write it: pseudo-header fields, then others (RFC 9113 section 8.3,
// RFC 9114 section 4.3). Reused from one block to the next.
class RequestFields {
 public:
  // `odd`: counts pseudo-header fields that are repeated, unknown or misplaced, and bad lengths;
  // `conflict`: :authority with another Host. The views live as long as those of `all`.
  MessageHead& read(std::span<const HeaderField> all, Counter& odd, Counter& conflict) noexcept;
  // Of extended CONNECT (RFC 8441); else empty.
  [[nodiscard]] std::string_view protocol() const noexcept { return protocol_; }

 private:
  MessageHead head_;
  std::string_view protocol_;
  std::string codings_;
  std::vector<HeaderField> rest_;
};

}  // namespace weir::inspect
