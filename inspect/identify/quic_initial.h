// The ClientHello inside a client's QUIC Initial packets: versions 1 (RFC 9000, RFC 9001), 2 (RFC
// 9369), the drafts from 22 on and the deployed variants that share their keys. Initial packets are
// protected with keys that anyone can derive from the connection id. CRYPTO frames may be split and
// reordered over packets and datagrams; packets may be coalesced. Nothing else is decrypted.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/byte_budget.h"
#include "core/limits.h"
#include "inspect/identify/identify_counters.h"
#include "inspect/identify/quic_keys.h"
#include "inspect/identify/tls_info.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// For the first datagram of a UDP flow. kYes: a long header of a known version; kMaybe: looks like
// QUIC of an unknown version or a Version Negotiation.
[[nodiscard]] ProbeAnswer probe_quic(ByteSpan datagram) noexcept;

class QuicInitialDecoder {
 public:
  // All must outlive the decoder. `room`: for hellos that come in parts, in all flows.
  QuicInitialDecoder(const Limits& limits, QuicCounters& counters,
                     ByteBudget* room = nullptr) noexcept
      : limits_(limits), counters_(counters), crypto_(room) {}

  // kContinue: more datagrams are wanted. kDone: the ClientHello was read, or given up.
  // kNotMine: the first datagram is not QUIC.
  DecodeStatus on_datagram(Direction, ByteSpan datagram) noexcept;
  // The flow ends: reads what there is of an unfinished ClientHello.
  void on_end() noexcept;

  // Version of the last long header, and the ClientHello's part of the rest. TlsInfo::version is
  // set to TLS 1.3 by the hello's being there; the server's side is not read.
  [[nodiscard]] const TlsInfo& info() const noexcept { return info_; }
  [[nodiscard]] uint32_t quic_version() const noexcept { return version_; }
  [[nodiscard]] bool retry_seen() const noexcept { return retry_; }
  [[nodiscard]] uint32_t changes() const noexcept { return changes_; }

 private:
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  struct ConnectionId {
    std::array<uint8_t, 20> bytes{};
    uint8_t size = 0;
    friend bool operator==(const ConnectionId&, const ConnectionId&) noexcept = default;
  };

  bool open_initial(Direction, uint32_t version, ByteSpan dcid, ByteSpan packet, size_t pn_offset);
  bool read_frames(ByteSpan payload);
  void add_crypto(uint64_t offset, ByteSpan data);
  [[nodiscard]] size_t contiguous() const noexcept;
  bool try_client_hello(bool last);
  void forget_crypto() noexcept;

  const Limits& limits_;
  QuicCounters& counters_;
  TlsInfo info_;
  uint32_t version_ = 0;
  uint32_t changes_ = 0;
  uint32_t attempts_ = 0;
  bool first_ = true;
  bool finished_ = false;
  bool retry_ = false;
  uint32_t key_version_ = 0;
  uint8_t crypto_frame_ = 0;
  ConnectionId key_id_;
  QuicInitialKeys keys_;
  BudgetedBytes crypto_;          // the CRYPTO stream, with holes
  std::vector<Range> ranges_;     // what of it is there: ascending, apart
  std::vector<uint8_t> scratch_;  // the decrypted packet
};

}  // namespace weir::inspect
