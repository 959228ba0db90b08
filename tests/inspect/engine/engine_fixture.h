// An engine with the sample snapshot, and TCP conversations that it is given packet by packet.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "inspect/engine/engine.h"
#include "tests/inspect/engine/sample_snapshot.h"
#include "tests/support/collecting_sink.h"
#include "tests/support/packet_maker.h"

namespace weir::inspect {

// A TCP conversation packet by packet.
class Talk {
 public:
  Talk(Engine& engine, uint16_t server_port = 443) : engine_(engine) {
    peer_.server.port = server_port;
  }
  Talk& endpoints(const Endpoint& client, const Endpoint& server) {
    peer_.client = client;
    peer_.server = server;
    return *this;
  }
  Talk& handshake() {
    send(true, {.syn = true}, {});
    send(false, {.syn = true, .ack = true}, {});
    return send(true, {.ack = true}, {});
  }
  Talk& client(std::string_view text) { return say(true, text); }
  Talk& server(std::string_view text) { return say(false, text); }
  Talk& lose(size_t bytes) {
    seq_[0] += static_cast<uint32_t>(bytes);
    return *this;
  }
  Talk& close() {
    send(true, {.fin = true, .ack = true}, {});
    send(false, {.fin = true, .ack = true}, {});
    return send(true, {.ack = true}, {});
  }
  Talk& tunnelled() {
    tunnelled_ = true;
    return *this;
  }
  Talk& later(Duration time) {
    time_.ns += time.ns;
    return *this;
  }
  [[nodiscard]] Action last() const { return last_; }

 private:
  Talk& say(bool to_server, std::string_view text) {
    constexpr size_t kSegment = 1400;
    for (size_t at = 0; at < text.size(); at += kSegment) {
      send(to_server, {.psh = true, .ack = true}, as_bytes(text.substr(at, kSegment)));
    }
    return *this;
  }
  Talk& send(bool to_server, TcpFlags flags, ByteSpan payload) {
    time_.ns += 1'000'000;
    uint32_t& seq = seq_[to_server ? 0 : 1];
    const uint32_t ack = seq_[to_server ? 1 : 0];
    DecodedPacket packet = peer_.packet(to_server, seq, ack, flags, payload, time_);
    packet.tunnelled = tunnelled_;
    last_ = engine_.on_packet(packet);
    seq += static_cast<uint32_t>(payload.size()) + (flags.syn || flags.fin ? 1 : 0);
    return *this;
  }

  Engine& engine_;
  test::TcpPeer peer_;
  Timestamp time_{1'700'000'000'000'000'000};
  uint32_t seq_[2] = {1000, 9000};
  bool tunnelled_ = false;
  Action last_ = Action::kAllow;
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() : engine_(test::sample_snapshot(), sink_, HashKey{{1, 2}}) {}

  std::vector<Evidence> evidence() const {
    std::vector<Evidence> out;
    for (const Finding& finding : sink_.findings) {
      out.insert(out.end(), finding.evidence.begin(), finding.evidence.end());
    }
    return out;
  }
  const FlowRecord& only_flow() {
    engine_.finish();
    EXPECT_EQ(sink_.records.size(), 1U);
    return sink_.records.front();
  }
  static bool has_name(const FlowRecord& record, HostSource source, const std::string& name) {
    for (const auto& [s, n] : record.flow.names) {
      if (s == source && n == name) return true;
    }
    return false;
  }

  test::CollectingSink sink_;
  Engine engine_;
};

inline std::string post(const std::string& host, const std::string& body,
                        const std::string& headers = "Content-Type: application/json\r\n") {
  return "POST /v1/messages HTTP/1.1\r\nHost: " + host + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string message(const std::string& text) {
  return R"({"model":"m","messages":[{"role":"user","content":")" + test::json_escape(text) +
         R"("}]})";
}

inline constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

}  // namespace weir::inspect
