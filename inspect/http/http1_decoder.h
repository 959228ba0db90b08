// HTTP/1.x requests and the framing of their answers (RFC 9112), as a stream decoder over both
// directions of a connection. Emits to a MessageSink. Lenient where real clients are, strict where
// a difference could hide a body (RFC 9112 section 6.3, request smuggling).
//
// Nothing that a client sends is left out, chunk extensions and trailers apart (both counted).
// Bytes without an understood head (a malformed or overlong head, what follows a gap outside a body
// of known length, a start inside a message) come as a nameless request: its head has an empty
// method and no fields (target, authority and user agent where whole lines of a head told them),
// its body is those bytes as they were, head included, until the next request line is found. When
// chunk framing breaks, the rest up to the next request line goes to the request it belongs to. So
// kMalformed is never answered, and the caller has no bytes to scan itself.
//
// kNotMine is answered only while nothing was emitted: the first bytes of the stream are no request
// line. Bytes taken in earlier calls stand in held().
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/byte_budget.h"
#include "core/limits.h"
#include "inspect/http/chunked.h"
#include "inspect/http/http1_answers.h"
#include "inspect/http/http1_counters.h"
#include "inspect/http/http1_head.h"
#include "inspect/message_sink.h"
#include "inspect/stream_decoder.h"

namespace weir::inspect {

// kYes: certainly the first bytes of an HTTP/1 request line. kMaybe: more bytes are needed.
// More bytes never turn kYes or kNo into another answer.
[[nodiscard]] ProbeAnswer probe_http1_request(ByteSpan first) noexcept;
[[nodiscard]] ProbeAnswer probe_http1_response(ByteSpan first) noexcept;

// Works on half flows: with requests only, tunnels are told by the client's bytes; with answers
// only, nothing is emitted but a tunnel after 101.
class Http1Decoder final : public StreamDecoder, private AnswerListener {
 public:
  // `room`: for heads that come in parts, in all connections.
  Http1Decoder(const Limits& limits, Http1Counters& counters, MessageSink& sink,
               ByteBudget* room = nullptr) noexcept;
  Http1Decoder(const Http1Decoder&) = delete;
  Http1Decoder& operator=(const Http1Decoder&) = delete;

  // The first bytes may lie inside a message: find the next head. Call before any data.
  void set_mid_stream() noexcept;

  DecodeStatus on_data(Direction direction, ByteSpan data) noexcept override;
  // 0: bytes were lost, and nobody knows how many. Then the framing of any body is lost, and the
  // sink is told of a gap of 0 bytes; offsets count only what is known.
  DecodeStatus on_gap(Direction direction, uint64_t bytes) noexcept override;
  // kComplete inside a message ends it with kReset: it is cut short.
  void on_end(Direction direction, EndReason reason) noexcept override;

  [[nodiscard]] bool tunnelling() const noexcept { return state_ == State::kTunnel; }
  // Client-to-server bytes that were taken but not yet emitted.
  [[nodiscard]] ByteSpan held() const noexcept { return held_; }

 private:
  enum class State : uint8_t { kHead, kLength, kChunks, kDecide, kRaw, kTunnel, kEnded };
  // What the bytes behind a request decide when its answer did not.
  enum class Question : uint8_t { kNone, kConnect, kUpgrade, kExpect };
  enum class Granted : uint8_t { kUnknown, kYes, kNo };

  AnswerBody on_answer(const Http1Head& answer) noexcept override;
  void on_answer_tunnel(ByteSpan data) noexcept override;
  void on_answer_tunnel_gap(uint64_t bytes) noexcept override;

  // Each takes bytes from the front of `data`, which stands at offset_, and returns how many.
  size_t step(ByteSpan data) noexcept;
  size_t take_head(ByteSpan data) noexcept;
  size_t take_length(ByteSpan data) noexcept;
  size_t take_chunks(ByteSpan data) noexcept;
  size_t take_raw(ByteSpan data) noexcept;
  size_t take_question(ByteSpan data) noexcept;

  void begin_head() noexcept;
  size_t refuse_head(ByteSpan head, size_t old) noexcept;
  void finish_head(ByteSpan bytes, uint64_t offset) noexcept;
  void begin_body(const Http1Head& head) noexcept;
  void body(ByteSpan data, uint64_t offset) noexcept;
  void body_gap(uint64_t bytes) noexcept;
  void end_request(EndReason reason) noexcept;
  void begin_raw(EndReason reason) noexcept;
  void raw(ByteSpan data, uint64_t offset) noexcept;
  void raw_head(ByteSpan bytes, uint64_t offset) noexcept;
  void begin_nameless(uint64_t offset, const Http1Head& head) noexcept;
  void enter_tunnel() noexcept;
  [[nodiscard]] bool hold(ByteSpan data) noexcept { return held_.append(data); }
  void push_outstanding(bool head_method) noexcept;
  void answer_refused(Question question) noexcept;

  const Limits& limits_;
  Http1Counters& counters_;
  MessageSink& sink_;
  AnswerReader answers_;
  Http1HeadParser parser_;

  State state_ = State::kHead;
  bool first_ = true;   // nothing was emitted or lost yet
  bool begun_ = false;  // kHead: behind the blank lines
  bool plausible_ = false;
  bool replay_ = false;
  bool not_mine_ = false;
  bool in_request_ = false;
  bool body_begun_ = false;
  BodyChoice choice_ = BodyChoice::kInspect;
  EndReason raw_reason_ = EndReason::kComplete;
  Question question_ = Question::kNone;  // of the request that is open or was last
  Granted granted_ = Granted::kUnknown;
  State body_state_ = State::kHead;
  uint64_t offset_ = 0;  // in the client-to-server stream, of the next byte to take
  uint64_t next_id_ = 0;
  uint64_t id_ = 0;
  uint64_t left_ = 0;
  HeadEndFinder end_;
  ChunkReader chunks_;
  BudgetedBytes held_;           // begins at offset_ - held_.size()
  std::vector<uint8_t> joined_;  // held bytes and the data behind them, to be read again
  // Of the request that asked for a tunnel, and what its answer says.
  struct Tunnel {
    TunnelKind kind = TunnelKind::kConnect;
    std::string protocol;
    std::string target;
    std::string authority;
    std::string user_agent;
    std::string extensions;
  };
  Tunnel tunnel_;

  // Requests that wait for an answer.
  struct Outstanding {
    bool head = false;
    Question question = Question::kNone;
  };
  static constexpr size_t kOutstanding = 64;
  std::array<Outstanding, kOutstanding> outstanding_;
  size_t outstanding_first_ = 0;
  size_t outstanding_count_ = 0;
};

}  // namespace weir::inspect
