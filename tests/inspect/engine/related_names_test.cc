// Which names belong together, and what the engine says of names that do not.
#include "inspect/engine/related_names.h"

#include <gtest/gtest.h>

#include "inspect/decrypt/key_log.h"
#include "inspect/engine/engine.h"
#include "inspect/engine/flow_dossier.h"
#include "tests/inspect/decrypt/tls_session.h"
#include "tests/inspect/engine/sample_snapshot.h"
#include "tests/support/collecting_sink.h"
#include "tests/support/packet_maker.h"

namespace weir::inspect {
namespace {

TEST(RelatedNames, RegisteredDomain) {
  EXPECT_EQ(registered_domain("api.example.com"), "example.com");
  EXPECT_EQ(registered_domain("example.com"), "example.com");
  EXPECT_EQ(registered_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(registered_domain("example.co.uk"), "example.co.uk");
  EXPECT_EQ(registered_domain("x.co.example"), "co.example");
  EXPECT_EQ(registered_domain("a.d111.cloudfront.net"), "d111.cloudfront.net");
  EXPECT_EQ(registered_domain("localhost"), "localhost");
  EXPECT_EQ(registered_domain(""), "");
  EXPECT_EQ(registered_domain("."), ".");
  EXPECT_EQ(registered_domain("a."), "a.");
}

TEST(RelatedNames, CertificateCovers) {
  EXPECT_TRUE(certificate_covers("a.example", "a.example"));
  EXPECT_TRUE(certificate_covers("*.example.com", "api.example.com"));
  EXPECT_FALSE(certificate_covers("*.example.com", "a.api.example.com"));
  EXPECT_FALSE(certificate_covers("*.example.com", "example.com"));
  EXPECT_FALSE(certificate_covers("*.example.com", ".example.com"));
  EXPECT_TRUE(certificate_covers(std::vector<std::string>{"x", "*.y.z"}, "a.y.z"));
  EXPECT_FALSE(certificate_covers(std::vector<std::string>{}, "a"));
}

class Conflicts : public testing::Test {
 protected:
  Conflicts() : engine(test::sample_snapshot(), sink, HashKey{{1, 2}}) { peer.server.port = 443; }
  void handshake() {
    send(true, {.syn = true}, {});
    send(false, {.syn = true, .ack = true}, {});
    send(true, {.ack = true}, {});
  }
  void say(bool to_server, std::string_view text) {
    send(to_server, {.psh = true, .ack = true}, as_bytes(text));
  }
  void send(bool to_server, TcpFlags flags, ByteSpan payload) {
    now.ns += 1'000'000;
    uint32_t& seq = sequence[to_server ? 0 : 1];
    (void)engine.on_packet(
        peer.packet(to_server, seq, sequence[to_server ? 1 : 0], flags, payload, now));
    seq += static_cast<uint32_t>(payload.size()) + (flags.syn ? 1 : 0);
  }
  void answer_dns(std::string_view name) {
    test::TcpPeer resolver;
    resolver.client = peer.client;
    resolver.server.port = 53;
    const std::string answer = test::dns_answer(name, peer.server.ip);
    DecodedPacket packet = resolver.packet(false, 0, 0, {}, as_bytes(answer), now);
    packet.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
    (void)engine.on_packet(packet);
  }
  std::vector<Evidence> anomalies() {
    engine.finish();
    std::vector<Evidence> out;
    for (const Finding& finding : sink.findings) {
      for (const Evidence& e : finding.evidence) {
        if (e.kind == EvidenceKind::kAnomaly) out.push_back(e);
      }
    }
    return out;
  }
  static std::string get(const std::string& host) {
    return "GET /v1/models HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  }

  test::CollectingSink sink;
  Engine engine;
  test::TcpPeer peer;
  Timestamp now{1'700'000'000'000'000'000};
  uint32_t sequence[2] = {1000, 9000};
};

TEST_F(Conflicts, AProxyIsAskedForOneHostAndAnotherIsGreetedInside) {
  handshake();
  say(true, "CONNECT www.weather.example:443 HTTP/1.1\r\nHost: www.weather.example:443\r\n\r\n");
  say(false, "HTTP/1.1 200 OK\r\n\r\n");
  say(true, test::client_hello("api.anthropic.com"));
  const std::vector<Evidence> found = anomalies();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rule, "connect_mismatch");
  EXPECT_EQ(found[0].detail, "CONNECT: www.weather.example, asked for: api.anthropic.com");
  EXPECT_EQ(sink.findings.back().flow.service, "anthropic-api");
}

TEST_F(Conflicts, AProxyThatIsAskedForTheSameHostOrItsAddressSaysNothing) {
  handshake();
  say(true, "CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n");
  say(false, "HTTP/1.1 200 OK\r\n\r\n");
  say(true, test::client_hello("api.anthropic.com"));
  EXPECT_TRUE(anomalies().empty());
}

TEST_F(Conflicts, ARequestInClearForAnotherHostThanDnsNamed) {
  answer_dns("www.weather.example");
  handshake();
  say(true, get("api.anthropic.com") + get("api.anthropic.com") + get("www.weather.example"));
  const std::vector<Evidence> found = anomalies();
  ASSERT_EQ(found.size(), 1U);  // once, though asked twice
  EXPECT_EQ(found[0].rule, "host_not_in_dns");
  EXPECT_LT(found[0].score, 0.7);  // addresses are shared by many names
}

TEST_F(Conflicts, NamesOfOneVendorAndNamesOfNoServiceSayNothing) {
  answer_dns("www.weather.example");
  handshake();
  say(true, get("www.news.example") + get("mirror.news.example"));
  EXPECT_TRUE(anomalies().empty());
}

TEST(FlowDossier, ManyNamesDoNotHideTheOneInTheHello) {
  test::CollectingSink sink;
  const Limits limits;
  EngineCommon common(limits, sink, HashKey{{1, 2}});
  EngineServices services(test::sample_snapshot(), common);
  FlowDossier dossier(services, {}, {}, static_cast<uint8_t>(IpProtocol::kTcp), 0);
  for (int i = 0; i < 20; ++i) {
    dossier.learn_name(HostSource::kCertificate, "n" + std::to_string(i) + ".weather.example");
  }
  EXPECT_EQ(common.counters.names_dropped.get(), 4U);
  dossier.learn_name(HostSource::kSni, "www.weather.example");
  EXPECT_EQ(common.counters.names_dropped.get(), 5U);
  dossier.check_host("www.weather.example", true);
  EXPECT_TRUE(sink.findings.empty());
  for (int i = 0; i < 12; ++i) {
    dossier.check_host("n" + std::to_string(i) + ".anthropic.com", true);
  }
  dossier.check_host("n0.anthropic.com", true);
  ASSERT_EQ(sink.findings.size(), 8U);
  EXPECT_EQ(sink.findings[0].evidence.at(0).detail,
            "SNI: www.weather.example, asked for: n0.anthropic.com");
  EXPECT_EQ(common.counters.conflicts_dropped.get(), 4U);
}

// On a new path the connection's hello is still the one that was seen on the old one.
TEST(FlowDossier, WhatTheHelloNamedGoesAlongWithTheConnection) {
  test::CollectingSink sink;
  const Limits limits;
  EngineCommon common(limits, sink, HashKey{{1, 2}});
  EngineServices services(test::sample_snapshot(), common);
  FlowDossier one(services, {}, {}, static_cast<uint8_t>(IpProtocol::kUdp), 0);
  one.learn_name(HostSource::kQuicSni, "www.weather.example");
  one.learn_certificate({"api.anthropic.com"});
  FlowDossier two(services, {}, {}, static_cast<uint8_t>(IpProtocol::kUdp), 0);
  two.continue_from(one);
  two.check_host("api.anthropic.com", true);
  EXPECT_TRUE(sink.findings.empty()) << "the certificate covers it";
  two.check_host("claude.ai", true);
  EXPECT_EQ(sink.findings.size(), 1U);
}

// What the TLS hello names, what the certificate is for, and what is asked for.
std::vector<Evidence> asked_inside(const std::string& sni, const std::string& host,
                                   bool resumed = false) {
  test::TlsChoice choice;
  choice.server_name = sni.c_str();
  test::TlsSession first(choice);
  EXPECT_TRUE(first.handshake());
  std::unique_ptr<test::TlsSession> second;
  if (resumed) {
    second = std::make_unique<test::TlsSession>(choice, first);
    EXPECT_TRUE(second->handshake());
    EXPECT_TRUE(second->resumed());
  }
  test::TlsSession& session = resumed ? *second : first;
  EXPECT_TRUE(
      session.write(Direction::kToServer, "GET /v1/models HTTP/1.1\r\nHost: " + host + "\r\n\r\n"));
  KeyStore store;
  KeyLogCounters counters;
  KeyLogParser parser(store, counters);
  parser.feed(as_bytes(session.key_log()), {1});
  parser.finish({1});
  test::CollectingSink sink;
  KeyAccess keys;
  keys.store = &store;
  Engine engine(test::sample_snapshot(), sink, HashKey{{1, 2}}, nullptr, keys);
  test::TcpPeer peer;
  Timestamp now{1'700'000'000'000'000'000};
  uint32_t sequence[2] = {1, 1};
  for (const test::Flight& flight : session.flights()) {
    const bool up = flight.direction == Direction::kToServer;
    now.ns += 1000;
    (void)engine.on_packet(peer.packet(up, sequence[up ? 0 : 1], sequence[up ? 1 : 0],
                                       {.ack = true}, flight.bytes, now));
    sequence[up ? 0 : 1] += static_cast<uint32_t>(flight.bytes.size());
  }
  engine.finish();
  std::vector<Evidence> out;
  for (const Finding& finding : sink.findings) {
    for (const Evidence& e : finding.evidence) {
      if (e.kind == EvidenceKind::kAnomaly) out.push_back(e);
    }
  }
  EXPECT_EQ(sink.records.at(0).flow.visibility, Visibility::kDecrypted);
  return out;
}

TEST(DomainFronting, TheHelloNamesOneHostAndTheRequestAnother) {
  const std::vector<Evidence> found = asked_inside("cdn.weather.example", "api.anthropic.com");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rule, "domain_fronting");
  EXPECT_EQ(found[0].score, 0.9);  // the certificate was seen, and is for neither
  EXPECT_EQ(found[0].detail, "SNI: cdn.weather.example, asked for: api.anthropic.com");
}

TEST(DomainFronting, WithoutACertificateItIsSaidWithLessCertainty) {
  const std::vector<Evidence> found =
      asked_inside("cdn.weather.example", "api.anthropic.com", true);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].score, 0.4);
}

TEST(DomainFronting, WhatBelongsTogetherSaysNothing) {
  EXPECT_TRUE(asked_inside("api.anthropic.com", "api.anthropic.com:443").empty());
  EXPECT_TRUE(asked_inside("www.anthropic.com", "api.anthropic.com").empty());  // one domain
  EXPECT_TRUE(asked_inside("claude.ai", "api.anthropic.com").empty());          // one vendor
  EXPECT_TRUE(asked_inside("a.weather.example", "b.news.example").empty());     // no AI service
  // A connection that serves several names of one certificate, as HTTP/2 allows.
  EXPECT_TRUE(asked_inside("api.anthropic.com", "test.example").empty());
}

}  // namespace
}  // namespace weir::inspect
