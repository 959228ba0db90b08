// TLS handshake messages as they stand on the wire (RFC 8446): well-formed, with random keys; no
// cryptography behind them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/lab/byte_writer.h"
#include "bench/lab/lab_random.h"

namespace weir::lab {

// kBun: as the Bun runtime sends it, in which Claude Code runs.
enum class HelloKind : uint8_t { kLab, kBun };

struct ClientHelloPlan {
  std::string host;
  std::vector<std::string> alpn{"h2", "http/1.1"};
  bool post_quantum = false;  // an X25519MLKEM768 share: the hello takes two TCP segments
  HelloKind kind = HelloKind::kLab;
  Bytes quic_parameters;  // quic_transport_parameters; empty: no QUIC
};

// The handshake message alone (for QUIC), and in a TLS record.
Bytes client_hello(LabRandom& random, const ClientHelloPlan& plan);
Bytes client_hello_record(LabRandom& random, const ClientHelloPlan& plan);

// ServerHello of TLS 1.3, ChangeCipherSpec, and opaque records of the rest of the handshake.
Bytes server_flight(LabRandom& random);
// ChangeCipherSpec and an opaque Finished of the client.
Bytes client_finished(LabRandom& random);
// Opaque application data of `size` bytes, in records of at most 16 KB.
Bytes application_data(LabRandom& random, size_t size);

}  // namespace weir::lab
