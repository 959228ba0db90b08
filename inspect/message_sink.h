// What application-protocol decoders (HTTP/1, HTTP/2, HTTP/3, WebSocket) emit: requests with
// bodies, keyed by a stream id, so that one consumer serves all of them. Per stream: on_request
// (on_body | on_body_gap)* on_request_end. Streams may interleave.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/bytes.h"
#include "core/direction.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

struct HeaderField {
  std::string_view name;   // lower case
  std::string_view value;  // surrounding white space removed
};

// Views are valid during on_request only.
struct MessageHead {
  std::string_view protocol;  // "http/1.1", "http/1.0", "h2", "ws" …
  std::string_view method;
  std::string_view target;     // as sent: path and query, absolute form, or authority (CONNECT)
  std::string_view authority;  // Host or :authority, or the absolute target's; may be empty
  std::string_view user_agent;
  std::string_view content_type;
  std::string_view content_encoding;
  std::span<const HeaderField> fields;  // all of them, trailers excluded
  std::optional<uint64_t> content_length;
  uint64_t stream_id = 0;  // 0, 1, 2 … in HTTP/1; the stream id in HTTP/2
  uint64_t offset = 0;     // of the request's first byte in the client-to-server stream
};

enum class BodyChoice : uint8_t { kInspect, kSkip };

enum class TunnelKind : uint8_t { kConnect, kUpgrade };

// Views are valid during on_tunnel only. What was not seen is empty.
struct TunnelInfo {
  TunnelKind kind = TunnelKind::kConnect;
  std::string_view protocol;  // the authority that was connected to, or the value of Upgrade
  // Of the request that asked for the tunnel.
  std::string_view target;
  std::string_view authority;
  std::string_view user_agent;
  std::string_view websocket_extensions;  // those that the server accepted
  uint64_t stream_id = 0;                 // the stream in HTTP/2; 0 in HTTP/1
};

class MessageSink {
 public:
  virtual ~MessageSink() = default;
  [[nodiscard]] virtual BodyChoice on_request(const MessageHead& head) noexcept = 0;
  // Body bytes with the transfer coding removed (content codings are the unwrapper's).
  virtual void on_body(uint64_t stream_id, ByteSpan data, uint64_t offset) noexcept = 0;
  // 0: bytes were lost, and nobody knows how many.
  virtual void on_body_gap(uint64_t stream_id, uint64_t bytes) noexcept = 0;
  virtual void on_request_end(uint64_t stream_id, EndReason) noexcept = 0;
  // The stream stopped being HTTP: after CONNECT or 101. What follows comes as on_tunnel_data, for
  // the whole connection in HTTP/1, for that stream in HTTP/2.
  virtual void on_tunnel(const TunnelInfo& info) noexcept = 0;
  virtual void on_tunnel_data(uint64_t stream_id, Direction, ByteSpan data) noexcept = 0;
  // 0: bytes were lost, and nobody knows how many.
  virtual void on_tunnel_gap(uint64_t stream_id, Direction, uint64_t bytes) noexcept = 0;
  // The tunnel of an HTTP/2 stream ended; that of HTTP/1 ends with its connection.
  virtual void on_tunnel_end(uint64_t stream_id, EndReason) noexcept = 0;
};

}  // namespace weir::inspect
