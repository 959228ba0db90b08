// What a client sends over a WebSocket (RFC 6455): frames, unmasked, put together to messages, with
// permessage-deflate (RFC 7692) undone. Each message is a request to the MessageSink: protocol
// "ws", method "MESSAGE", target, authority and user agent of the request that opened the
// WebSocket; no fields, its type is found by content. Control frames between the fragments do not
// disturb; those of more than 64 bytes are requests too, of method "PING", "PONG" or "CLOSE".
//
// Whether a message is compressed is told by RSV1 alone, so the server's answer need not be seen.
// What it says is used for one thing: with client_no_context_takeover, a window is not kept between
// messages.
//
// Gaps are exact in frames of known length. Else frames are searched for; meanwhile bytes come as a
// nameless request (empty method), as they are. After a gap in compressed messages the next message
// is decoded without the window that it may refer to; such references become spaces.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.h"
#include "inspect/http/websocket_counters.h"
#include "inspect/http/websocket_frames.h"
#include "inspect/message_sink.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

class RawInflater;

// Copied by who takes it. Empty: not known.
struct WebSocketOrigin {
  std::string_view target;
  std::string_view authority;
  std::string_view user_agent;
  std::string_view extensions;  // that the server accepted
};

class WebSocketReader {
 public:
  // Control frames of stream N are requests N + kControlStream.
  static constexpr uint64_t kControlStream = uint64_t{1} << 33;

  // `stream`: the id of all messages; without it they are counted from 0 on.
  WebSocketReader(const Limits& limits, WebSocketCounters& counters, MessageSink& sink,
                  const WebSocketOrigin& origin, std::optional<uint64_t> stream) noexcept;
  ~WebSocketReader();
  WebSocketReader(const WebSocketReader&) = delete;
  WebSocketReader& operator=(const WebSocketReader&) = delete;

  // The first byte need not begin a frame. Call before any data.
  void set_mid_stream() noexcept;
  // `offset`: of data[0] in the client-to-server stream of the flow.
  void on_data(ByteSpan data, uint64_t offset) noexcept;
  // 0: nobody knows how many bytes were lost.
  void on_gap(uint64_t bytes) noexcept;
  void end(EndReason reason) noexcept;

 private:
  enum class State : uint8_t { kHeader, kPayload, kSearch, kEnded };
  enum class Coding : uint8_t {
    kNone,
    kDeflate,
    kDrop,  // the rest of a compressed message that cannot be decoded, or has become too large
  };
  struct Open {  // a request that the sink knows
    bool open = false;
    uint64_t id = 0;
    BodyChoice choice = BodyChoice::kInspect;
  };

  size_t take_header(ByteSpan data, uint64_t offset) noexcept;
  size_t take_payload(ByteSpan data, uint64_t offset) noexcept;
  size_t take_search(ByteSpan data, uint64_t offset) noexcept;
  void raw(ByteSpan data) noexcept;
  void begin_frame(const WebSocketFrame& frame) noexcept;
  void end_frame() noexcept;
  void begin_message(bool compressed) noexcept;
  void message_data(ByteSpan data, uint64_t offset) noexcept;
  void inflate(ByteSpan data, uint64_t offset) noexcept;
  void refuse_deflate(ByteSpan data, ByteSpan unread, uint64_t offset) noexcept;
  void finish_message() noexcept;
  void open_request(Open& request, std::string_view method, uint64_t offset) noexcept;
  void body(const Open& request, ByteSpan data, uint64_t offset) noexcept;
  void end_request(Open& request, EndReason reason) noexcept;
  void lose_window() noexcept;
  void lose_frames(EndReason reason) noexcept;

  const Limits& limits_;
  WebSocketCounters& counters_;
  MessageSink& sink_;
  std::string target_;
  std::string authority_;
  std::string user_agent_;
  bool keeps_window_ = true;
  std::optional<uint64_t> stream_;
  uint64_t next_id_ = 0;

  State state_ = State::kHeader;
  bool replay_ = false;
  uint8_t used_ = 0;  // of header_
  std::array<uint8_t, kWebSocketHeaderBytes> header_{};
  uint64_t header_at_ = 0;
  WebSocketFrame frame_;
  uint64_t left_ = 0;
  size_t phase_ = 0;

  Open message_;
  Open control_;
  bool in_message_ = false;  // between its first frame and the end of its last
  Coding coding_ = Coding::kNone;
  EndReason message_end_ = EndReason::kComplete;
  EndReason raw_reason_ = EndReason::kComplete;
  uint64_t in_bytes_ = 0;
  uint64_t out_bytes_ = 0;
  bool window_lost_ = false;
  std::array<uint8_t, 64> head_{};  // of a compressed message that has given nothing yet
  size_t head_size_ = 0;
  std::unique_ptr<RawInflater> inflater_;
  uint64_t held_at_ = 0;       // over several DATA frames of HTTP/2, their headers are not counted
  std::vector<uint8_t> held_;  // in kSearch, from held_at_ on
  std::vector<uint8_t> joined_;
};

}  // namespace weir::inspect
