// What comes out of a decrypted QUIC connection. Per direction and stream: (on_stream_data |
// on_stream_gap)* on_stream_end; streams interleave. Views are valid during the call.
#pragma once

#include <cstdint>

#include "core/bytes.h"
#include "core/direction.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

class QuicSink {
 public:
  virtual ~QuicSink() = default;
  // In order. kToServer: from the client, of all streams. kToClient: the first bytes of the
  // server's own one-way streams (its settings), without an end.
  virtual void on_stream_data(Direction, uint64_t stream, ByteSpan data,
                              uint64_t offset) noexcept = 0;
  virtual void on_stream_gap(Direction, uint64_t stream, uint64_t bytes) noexcept = 0;
  // kComplete with FIN only.
  virtual void on_stream_end(Direction, uint64_t stream, EndReason reason) noexcept = 0;
  // A DATAGRAM frame of the client (RFC 9221).
  virtual void on_datagram_frame(ByteSpan data) noexcept = 0;
  // Packets to this id belong to the connection, until the sink is told that they no longer do.
  virtual void on_connection_id(ByteSpan id) noexcept = 0;
  virtual void on_connection_id_gone(ByteSpan id) noexcept = 0;
};

}  // namespace weir::inspect
