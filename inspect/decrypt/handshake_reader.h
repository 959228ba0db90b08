// Cuts the handshake messages out of record contents (RFC 8446 section 4): messages may share a
// record or span several. Bodies are kept of the few types that matter, up to a limit; others are
// stepped over.
#pragma once

#include <array>
#include <cstdint>

#include "core/byte_budget.h"
#include "core/bytes.h"

namespace weir::inspect {

enum HandshakeType : uint8_t {
  kHelloRequestMessage = 0,
  kClientHelloMessage = 1,
  kServerHelloMessage = 2,
  kNewSessionTicketMessage = 4,
  kEndOfEarlyDataMessage = 5,
  kEncryptedExtensionsMessage = 8,
  kCertificateMessage = 11,
  kServerKeyExchangeMessage = 12,
  kServerHelloDoneMessage = 14,
  kClientKeyExchangeMessage = 16,
  kFinishedMessage = 20,
  kKeyUpdateMessage = 24,
};

struct HandshakeMessage {
  uint8_t type = 0;
  bool whole = false;  // `body` is all of it
  ByteSpan body;       // empty for types that are not kept; valid until the next call
};

class HandshakeReader {
 public:
  // Before the first message. `room`: for messages that come in parts; what finds none is not
  // whole.
  void set_room(ByteBudget* room) noexcept { body_.set_budget(room); }
  // Keep the messages of a key exchange and tickets too.
  void keep_exchange(bool keep) noexcept { keep_exchange_ = keep; }
  // Takes from the front of `in`; true when a message ended there.
  [[nodiscard]] bool next(ByteSpan& in, size_t most_kept, HandshakeMessage& out);
  // `bytes` of the handshake stream are missing.
  void lose(size_t bytes) noexcept;
  void reset() noexcept;

 private:
  std::array<uint8_t, 4> header_{};
  uint8_t fill_ = 0;
  bool keep_ = false;
  bool keep_exchange_ = false;
  uint32_t left_ = 0;
  BudgetedBytes body_;
};

}  // namespace weir::inspect
