// One QUIC connection as both peers would write it: handshake messages that look right, packets
// that are protected with secrets drawn at random, and the key log of it. No key is agreed on:
// whoever decrypts needs the key log, as with a real connection. And HTTP/3 as a client writes it,
// without the dynamic table.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/lab/http_messages.h"
#include "bench/lab/lab_random.h"
#include "bench/lab/quic_crypto.h"
#include "bench/lab/tls_messages.h"
#include "core/direction.h"

namespace weir::lab {

struct QuicPlan {
  std::string host;
  std::string alpn = "h3";
  uint32_t version = kQuicV1;
  uint16_t suite = 0x1301;
  size_t client_id_bytes = 8;  // 0: the client does without an id
  size_t server_id_bytes = 8;
  bool post_quantum = false;  // a ClientHello of two packets
};

struct QuicDatagram {
  Direction direction = Direction::kToServer;
  Bytes bytes;
};

class QuicSession {
 public:
  QuicSession(LabRandom& random, const QuicPlan& plan);

  // The datagrams from the first Initial to the client's Finished. Then packets.
  [[nodiscard]] std::vector<QuicDatagram> handshake();
  // A 1-RTT packet with the next number, or with one of the caller's choice.
  [[nodiscard]] Bytes packet(Direction d, ByteSpan frames);
  [[nodiscard]] Bytes packet(Direction d, uint64_t number, ByteSpan frames) const;
  // A 0-RTT packet of the client, by the number space of its 1-RTT packets.
  [[nodiscard]] Bytes early_packet(ByteSpan frames);
  // What one direction sends from now on is protected with the next keys.
  void update_keys(Direction d);
  // Packets of `d` go to this id from now on.
  void use_id(Direction d, Bytes id) { side(d).to_id = std::move(id); }
  [[nodiscard]] const Bytes& id(Direction d) const { return sides_[d].to_id; }
  void set_number(Direction d, uint64_t next) { side(d).next = next; }

  // In the NSS format; with the 0-RTT secret.
  [[nodiscard]] std::string key_log() const;

 private:
  struct Side {
    Bytes to_id;  // the destination of its packets
    Bytes handshake_secret;
    Bytes traffic_secret;  // of the current phase
    Bytes first_secret;
    QuicKeys handshake;
    QuicKeys traffic;
    bool phase = false;
    uint64_t next = 0;
  };
  Side& side(Direction d) { return sides_[d]; }
  [[nodiscard]] Bytes long_packet(unsigned type, Direction d, const QuicKeys& keys, uint64_t number,
                                  ByteSpan frames) const;

  LabRandom& random_;
  QuicPlan plan_;
  PerDirection<Side> sides_;
  Bytes original_id_;
  Bytes client_id_;
  Bytes server_id_;
  Bytes client_random_;
  Bytes early_secret_;
};

// Frames.
[[nodiscard]] Bytes quic_stream_frame(uint64_t stream, uint64_t offset, ByteSpan data,
                                      bool fin = false);
[[nodiscard]] Bytes quic_new_id_frame(uint64_t sequence, ByteSpan id);

// HTTP/3. Names must be in lower case.
[[nodiscard]] Bytes http3_frame(uint64_t type, ByteSpan payload);
[[nodiscard]] Bytes qpack_literals(const std::vector<std::pair<std::string, std::string>>& fields);
// HEADERS and DATA of a request; the coding is applied, chunking ignored.
[[nodiscard]] Bytes http3_request(const HttpRequest& request);
// What a client opens its one-way streams 2, 6 and 10 with: control, QPACK encoder and decoder.
[[nodiscard]] std::array<Bytes, 3> http3_client_streams();

}  // namespace weir::lab
