// The part of a TLS handshake (1.0 to 1.2) that a server's RSA key opens: the client's encrypted
// secret, or the resumption of a session whose master secret was found so (RFC 5246 sections 7.3
// and 7.4.7.1; RFC 5077 tickets; RFC 7627 extended master secret). Fed with the clear messages of a
// connection, each direction in order.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/byte_budget.h"
#include "core/direction.h"
#include "inspect/decrypt/hmac.h"
#include "inspect/decrypt/server_keys.h"

namespace weir::inspect {

class RsaExchange {
 public:
  // Both must outlive this.
  RsaExchange(const ServerKeys& keys, ByteBudget* room) noexcept
      : keys_(keys), transcript_{{BudgetedBytes(room), BudgetedBytes(room)}} {}

  // Contents of clear handshake records; before the messages in them.
  void add(Direction d, ByteSpan part) noexcept;
  // A part of them is missing.
  void lose() noexcept { whole_ = false; }
  void on_client_hello(Direction client, ByteSpan session_id, ByteSpan ticket);
  void on_server_hello(ByteSpan session_id, bool extended_master);
  // Of the server; `body` as in TLS 1.2.
  void on_certificate(ByteSpan body) noexcept;
  // `behind`: bytes of the client's handshake that add() has taken and that follow this message.
  void on_client_key_exchange(uint16_t version, ByteSpan body, size_t behind) noexcept;
  void on_server_hello_done() noexcept { answered_ = true; }
  // Once the master secret is known, which it then remembers.
  void on_ticket(ByteSpan body, Timestamp now);

  // There is something to try: open() tells the rest.
  [[nodiscard]] bool ready() const noexcept;
  // Needs the server's key, and so time; else a session is resumed.
  [[nodiscard]] bool costs() const noexcept { return !resumed_; }
  // False when the secret cannot be found; ready() is false afterwards in either case.
  [[nodiscard]] bool open(uint16_t version, HashKind prf, const TlsRandom& client_random,
                          const TlsRandom& server_random, Timestamp now, Secret& master) noexcept;
  // That is all: nothing more will be asked.
  void give_up() noexcept;

 private:
  // Of a handshake; a longer one is not opened.
  static constexpr size_t kMostTranscript = 128U << 10;

  [[nodiscard]] bool hash_of_session(uint16_t version, HashKind prf,
                                     std::vector<uint8_t>& out) const noexcept;
  void forget_transcript() noexcept;

  const ServerKeys& keys_;
  Direction client_ = Direction::kToServer;
  PerDirection<BudgetedBytes> transcript_;  // wanted for the extended master secret
  size_t client_used_ = 0;                  // of the client's, up to its key exchange
  std::optional<size_t> key_;
  std::vector<uint8_t> offered_id_;
  std::vector<uint8_t> offered_ticket_;
  std::vector<uint8_t> session_id_;  // as the server named it
  std::vector<uint8_t> sealed_;      // the client's secret
  Secret master_;
  bool whole_ = true;
  bool hello_ = false;  // of the server
  bool extended_ = false;
  bool resumed_ = false;
  bool answered_ = false;  // the server's first flight is complete
  bool over_ = false;
};

}  // namespace weir::inspect
