// A sink that writes down what a TcpStream says, per direction: data as it is, "[gap N]", "[end
// reason]"; and checks the order of calls.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "inspect/stream/tcp_stream.h"

namespace weir::test {

inline std::string_view name_of(inspect::EndReason reason) {
  constexpr std::string_view kNames[] = {"complete", "gap",       "reset",  "timeout",
                                         "limit",    "malformed", "evicted"};
  return kNames[static_cast<size_t>(reason)];
}

class TcpRecorder final : public inspect::TcpSink {
 public:
  void on_tcp_data(Direction d, ByteSpan data) noexcept override {
    EXPECT_FALSE(ended[d]);
    EXPECT_FALSE(data.empty());
    text[d] += as_chars(data);
    bytes[d] += data.size();
    if (on_data) on_data(d, data);
  }
  void on_tcp_gap(Direction d, uint64_t count) noexcept override {
    EXPECT_FALSE(ended[d]);
    text[d] += "[gap " + std::to_string(count) + "]";
    gap_bytes[d] += count;
  }
  void on_tcp_end(Direction d, inspect::EndReason reason) noexcept override {
    EXPECT_FALSE(ended[d]);
    ended[d] = true;
    text[d] += "[end " + std::string(name_of(reason)) + "]";
  }

  PerDirection<std::string> text;
  PerDirection<uint64_t> bytes;
  PerDirection<uint64_t> gap_bytes;
  PerDirection<bool> ended;
  std::function<void(Direction, ByteSpan)> on_data;
};

}  // namespace weir::test
