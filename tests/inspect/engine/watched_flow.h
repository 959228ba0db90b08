// One TCP connection and an engine that watches it, for tests; a request that leaks; keys of TLS
// sessions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "inspect/decrypt/key_log.h"
#include "inspect/engine/engine.h"
#include "tests/inspect/decrypt/tls_session.h"
#include "tests/inspect/engine/sample_snapshot.h"
#include "tests/support/collecting_sink.h"
#include "tests/support/packet_maker.h"

namespace weir::inspect {

inline constexpr Timestamp kBegin{1'700'000'000'000'000'000};

struct Watched {
  explicit Watched(const KeyAccess& keys = {},
                   std::shared_ptr<const Snapshot> snapshot = test::sample_snapshot())
      : engine(std::move(snapshot), sink, HashKey{{1, 2}}, nullptr, keys) {
    peer.server.port = 443;
  }
  void handshake() {
    send(true, {.syn = true}, {});
    send(false, {.syn = true, .ack = true}, {});
    send(true, {.ack = true}, {});
  }
  void say(bool to_server, ByteSpan bytes) {
    for (size_t at = 0; at < bytes.size(); at += 1400) {
      send(to_server, {.psh = true, .ack = true},
           bytes.subspan(at, std::min<size_t>(1400, bytes.size() - at)));
    }
  }
  void say(const std::vector<test::Flight>& flights) {
    for (const test::Flight& flight : flights) {
      say(flight.direction == Direction::kToServer, flight.bytes);
    }
  }
  void close() {
    send(true, {.fin = true, .ack = true}, {});
    send(false, {.fin = true, .ack = true}, {});
  }
  void send(bool to_server, TcpFlags flags, ByteSpan payload) {
    now.ns += 1'000'000;
    uint32_t& seq = sequence[to_server ? 0 : 1];
    last = engine.on_packet(
        peer.packet(to_server, seq, sequence[to_server ? 1 : 0], flags, payload, now));
    seq += static_cast<uint32_t>(payload.size()) + (flags.syn || flags.fin ? 1 : 0);
  }
  void tick(double seconds) {
    const Timestamp until = now + Duration{static_cast<int64_t>(seconds * 1e9)};
    while (now < until) {
      now = now + Duration::millis(100);
      engine.on_time(now);
    }
  }
  FlowIdentity flow() {
    engine.finish();
    EXPECT_EQ(sink.records.size(), 1U);
    return sink.records.empty() ? FlowIdentity{} : sink.records.front().flow;
  }
  void expect(Visibility visibility, VisibilityReason reason) {
    const FlowIdentity seen = flow();
    EXPECT_EQ(to_string(seen.visibility), to_string(visibility));
    EXPECT_EQ(to_string(seen.visibility_reason), to_string(reason));
  }

  test::CollectingSink sink;
  Engine engine;
  test::TcpPeer peer;
  Timestamp now = kBegin;
  uint32_t sequence[2] = {1000, 9000};
  Action last = Action::kAllow;
};

inline std::string post(const std::string& body, const std::string& type = "application/json") {
  return "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string leak() {
  return R"({"messages":[{"role":"user","content":")" +
         test::json_escape(test::sample_lines("planner/crew_schedule.cc", 20, 60)) + R"("}]})";
}

inline bool has_code(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    for (const Evidence& piece : finding.evidence) {
      if (piece.kind == EvidenceKind::kCode) return true;
    }
  }
  return false;
}

inline void give_keys(const test::TlsSession& session, KeyStore& store, Timestamp now) {
  KeyLogCounters counters;
  KeyLogParser parser(store, counters);
  parser.feed(as_bytes(session.key_log()), now);
  parser.finish(now);
}

inline KeyAccess late(const KeyStore& store) {
  KeyAccess out;
  out.store = &store;
  out.may_come_late = true;
  return out;
}

}  // namespace weir::inspect
