// HTTP/3 requests (RFC 9114) from the streams of a QUIC connection, each in order. Emits to a
// MessageSink under the ids of QUIC; body bytes are passed on in spans of the input, frame by
// frame.
//
// Of the server's side only its SETTINGS matter (see qpack_reader.h).
//
// Nothing that a client sends is left out, but trailers and short frames of no request (all
// counted). DATA without a known header block comes as the body of a nameless request (empty
// method). Long frames and one-way streams of unknown types come as nameless requests with ids
// of their own (kRawStream + id). Behind a gap that hides where frames begin, the rest of a stream
// is read as the body, frame headers and all.
//
// A header block that refers to what the QPACK encoder stream has not brought yet keeps its stream
// waiting, within limits.http3_blocked_bytes a connection.
//
// CONNECT with :protocol "websocket" (RFC 9220) and other tunnels: as in http2_decoder.h, but of
// the client's side alone. Datagrams of CONNECT-UDP (RFC 9298) are not seen here; as capsules in
// DATA frames they are what runs in a tunnel.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/byte_budget.h"
#include "core/limits.h"
#include "inspect/http/field_list.h"
#include "inspect/http/http3_counters.h"
#include "inspect/http/qpack_reader.h"
#include "inspect/http/stream_tunnel.h"
#include "inspect/http/websocket_counters.h"
#include "inspect/message_sink.h"

namespace weir::inspect {

class Http3Decoder {
 public:
  static constexpr uint64_t kRawStream = uint64_t{1} << 62;

  Http3Decoder(const Limits& limits, Http3Counters& counters, WebSocketCounters& websocket_counters,
               MessageSink& sink, ByteBudget* room = nullptr) noexcept;
  ~Http3Decoder();
  Http3Decoder(const Http3Decoder&) = delete;
  Http3Decoder& operator=(const Http3Decoder&) = delete;

  // Streams of the client. `offset`: of data[0] in its stream. Per stream: (on_data | on_gap)*
  // on_end.
  void on_data(uint64_t stream, ByteSpan data, uint64_t offset) noexcept;
  void on_gap(uint64_t stream, uint64_t bytes) noexcept;
  void on_end(uint64_t stream, EndReason reason) noexcept;
  // The first bytes of a one-way stream of the server.
  void on_server_data(uint64_t stream, ByteSpan data) noexcept;
  // The connection ends; streams that did not end before end for this reason.
  void finish(EndReason reason) noexcept;
  // Of streams that found no room.
  [[nodiscard]] uint64_t unread_bytes() const noexcept { return unread_bytes_; }

 private:
  enum class Kind : uint8_t { kTyping, kRequest, kEncoder, kQuiet, kRaw };
  enum class State : uint8_t {
    kType,    // of a frame
    kLength,  // of a frame
    kBlock,   // of header fields
    kData,
    kSkip,
    kHandOn,  // a frame of no request, as it is
    kLost,    // all that follows belongs to the body, as far as one can tell
  };
  struct Stream;

  [[nodiscard]] Stream* find_or_add(uint64_t id) noexcept;
  // Each takes bytes from the front of `data`, which stands at `offset`.
  void take(Stream& stream, ByteSpan data, uint64_t offset) noexcept;
  void take_request(Stream& stream, ByteSpan data, uint64_t offset) noexcept;
  [[nodiscard]] bool take_varint(Stream& stream, ByteSpan& data) noexcept;
  void choose_kind(Stream& stream) noexcept;
  void begin_frame(Stream& stream) noexcept;
  void end_frame(Stream& stream) noexcept;
  void finish_block(Stream& stream, bool must) noexcept;
  void open_request(Stream& stream) noexcept;
  void open_nameless(Stream& stream, uint64_t offset) noexcept;
  void body(Stream& stream, ByteSpan data, uint64_t offset) noexcept;
  void tunnel(Stream& stream, ByteSpan data, uint64_t gap_bytes) noexcept;
  void raw(Stream& stream, ByteSpan data, uint64_t offset) noexcept;
  void end_raw(Stream& stream, EndReason reason) noexcept;
  void gap(Stream& stream, uint64_t bytes) noexcept;
  void close(Stream& stream, EndReason reason) noexcept;
  void wait(Stream& stream, ByteSpan data, uint64_t gap_bytes, uint64_t offset) noexcept;
  void unblock(Stream& stream, bool must) noexcept;
  void unblock_all(bool must) noexcept;
  void read_settings(ByteSpan bytes) noexcept;

  const Limits& limits_;
  Http3Counters& counters_;
  WebSocketCounters& websocket_counters_;
  MessageSink& sink_;
  ByteBudget* room_;
  QpackReader qpack_;
  std::unordered_map<uint64_t, std::unique_ptr<Stream>> streams_;
  size_t blocked_ = 0;          // streams that wait
  uint64_t blocked_bytes_ = 0;  // held of them
  RequestFields request_;
  std::array<std::vector<uint8_t>, 4> server_;  // first bytes of its one-way streams
  bool settings_read_ = false;
  uint64_t unread_bytes_ = 0;
};

}  // namespace weir::inspect
