// A MessageSink for fuzz targets: checks the call order of interleaved requests and logs what came.
#pragma once

#include <map>
#include <set>
#include <string>

#include "core/check.h"
#include "inspect/message_sink.h"

namespace weir::test {

class InterleavedSink final : public inspect::MessageSink {
 public:
  // Offsets of body bytes stand in the log.
  bool offsets = true;
  uint64_t given = 0;  // client-to-server bytes so far
  size_t most_open = 0;

  inspect::BodyChoice on_request(const inspect::MessageHead& head) noexcept override {
    WEIR_CHECK(open_.emplace(head.stream_id, count_).second);
    most_open = most_open > open_.size() ? most_open : open_.size();
    WEIR_CHECK(head.offset <= given);
    for (const auto& field : head.fields) {
      for (const char c : field.name) WEIR_CHECK(c < 'A' || c > 'Z');
      log_.append(field.name).append("=").append(field.value);
    }
    mark('r', head.stream_id);
    log_.append(head.method).append(head.target).append(head.authority);
    return ++count_ % 7 == 6 ? inspect::BodyChoice::kSkip : inspect::BodyChoice::kInspect;
  }
  void on_body(uint64_t id, ByteSpan data, uint64_t offset) noexcept override {
    const auto stream = open_.find(id);
    WEIR_CHECK(stream != open_.end() && stream->second % 7 != 5);
    WEIR_CHECK(!data.empty());
    if (offsets) WEIR_CHECK(offset + data.size() <= given);
    if (run_ != id || (offsets && offset != next_)) {
      mark('b', id);
      if (offsets) log_ += std::to_string(offset);
    }
    run_ = id;
    next_ = offset + data.size();
    log_ += as_chars(data);
  }
  void on_body_gap(uint64_t id, uint64_t bytes) noexcept override {
    WEIR_CHECK(open_.contains(id));
    mark('g', id);
    log_ += std::to_string(bytes);
  }
  void on_request_end(uint64_t id, inspect::EndReason reason) noexcept override {
    WEIR_CHECK(open_.erase(id) == 1);
    mark('e', id);
    log_ += std::to_string(static_cast<int>(reason));
  }
  void on_tunnel(const inspect::TunnelInfo& info) noexcept override {
    WEIR_CHECK(!open_.contains(info.stream_id) && tunnels_.insert(info.stream_id).second);
    mark('t', info.stream_id);
    log_.append(info.protocol).append(info.target).append(info.authority).append(info.user_agent);
  }
  void on_tunnel_data(uint64_t id, Direction direction, ByteSpan data) noexcept override {
    WEIR_CHECK(tunnels_.contains(id) && !data.empty());
    const uint64_t run = ~(2 * id + static_cast<uint64_t>(direction));
    if (run_ != run) mark(direction == Direction::kToServer ? 'u' : 'd', id);
    run_ = run;
    log_ += as_chars(data);
  }
  void on_tunnel_gap(uint64_t id, Direction direction, uint64_t bytes) noexcept override {
    WEIR_CHECK(tunnels_.contains(id));
    mark(direction == Direction::kToServer ? 'U' : 'D', id);
    log_ += std::to_string(bytes);
  }
  void on_tunnel_end(uint64_t id, inspect::EndReason reason) noexcept override {
    WEIR_CHECK(tunnels_.erase(id) == 1);
    mark('T', id);
    log_ += std::to_string(static_cast<int>(reason));
  }

  [[nodiscard]] const std::string& finish() const {
    WEIR_CHECK(open_.empty() && tunnels_.empty());
    return log_;
  }

 private:
  static constexpr uint64_t kNoRun = ~uint64_t{0};
  void mark(char kind, uint64_t id) {
    log_ += kind + std::to_string(id) + ' ';
    run_ = kNoRun;
  }
  std::map<uint64_t, uint64_t> open_;  // to the number of the request
  std::set<uint64_t> tunnels_;
  uint64_t count_ = 0;
  uint64_t run_ = kNoRun;
  uint64_t next_ = 0;
  std::string log_;
};

}  // namespace weir::test
