// TLS handshakes (RFC 5246, RFC 8446) out of a TCP byte stream, both directions: ClientHello over
// any number of segments and records, ServerHello, the leaf certificate where it is clear. Does not
// decrypt. Ends with kDone once everything readable was seen, so that the flow can be shunted.
// Works with one side only, and when the flow's directions are guessed wrong (TlsInfo::client).
#pragma once

#include <cstdint>

#include "core/byte_budget.h"
#include "core/limits.h"
#include "inspect/identify/identify_counters.h"
#include "inspect/identify/tls_info.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// kYes: a ClientHello or ServerHello begins here (TLS record or SSL 2 form).
[[nodiscard]] ProbeAnswer probe_tls(ByteSpan first) noexcept;

class TlsDecoder final : public StreamDecoder {
 public:
  // All must outlive the decoder. `room`: for messages that come in parts, in all flows.
  TlsDecoder(const Limits& limits, TlsCounters& counters, ByteBudget* room = nullptr) noexcept
      : limits_(limits), counters_(counters) {
    for (Side& side : sides_.slot) side.message.set_budget(room);
  }

  DecodeStatus on_data(Direction, ByteSpan data) noexcept override;
  DecodeStatus on_gap(Direction, uint64_t bytes) noexcept override;
  void on_end(Direction, EndReason) noexcept override;

  [[nodiscard]] const TlsInfo& info() const noexcept { return info_; }
  // Grows by one whenever info() learns something.
  [[nodiscard]] uint32_t changes() const noexcept { return changes_; }

 private:
  enum class State : uint8_t { kHeader, kFragment, kSsl2, kFinished };
  struct Side {
    State state = State::kHeader;
    bool started = false;  // at least one valid record header
    uint8_t header[5] = {};
    uint8_t header_fill = 0;
    uint32_t fragment_left = 0;
    uint64_t bytes_after = 0;  // bytes that came when all readable was read
    // The handshake message being collected: its header, then up to `want` bytes of its body.
    uint8_t message_header[4] = {};
    uint8_t message_fill = 0;
    uint32_t message_left = 0;  // bytes of the body still to come
    uint32_t want = 0;          // bytes of the body to keep; 0 once they were read
    BudgetedBytes message;
  };

  [[nodiscard]] bool on_header(Direction);
  void on_fragment(Direction, ByteSpan part);
  void on_handshake(Direction, ByteSpan part);
  void keep_message(Direction, ByteSpan body);
  void begin_message(Direction);
  void on_message(Direction, ByteSpan body, bool limited);
  void on_client_hello(Direction, ByteSpan body, bool cut);
  void on_server_hello(Direction, ByteSpan body);
  void on_certificate(Direction, ByteSpan body, bool limited);
  void on_ssl2_hello(Direction, ByteSpan body);
  void read_what_is_there(Direction);
  void finish_side(Direction) noexcept;
  [[nodiscard]] DecodeStatus status() const noexcept;
  [[nodiscard]] DecodeStatus broken(Direction) noexcept;

  const Limits& limits_;
  TlsCounters& counters_;
  PerDirection<Side> sides_;
  TlsInfo info_;
  uint32_t changes_ = 0;
  bool retry_pending_ = false;  // a HelloRetryRequest was seen, the ServerHello is still to come
};

}  // namespace weir::inspect
