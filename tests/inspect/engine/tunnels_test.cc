// Tunnels in HTTP/2 streams (RFC 9113 section 8.5): what runs inside is decoded like a connection.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/inspect/engine/watched_flow.h"
#include "tests/inspect/http/http2_traffic.h"

namespace weir::inspect {
namespace {

using test::data;
using test::Fields;
using test::headers;
using test::literals;

uint64_t counter(const Engine& engine, const std::string& name) {
  for (const auto& [key, value] : engine.all_counters()) {
    if (key == name) return value;
  }
  ADD_FAILURE() << name;
  return 0;
}

std::string connect(uint32_t stream, const std::string& authority) {
  return headers(stream, literals({{":method", "CONNECT"}, {":authority", authority}}));
}
std::string granted(uint32_t stream) { return headers(stream, literals({{":status", "200"}})); }

// One end's bytes in DATA frames of a stream.
std::string framed(uint32_t stream, const std::vector<uint8_t>& bytes) {
  constexpr size_t kFrame = 5'000;
  std::string out;
  const std::string_view text = as_chars(bytes);
  for (size_t at = 0; at < text.size(); at += kFrame) out += data(stream, text.substr(at, kFrame));
  return out;
}

void say(Watched& w, bool to_server, const std::string& text) { w.say(to_server, as_bytes(text)); }

TEST(TunnelsInHttp2, CleartextRequestsInTwoStreamsAtOnce) {
  Watched w;
  w.handshake();
  const std::string request = post(leak());
  say(w, true, test::hello() + connect(1, "api.anthropic.com:80") + connect(3, "a.example:80"));
  say(w, false, test::frame(4, 0, 0) + granted(1) + granted(3));
  say(w, true, data(1, request.substr(0, 300)) + data(3, "GET / HTTP/1.1\r\nHost: a.ex"));
  say(w, true, data(1, request.substr(300)) + data(3, "ample\r\n\r\n"));
  EXPECT_EQ(w.last, Action::kDrop);
  w.close();
  w.expect(Visibility::kClear, VisibilityReason::kNone);
  EXPECT_TRUE(has_code(w.sink.findings));
  EXPECT_EQ(w.sink.records.front().requests, 4U);  // two of them CONNECT
  EXPECT_EQ(counter(w.engine, "engine.tunnels"), 2U);
}

// TLS to a proxy, HTTP/2 in it, CONNECT in that, TLS to the service in the tunnel, all with keys.
void tls_in_a_tunnel_in_tls(int version, const char* suites) {
  test::TlsSession outer({.alpn = "h2"});
  test::TlsSession inner({.version = version,
                          .suites = suites,
                          .alpn = "http/1.1",
                          .server_name = "api.anthropic.com"});
  ASSERT_TRUE(outer.handshake());
  ASSERT_TRUE(inner.handshake());
  ASSERT_TRUE(inner.write(Direction::kToServer, post(leak())));
  ASSERT_TRUE(
      outer.write(Direction::kToServer, test::hello() + connect(1, "api.anthropic.com:443")));
  ASSERT_TRUE(outer.write(Direction::kToClient, test::frame(4, 0, 0) + granted(1)));
  for (const test::Flight& flight : inner.flights()) {
    ASSERT_TRUE(outer.write(flight.direction, framed(1, flight.bytes)));
  }
  KeyStore store;
  give_keys(outer, store, kBegin);
  give_keys(inner, store, kBegin);
  Watched w(late(store));
  w.handshake();
  w.say(outer.flights());
  EXPECT_EQ(w.last, Action::kDrop);
  w.close();
  const FlowIdentity flow = w.flow();
  EXPECT_EQ(to_string(flow.visibility), to_string(Visibility::kDecrypted));
  EXPECT_EQ(flow.service, "anthropic-api");
  EXPECT_TRUE(has_code(w.sink.findings));
}

TEST(TunnelsInHttp2, Tls13InATunnelInTls) {
  tls_in_a_tunnel_in_tls(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256");
}

// Needs what the server said: the keys of TLS 1.2 depend on it.
TEST(TunnelsInHttp2, Tls12InATunnelInTls) {
  tls_in_a_tunnel_in_tls(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST(TunnelsInHttp2, WithoutTheInnerKeysTheServiceIsKnown) {
  Watched w;
  w.handshake();
  test::TlsSession inner({.alpn = "h2", .server_name = "api.anthropic.com"});
  ASSERT_TRUE(inner.handshake());
  ASSERT_TRUE(inner.write(Direction::kToServer, post(leak())));
  say(w, true, test::hello() + connect(1, "192.0.2.7:443"));
  say(w, false, test::frame(4, 0, 0) + granted(1));
  for (const test::Flight& flight : inner.flights()) {
    say(w, flight.direction == Direction::kToServer, framed(1, flight.bytes));
  }
  w.close();
  const FlowIdentity flow = w.flow();
  EXPECT_EQ(flow.service, "anthropic-api");
  EXPECT_EQ(to_string(flow.visibility), to_string(Visibility::kMetadata));
  EXPECT_EQ(to_string(flow.visibility_reason), to_string(VisibilityReason::kNoKey));
  EXPECT_GT(counter(w.engine, "engine.unread_tls_bytes"), 1000U);
}

TEST(TunnelsInHttp2, OneTunnelInATunnel) {
  const std::string innermost = test::hello() + connect(1, "c.example:80") +
                                connect(3, "d.example:80") + data(1, post(leak())) +
                                data(3, post(leak()));
  Watched w;
  w.handshake();
  say(w, true, test::hello() + connect(1, "b.example:80") + data(1, innermost));
  w.close();
  (void)w.flow();
  EXPECT_TRUE(has_code(w.sink.findings));
  EXPECT_EQ(counter(w.engine, "engine.tunnels"), 3U);
  EXPECT_EQ(counter(w.engine, "engine.tunnels_too_many"), 1U);
  EXPECT_GE(counter(w.engine, "engine.unread_limit_bytes"), post(leak()).size());
}

}  // namespace
}  // namespace weir::inspect
