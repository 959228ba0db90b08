// The header of a load balancer before a client's bytes (PROXY protocol).
#include "inspect/engine/proxy_header.h"

#include <gtest/gtest.h>

#include "tests/inspect/engine/watched_flow.h"
#include "tests/support/split_check.h"

namespace weir::inspect {
namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string version2(uint8_t command, size_t length) {
  std::string out = kSignature;
  for (const size_t byte : {size_t{command}, size_t{0x11}, length >> 8, length & 0xff}) {
    out.push_back(static_cast<char>(byte));
  }
  return out.append(length, 'x');
}

std::vector<std::string> headers() {
  return {"PROXY TCP4 10.1.1.1 10.2.2.2 40000 443\r\n",
          "PROXY TCP6 ::1 ::2 40000 443\r\n",
          "PROXY UNKNOWN\r\n",
          version2(0x21, 12),
          version2(0x20, 0),
          version2(0x21, 600)};
}

std::string seen(const std::vector<ByteSpan>& chunks) {
  Watched w;
  w.handshake();
  for (const ByteSpan chunk : chunks) w.say(true, chunk);
  w.close();
  const FlowIdentity flow = w.flow();
  std::string out = flow.protocol + ' ' + flow.host + ' ';
  return out + std::to_string(w.engine.counters().requests.get()) + ' ' +
         std::to_string(w.engine.counters().proxy_headers.get()) + ' ' +
         std::to_string(w.engine.counters().raw_bytes.get());
}

TEST(ProxyHeaders, ARequestInTheSameSegmentIsReadHoweverItIsCut) {
  const std::string request =
      "POST / HTTP/1.1\r\nHost: api.anthropic.com\r\nContent-Length: 2\r\n\r\nhi";
  for (const std::string& header : headers()) {
    const std::string all = header + request;
    EXPECT_EQ(seen({as_bytes(all)}), "http api.anthropic.com 1 1 0");
    test::split_check(as_bytes(all), seen, 64);
  }
}

TEST(ProxyHeaders, ATlsHelloInTheSameSegmentIsNamed) {
  test::TlsSession session({.server_name = "api.anthropic.com"});
  ASSERT_TRUE(session.handshake());
  const auto& hello = session.flights().front().bytes;
  for (const std::string& header : headers()) {
    const std::string all = header + std::string(as_chars(hello));
    EXPECT_EQ(seen({as_bytes(all)}), "tls api.anthropic.com 0 1 0");
  }
}

TEST(ProxyHeaders, WhatOnlyLooksLikeOneIsRead) {
  const std::string rest(200, 'z');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"PROXY TCP5 1 2" + rest, "http  1 0 0"},  // a method, as any word
      {kSignature + std::string("\x31\x11\0\x05", 4) + rest, "unknown  0 0 216"},
      {"PROXY" + rest, "unknown  0 0 205"},
      {kSignature.substr(0, 9) + rest, "unknown  0 0 209"}};
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(probe_proxy_header(as_bytes(text)), ProbeAnswer::kNo);
    EXPECT_EQ(seen({as_bytes(text)}), expected);
  }
  for (size_t size = 1; size < 16; ++size) {
    EXPECT_EQ(probe_proxy_header(as_bytes(version2(0x21, 3)).first(size)), ProbeAnswer::kMaybe);
  }
}

TEST(ProxyHeaders, ALineWithoutAnEndIsGivenUp) {
  const std::string line = "PROXY TCP4 " + std::string(1000, '1');
  EXPECT_EQ(probe_proxy_header(as_bytes(line)), ProbeAnswer::kYes);
  ProxyHeader header;
  header.begin();
  EXPECT_EQ(header.skip(as_bytes(line)), 107U);
  EXPECT_FALSE(header.active());
}

TEST(ProxyHeaders, BytesThatAreLostCount) {
  const std::string bytes = version2(0x21, 600) + "GET";
  ProxyHeader header;
  header.begin();
  EXPECT_EQ(header.skip(as_bytes(bytes).first(100)), 100U);
  header.lose(500);
  EXPECT_TRUE(header.active());
  EXPECT_EQ(header.skip(as_bytes(bytes).subspan(600)), 16U);
  EXPECT_FALSE(header.active());
  ProxyHeader other;
  other.begin();
  EXPECT_EQ(other.skip(as_bytes(bytes).first(100)), 100U);
  other.lose(517);
  EXPECT_FALSE(other.active());
}

}  // namespace
}  // namespace weir::inspect
