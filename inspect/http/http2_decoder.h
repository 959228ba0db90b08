// HTTP/2 requests (RFC 9113), as a stream decoder over both directions of a connection: prior
// knowledge, behind "Upgrade: h2c" (the preface follows there too), or what a decrypting mirror
// shows. Emits to a MessageSink under the ids of HTTP/2; body bytes are passed on in spans of the
// input, as they come, frame by frame.
//
// Of the server's direction only RST_STREAM and the DATA of tunnels matter (see hpack_reader.h for
// SETTINGS).
//
// Nothing that a client sends is left out, but padding, trailers and short control frames (all
// counted). DATA without a known header block comes as the body of a nameless request (empty
// method) of its stream. Bytes that are in no frame (a start in the middle, behind a gap, a broken
// connection) come as a nameless request with the id kRawStream, until frames are found again.
// The connection goes on where a real server would close it. on_data always answers kContinue.
//
// CONNECT with :protocol "websocket" (RFC 8441): the CONNECT request ends at once, and each message
// follows as a request of its own under the same id; see websocket_reader.h. Any other CONNECT ends
// at once too, and opens a tunnel with the client's first DATA: no client sends before it was
// granted, and what is refused may be answered with DATA as well. Of the server's DATA, that of
// tunnels is handed on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_budget.h"
#include "core/limits.h"
#include "inspect/http/field_list.h"
#include "inspect/http/hpack_reader.h"
#include "inspect/http/http2_counters.h"
#include "inspect/http/http2_frames.h"
#include "inspect/http/stream_tunnel.h"
#include "inspect/http/websocket_counters.h"
#include "inspect/message_sink.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

class WebSocketReader;

class Http2Decoder final : public StreamDecoder {
 public:
  static constexpr uint64_t kRawStream = uint64_t{1} << 32;

  Http2Decoder(const Limits& limits, Http2Counters& counters, WebSocketCounters& websocket_counters,
               MessageSink& sink, ByteBudget* room = nullptr) noexcept;
  ~Http2Decoder() override;
  Http2Decoder(const Http2Decoder&) = delete;
  Http2Decoder& operator=(const Http2Decoder&) = delete;

  // There is no preface: the connection is under way, and the state of HPACK is not known. The
  // first byte need not begin a frame. Call before any data.
  void set_mid_stream() noexcept;

  DecodeStatus on_data(Direction direction, ByteSpan data) noexcept override;
  // 0: bytes were lost, and nobody knows how many.
  DecodeStatus on_gap(Direction direction, uint64_t bytes) noexcept override;
  // kComplete inside a request ends it with kReset: it is cut short.
  void on_end(Direction direction, EndReason reason) noexcept override;

 private:
  enum class State : uint8_t {
    kPreface,
    kHeader,
    kPadLength,
    kData,
    kBlock,  // of header fields
    kSkip,
    kHandOn,  // a frame of no request, as it is
    kPadding,
    kSearch,
    kEnded,
  };
  struct Stream {
    uint32_t id = 0;
    bool body_begun = false;
    BodyChoice choice = BodyChoice::kInspect;
    uint64_t used = 0;  // by the clock of frames
    std::unique_ptr<WebSocketReader> websocket;
    std::unique_ptr<StreamTunnel> tunnel;
  };
  struct Block {  // of header fields, over HEADERS and its CONTINUATIONs
    bool open = false;
    bool end_stream = false;
    uint32_t stream = 0;
    uint64_t offset = 0;
    size_t frames = 0;
  };
  // The server's side.
  struct Answers {
    bool abandoned = false;
    uint8_t used = 0;
    std::array<uint8_t, kFrameHeaderBytes> header{};
    uint64_t left = 0;        // of the frame's payload, padding included
    uint32_t stream = 0;      // whose DATA it is, when that may be of a tunnel
    bool pad_length = false;  // comes next
    uint8_t pad = 0;
  };

  // Each takes bytes from the front of `data`, which stands at offset_, and returns how many.
  size_t step(ByteSpan data) noexcept;
  size_t take_preface(ByteSpan data) noexcept;
  size_t take_header(ByteSpan data) noexcept;
  size_t take_content(ByteSpan data) noexcept;
  size_t take_search(ByteSpan data) noexcept;
  void search_again(ByteSpan bytes) noexcept;
  void finish_search() noexcept;

  void begin_frame(const FrameHeader& frame, uint64_t offset) noexcept;
  void begin_headers(const FrameHeader& frame, uint64_t offset) noexcept;
  void settle_frame() noexcept;
  void end_frame() noexcept;
  void finish_block() noexcept;
  void open_request() noexcept;
  void open_nameless(uint32_t id, uint64_t offset) noexcept;

  Stream* find(uint32_t id) noexcept;
  Stream& add_stream(uint32_t id) noexcept;
  void end_stream(Stream& stream, EndReason reason) noexcept;
  void reset_stream(uint32_t id, Counter& counter) noexcept;
  void body(ByteSpan data, uint64_t offset) noexcept;
  void body_gap(Stream& stream, uint64_t bytes) noexcept;
  void raw(ByteSpan data, uint64_t offset) noexcept;
  void end_raw(EndReason reason) noexcept;
  bool skip_in_frame(uint64_t bytes) noexcept;
  void lose_frames(EndReason reason) noexcept;
  void on_answer_data(ByteSpan data) noexcept;
  size_t take_answer(ByteSpan data) noexcept;
  void begin_answer(const FrameHeader& frame) noexcept;
  void abandon_answers() noexcept;
  [[nodiscard]] uint64_t answer_content_left() const noexcept;
  void open_tunnel(Stream& stream) noexcept;

  const Limits& limits_;
  Http2Counters& counters_;
  WebSocketCounters& websocket_counters_;
  MessageSink& sink_;
  HpackReader hpack_;

  State state_ = State::kPreface;
  State content_ = State::kSkip;  // what the payload of the frame is
  bool replay_ = false;
  bool raw_open_ = false;
  BodyChoice raw_choice_ = BodyChoice::kInspect;
  EndReason raw_reason_ = EndReason::kComplete;
  uint8_t pad_ = 0;            // bytes at the end of the frame
  uint8_t priority_left_ = 0;  // bytes of the priority fields before the block
  uint8_t used_ = 0;           // bytes of the preface or in header_
  std::array<uint8_t, kFrameHeaderBytes> header_{};
  FrameHeader frame_;
  uint32_t left_ = 0;    // of the frame's payload, padding included
  uint64_t offset_ = 0;  // in the client-to-server stream, of the next byte to take
  uint64_t clock_ = 0;
  Block block_;
  size_t last_ = 0;  // in streams_, found last
  std::vector<Stream> streams_;
  RequestFields request_;
  BudgetedBytes held_;  // in kSearch: from offset_ - held_.size()
  std::vector<uint8_t> joined_;
  Answers answers_;
};

}  // namespace weir::inspect
