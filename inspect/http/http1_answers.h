// Follows the answers of an HTTP/1 connection as far as their framing needs: status, length,
// chunks. Bodies are passed over by count. What cannot be followed (a gap outside a body of known
// length, bytes that are no answer) ends it: the connection is then judged by its requests alone.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/byte_budget.h"
#include "core/bytes.h"
#include "core/limits.h"
#include "inspect/http/chunked.h"
#include "inspect/http/http1_counters.h"
#include "inspect/http/http1_head.h"

namespace weir::inspect {

enum class AnswerBody : uint8_t {
  kAsFramed,
  kNone,     // interim, or the answer to HEAD
  kTunnel,   // what follows is the tunnel
  kAbandon,  // follow no further
};

class AnswerListener {
 public:
  virtual ~AnswerListener() = default;
  // One call for each answer, interim ones included.
  virtual AnswerBody on_answer(const Http1Head& head) noexcept = 0;
  virtual void on_answer_tunnel(ByteSpan data) noexcept = 0;
  virtual void on_answer_tunnel_gap(uint64_t bytes) noexcept = 0;
};

class AnswerReader {
 public:
  AnswerReader(const Limits& limits, Http1Counters& counters, AnswerListener& listener,
               ByteBudget* room) noexcept
      : limits_(limits),
        counters_(counters),
        listener_(listener),
        parser_(limits, counters),
        held_(room, kKeptBytes) {}

  void on_data(ByteSpan data) noexcept;
  void on_gap(uint64_t bytes) noexcept;
  void abandon() noexcept;
  // Whether answers are there and are followed.
  [[nodiscard]] bool followed() const noexcept { return seen_ && state_ != State::kAbandoned; }

 private:
  static constexpr size_t kKeptBytes = 4096;
  enum class State : uint8_t { kHead, kLength, kChunks, kUntilEnd, kTunnel, kAbandoned };
  size_t take_head(ByteSpan data) noexcept;
  void finish_head(ByteSpan head) noexcept;

  const Limits& limits_;
  Http1Counters& counters_;
  AnswerListener& listener_;
  Http1HeadParser parser_;
  State state_ = State::kHead;
  bool seen_ = false;
  bool begun_ = false;
  uint64_t left_ = 0;
  HeadEndFinder end_;
  ChunkReader chunks_;
  BudgetedBytes held_;
};

}  // namespace weir::inspect
