// Writes what an HTTP decoder emits as lines of text, adjacent bytes joined, so that transcripts of
// differently cut input compare equal. Checks the call order on the way.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "inspect/message_sink.h"

namespace weir::test {

class MessageTranscript final : public inspect::MessageSink {
 public:
  inspect::BodyChoice choice = inspect::BodyChoice::kInspect;
  // Body bytes are shown with the offset of each unbroken run; else all are joined.
  bool offsets = true;

  inspect::BodyChoice on_request(const inspect::MessageHead& head) noexcept override {
    flush();
    EXPECT_TRUE(open_.insert(head.stream_id).second);
    EXPECT_FALSE(tunnels_.contains(0));
    text_ += "request " + std::to_string(head.stream_id) + " @" + std::to_string(head.offset) +
             " [" + std::string(head.protocol) + "] " + std::string(head.method) + " " +
             std::string(head.target) + " at " + std::string(head.authority);
    if (head.content_length) text_ += " length " + std::to_string(*head.content_length);
    if (!head.content_encoding.empty()) text_ += " coded " + std::string(head.content_encoding);
    if (!head.content_type.empty()) text_ += " type " + std::string(head.content_type);
    if (!head.user_agent.empty()) text_ += " agent " + std::string(head.user_agent);
    text_ += "\n";
    for (const auto& field : head.fields) {
      text_ += "  " + std::string(field.name) + "=" + std::string(field.value) + "\n";
    }
    return choice;
  }
  void on_body(uint64_t id, ByteSpan data, uint64_t offset) noexcept override {
    EXPECT_TRUE(open_.contains(id));
    EXPECT_FALSE(data.empty());
    std::string line = "body " + std::to_string(id);
    if (kind_ != line || (offsets && offset != next_)) {
      flush();
      kind_ = line;
      if (offsets) line += " @" + std::to_string(offset);
      run_ = line + " ";
    }
    run_ += as_chars(data);
    next_ = offset + data.size();
  }
  void on_body_gap(uint64_t id, uint64_t bytes) noexcept override {
    EXPECT_TRUE(open_.contains(id));
    flush();
    text_ += "gap " + std::to_string(id) + " " + std::to_string(bytes) + "\n";
  }
  void on_request_end(uint64_t id, inspect::EndReason reason) noexcept override {
    flush();
    EXPECT_EQ(open_.erase(id), 1U);
    text_ += "end " + std::to_string(id) + " " + reason_name(reason) + "\n";
  }
  void on_tunnel(const inspect::TunnelInfo& info) noexcept override {
    flush();
    EXPECT_FALSE(open_.contains(info.stream_id));
    EXPECT_TRUE(tunnels_.insert(info.stream_id).second);
    text_ += info.kind == inspect::TunnelKind::kConnect ? "tunnel connect " : "tunnel upgrade ";
    text_ += std::string(info.protocol);
    if (!info.websocket_extensions.empty()) {
      text_ += " with " + std::string(info.websocket_extensions) + " for " +
               std::string(info.authority) + std::string(info.target) + " agent " +
               std::string(info.user_agent);
    }
    text_ += "\n";
  }
  void on_tunnel_data(uint64_t id, Direction direction, ByteSpan data) noexcept override {
    EXPECT_TRUE(tunnels_.contains(id));
    const std::string line = tunnel_line(id, direction) + " ";
    if (kind_ != line) {
      flush();
      kind_ = line;
      run_ = line;
    }
    run_ += as_chars(data);
  }
  void on_tunnel_gap(uint64_t id, Direction direction, uint64_t bytes) noexcept override {
    EXPECT_TRUE(tunnels_.contains(id));
    flush();
    text_ += tunnel_line(id, direction) + " gap " + std::to_string(bytes) + "\n";
  }
  void on_tunnel_end(uint64_t id, inspect::EndReason reason) noexcept override {
    flush();
    EXPECT_EQ(tunnels_.erase(id), 1U);
    text_ += "tunnel end " + std::to_string(id) + " " + reason_name(reason) + "\n";
  }
  [[nodiscard]] std::string take() {
    flush();
    return std::move(text_);
  }
  [[nodiscard]] bool all_ended() const { return open_.empty(); }

 private:
  static std::string reason_name(inspect::EndReason reason) {
    static constexpr const char* kReasons[] = {"complete", "gap",       "reset",  "timeout",
                                               "limit",    "malformed", "evicted"};
    return kReasons[static_cast<size_t>(reason)];
  }
  // HTTP/1 has one tunnel, which has no number.
  static std::string tunnel_line(uint64_t id, Direction direction) {
    return (direction == Direction::kToServer ? "up" : "down") +
           (id == 0 ? std::string() : " " + std::to_string(id));
  }
  void flush() {
    if (!kind_.empty()) text_ += run_ + "\n";
    kind_.clear();
    run_.clear();
  }
  std::string text_;
  std::string kind_;
  std::string run_;
  uint64_t next_ = 0;
  std::set<uint64_t> tunnels_;
  std::set<uint64_t> open_;
};

}  // namespace weir::test
