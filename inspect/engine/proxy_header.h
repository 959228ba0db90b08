// Steps over the header that a load balancer puts before a client's bytes (PROXY protocol, versions
// 1 and 2), which often shares a segment with the request behind it. The header's addresses are not
// used: a flow is named by its packets. What begins like a header and is none is not stepped over;
// a line without an end is given up after the 107 bytes that version 1 allows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// Whether a stream begins with a header; decided within 16 bytes.
[[nodiscard]] ProbeAnswer probe_proxy_header(ByteSpan first) noexcept;

class ProxyHeader {
 public:
  // A stream has one header at most.
  [[nodiscard]] bool begun() const noexcept { return state_ != State::kNone; }
  [[nodiscard]] bool active() const noexcept { return begun() && state_ != State::kOver; }
  // Behind a probe that said yes; then skip() from the stream's first byte on.
  void begin() noexcept { state_ = State::kStart; }
  // How many bytes at the front of `data` are of the header.
  size_t skip(ByteSpan data) noexcept;
  void lose(uint64_t bytes) noexcept;

 private:
  enum class State : uint8_t { kNone, kStart, kLine, kFixed, kBody, kOver };
  State state_ = State::kNone;
  size_t seen_ = 0;
  std::array<uint8_t, 2> length_{};
  size_t left_ = 0;  // in kBody
};

}  // namespace weir::inspect
