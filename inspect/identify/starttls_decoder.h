// TLS that begins somewhere inside another protocol's stream: STARTTLS of SMTP, IMAP, POP3, FTP,
// LDAP, XMPP, PostgreSQL, and what runs inside SOCKS or a CONNECT that nobody else follows. Cheap:
// each direction is searched for the eleven bytes that a hello begins with, and from there on a
// TlsDecoder reads.
#pragma once

#include <array>
#include <cstdint>

#include "inspect/identify/tls_decoder.h"

namespace weir::inspect {

class StarttlsDecoder final : public StreamDecoder {
 public:
  // Bytes searched in each direction before it is given up.
  static constexpr uint64_t kSearchBytes = 64U << 10;

  StarttlsDecoder(const Limits& limits, TlsCounters& counters) noexcept
      : counters_(counters), tls_(limits, counters) {}

  // kDone when the handshake was read, or when both directions were searched in vain.
  DecodeStatus on_data(Direction, ByteSpan data) noexcept override;
  DecodeStatus on_gap(Direction, uint64_t bytes) noexcept override;
  void on_end(Direction, EndReason) noexcept override;

  // True once a hello was found.
  [[nodiscard]] bool found() const noexcept { return found_; }
  [[nodiscard]] const TlsInfo& info() const noexcept { return tls_.info(); }
  [[nodiscard]] uint32_t changes() const noexcept { return tls_.changes(); }

 private:
  static constexpr size_t kPattern = 11;
  struct Side {
    std::array<uint8_t, kPattern - 1> tail{};  // the last bytes of what was searched
    uint8_t tail_size = 0;
    bool found = false;
    bool given_up = false;
    uint64_t searched = 0;
  };

  TlsCounters& counters_;
  TlsDecoder tls_;
  PerDirection<Side> sides_;
  bool found_ = false;
};

}  // namespace weir::inspect
