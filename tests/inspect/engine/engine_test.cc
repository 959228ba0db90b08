// The engine from decoded packets to findings and flow records, with the shipped catalogue and
// rules and an index of the sample repository.
#include "inspect/engine/engine.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "tests/inspect/engine/engine_fixture.h"
#include "tests/inspect/engine/sample_snapshot.h"
#include "tests/support/collecting_sink.h"
#include "tests/support/packet_maker.h"

namespace weir::inspect {
namespace {

TEST_F(EngineTest, ReadsClearHttpOnPort443) {
  Talk(engine_)
      .handshake()
      .client(post("api.anthropic.com", message("hello")))
      .server(kAnswer)
      .close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.flow.protocol, "http");
  EXPECT_EQ(flow.flow.host, "api.anthropic.com");
  EXPECT_EQ(flow.flow.host_source, HostSource::kHttp);
  EXPECT_EQ(flow.flow.service, "anthropic-api");
  EXPECT_EQ(flow.flow.visibility, Visibility::kClear);
  EXPECT_EQ(flow.requests, 1U);
  EXPECT_EQ(flow.end, "fin");
  EXPECT_GT(flow.inspected_bytes, 0U);
  EXPECT_TRUE(evidence().empty());
}

TEST_F(EngineTest, FindsProtectedCodeWithItsFileAndLines) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 20, 50);
  Talk talk(engine_);
  talk.handshake().client(post("api.openai.com", message("Please explain:\n" + code)));
  EXPECT_GE(talk.last(), Action::kAllow);
  talk.server(kAnswer).close();
  const auto found = evidence();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, EvidenceKind::kCode);
  EXPECT_EQ(found[0].repository, "orchard");
  EXPECT_EQ(found[0].path, "planner/crew_schedule.cc");
  EXPECT_LE(found[0].first_line, 50U);
  EXPECT_GE(found[0].last_line, 20U);
  EXPECT_GE(found[0].lines, 10U);
  EXPECT_NE(found[0].where.find("messages[0].content"), std::string::npos) << found[0].where;
  bool told = false;
  for (const Finding& finding : sink_.findings) {
    if (finding.evidence.empty()) continue;
    told = true;
    EXPECT_EQ(finding.request.method, "POST");
    EXPECT_EQ(finding.request.path, "/v1/messages");
    EXPECT_EQ(finding.flow.service, "openai-api");
    EXPECT_EQ(finding.action, Action::kDrop);
    EXPECT_EQ(finding.severity, Severity::kCritical);
    EXPECT_EQ(finding.rule, "code leaves");
  }
  EXPECT_TRUE(told);
}

TEST_F(EngineTest, FindsCodeThoughTheServerSideAndTheHandshakeAreMissing) {
  const std::string code = test::sample_lines("tools/bin_tracker.c", 10, 60);
  Talk(engine_).client(post("api.openai.com", message(code)));
  engine_.finish();
  const auto found = evidence();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "tools/bin_tracker.c");
}

TEST_F(EngineTest, ReadsOnAfterAGapInsideABody) {
  const std::string first = test::sample_lines("planner/ripeness_model.py", 1, 40);
  const std::string rest = test::sample_lines("planner/ripeness_model.py", 41, 86);
  const std::string whole = post("api.openai.com", message(first + rest));
  const size_t cut =
      whole.find("crates") == std::string::npos ? whole.size() / 2 : whole.size() / 2;
  Talk talk(engine_);
  talk.handshake().client(whole.substr(0, cut)).lose(100).client(whole.substr(cut + 100)).close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.gap_bytes[Direction::kToServer], 100U);
  const auto found = evidence();
  ASSERT_FALSE(found.empty());
  for (const Evidence& piece : found) EXPECT_EQ(piece.path, "planner/ripeness_model.py");
}

TEST_F(EngineTest, FindsCodeInAStreamOfUnknownProtocol) {
  const std::string code = test::sample_lines("gateway/coldstore.go", 5, 80);
  Talk(engine_, 9999).handshake().client("\x01\x02 frame\n" + code).close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.requests, 0U);
  const auto found = evidence();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "gateway/coldstore.go");
}

// Servers skip line ends before a request line, and take one that comes in pieces.
TEST_F(EngineTest, ReadsARequestBehindLineEndsAndInPieces) {
  std::string blank;
  for (int i = 0; i < 200; ++i) blank += "\r\n";
  Talk(engine_)
      .handshake()
      .client(blank)
      .client("PO")
      .client(post("api.anthropic.com", message("hi")).substr(2))
      .close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.requests, 1U);
  EXPECT_EQ(flow.flow.service, "anthropic-api");
}

TEST_F(EngineTest, ReadsALongConnectLineInPieces) {
  const std::string host = std::string(70, 'x') + ".example";
  Talk(engine_, 3128)
      .handshake()
      .client("CONNECT " + host)
      .client(":443 HTTP/1.1\r\n\r\n")
      .server("HTTP/1.1 200 OK\r\n\r\n")
      .close();
  EXPECT_EQ(only_flow().requests, 1U);
}

TEST_F(EngineTest, FindsTheNextRequestWhenACaptureBeginsInsideABody) {
  const std::string code = test::sample_lines("tools/yield_chart.ts", 10, 70);
  Talk talk(engine_);
  talk.client("ne left of a body\"}]}").server(kAnswer);
  talk.client(post("api.openai.com", message(code))).server(kAnswer).close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.flow.host, "api.openai.com");
  const auto found = evidence();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "tools/yield_chart.ts");
}

TEST_F(EngineTest, CredentialsOfTheRequestItselfAreNoLeak) {
  const std::string secret = test::sample_secret();
  Talk(engine_)
      .handshake()
      .client(post("api.openai.com", message("hello"),
                   "Authorization: Bearer " + secret + "\r\nX-Api-Key: " + secret +
                       "\r\nCookie: s=" + secret + "\r\n"))
      .server(kAnswer)
      .close();
  engine_.finish();
  EXPECT_TRUE(evidence().empty());
}

TEST_F(EngineTest, FindsASecretInABodyAndInAQuery) {
  const std::string secret = test::sample_secret();
  Talk(engine_)
      .handshake()
      .client(post("api.openai.com", message("use " + secret + " here")))
      .close();
  Talk(engine_)
      .endpoints({IpAddress::v4(0x0a000002), 40001}, {IpAddress::v4(0xc0a80102), 443})
      .handshake()
      .client("GET /search?q=" + secret + " HTTP/1.1\r\nHost: api.openai.com\r\n\r\n")
      .close();
  engine_.finish();
  const auto found = evidence();
  ASSERT_EQ(found.size(), 2U);
  for (const Evidence& piece : found) {
    EXPECT_EQ(piece.kind, EvidenceKind::kSecret);
    EXPECT_EQ(piece.excerpt.find(secret), std::string::npos) << "not masked";
  }
}

TEST_F(EngineTest, NamesTlsByItsServerNameAndShuntsIt) {
  Talk talk(engine_);
  talk.handshake().client(test::client_hello("api.cursor.sh"));
  for (int i = 0; i < 100; ++i) {
    talk.client(std::string("\x17\x03\x03\x10\x00", 5) + std::string(4096, 'x'));
  }
  talk.close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.flow.protocol, "tls");
  EXPECT_EQ(flow.flow.host, "api.cursor.sh");
  EXPECT_EQ(flow.flow.host_source, HostSource::kSni);
  EXPECT_EQ(flow.flow.service_class, "coding_agent");
  EXPECT_EQ(flow.flow.visibility, Visibility::kMetadata);
  EXPECT_FALSE(flow.flow.ja4.empty());
  EXPECT_EQ(flow.requests, 0U);
  EXPECT_GT(engine_.counters().unread_tls_bytes.get(), 30'000U);
  ASSERT_EQ(sink_.findings.size(), 1U);
  EXPECT_EQ(sink_.findings[0].rule, "banned agents");
  EXPECT_EQ(flow.action, Action::kDrop);
}

TEST_F(EngineTest, TellsOfABlindUploadOnce) {
  Talk talk(engine_);
  talk.handshake().client(test::client_hello("claude.ai"));
  for (int i = 0; i < 100; ++i) {
    talk.client(std::string("\x17\x03\x03\x40\x00", 5) + std::string(0x4000, 'x'));
  }
  talk.close();
  engine_.finish();
  size_t blind = 0;
  for (const Finding& finding : sink_.findings) blind += finding.rule == "blind upload" ? 1 : 0;
  EXPECT_EQ(blind, 1U);
}

TEST_F(EngineTest, ExchangesClientAndServerWhenContentShowsIt) {
  // Without a handshake the lower port is taken for the server's; here it is the client's.
  const std::string request = post("api.openai.com", message("hi"));
  Talk(engine_)
      .endpoints({IpAddress::v4(0x0a000001), 80}, {IpAddress::v4(0xc0a80102), 40000})
      .client(request);
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.flow.client.port, 80);
  EXPECT_EQ(flow.flow.server.port, 40000);
  EXPECT_EQ(flow.requests, 1U);
  EXPECT_EQ(flow.bytes[Direction::kToServer], request.size());
}

TEST_F(EngineTest, LooksIntoAConnectTunnel) {
  Talk(engine_, 3128)
      .handshake()
      .client("CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n")
      .server("HTTP/1.1 200 Connection established\r\n\r\n")
      .client(test::client_hello("api.anthropic.com"))
      .close();
  const FlowRecord& flow = only_flow();
  EXPECT_TRUE(has_name(flow, HostSource::kHttp, "api.anthropic.com"));
  EXPECT_TRUE(has_name(flow, HostSource::kSni, "api.anthropic.com"));
  EXPECT_EQ(flow.flow.service, "anthropic-api");
  EXPECT_FALSE(flow.flow.ja4.empty());
}

TEST_F(EngineTest, CountsWhatStandsInTlsInsideATunnelAndShuntsIt) {
  Talk talk(engine_, 3128);
  talk.handshake()
      .client("CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n")
      .server("HTTP/1.1 200 Connection established\r\n\r\n")
      .client(test::client_hello("api.anthropic.com"));
  for (int i = 0; i < 100; ++i) {
    talk.client(std::string("\x17\x03\x03\x10\x00", 5) + std::string(4096, 'x'));
  }
  talk.close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.flow.visibility, Visibility::kMetadata) << "nothing of the tunnel was read";
  EXPECT_EQ(engine_.counters().unread_tls_bytes.get(), 100U * 4101);
  EXPECT_GT(engine_.counters().shunted_bytes.get(), 300'000U);
  ASSERT_EQ(flow.counters.size(), 1U);
  EXPECT_EQ(flow.counters[0].first, "unread_bytes");
  EXPECT_EQ(flow.counters[0].second, 100U * 4101);
}

TEST_F(EngineTest, ABlindUploadThroughAProxyIsOne) {
  Talk talk(engine_, 3128);
  talk.handshake()
      .client("CONNECT claude.ai:443 HTTP/1.1\r\nHost: claude.ai:443\r\n\r\n")
      .server("HTTP/1.1 200 Connection established\r\n\r\n")
      .client(test::client_hello("claude.ai"));
  for (int i = 0; i < 100; ++i) {
    talk.client(std::string("\x17\x03\x03\x40\x00", 5) + std::string(0x4000, 'x'));
  }
  talk.close();
  engine_.finish();
  size_t blind = 0;
  for (const Finding& finding : sink_.findings) blind += finding.rule == "blind upload" ? 1 : 0;
  EXPECT_EQ(blind, 1U);
}

TEST_F(EngineTest, TheNameInsideATunnelTellsWhichServiceAnAddressIs) {
  Talk(engine_, 3128)
      .handshake()
      .client("CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n\r\n")
      .server("HTTP/1.1 200 Connection established\r\n\r\n")
      .client(test::client_hello("api.anthropic.com"))
      .close();
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(flow.flow.host, "api.anthropic.com");
  EXPECT_EQ(flow.flow.host_source, HostSource::kSni);
  EXPECT_EQ(flow.flow.service, "anthropic-api");
}

TEST_F(EngineTest, ANameInsideATunnelDoesNotHideWhereTheProxyConnects) {
  Talk(engine_, 3128)
      .handshake()
      .client("CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n")
      .server("HTTP/1.1 200 Connection established\r\n\r\n")
      .client(test::client_hello("www.example.com"))
      .close();
  EXPECT_EQ(only_flow().flow.service, "anthropic-api");
}

TEST_F(EngineTest, FindingsNameTheClientAlsoWhenDirectionsWereExchanged) {
  Talk(engine_)
      .endpoints({IpAddress::v4(0x0a000001), 80}, {IpAddress::v4(0xc0a80102), 40000})
      .client(test::client_hello("api.cursor.sh"));
  engine_.finish();
  ASSERT_EQ(sink_.findings.size(), 1U);
  EXPECT_EQ(sink_.findings[0].flow.client.port, 80);
  EXPECT_EQ(sink_.findings[0].flow.server.port, 40000);
}

TEST_F(EngineTest, WhatIsFoundAtTheEndHasTheTimeOfItsPackets) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 20, 50);
  const std::string whole = post("api.openai.com", message(code));
  Talk talk(engine_);
  talk.handshake().client(whole.substr(0, whole.size() - 2));  // never completed
  engine_.on_time({1'700'000'000'000'000'000 + Duration::seconds(3600).ns});
  ASSERT_FALSE(sink_.findings.empty());
  for (const Finding& finding : sink_.findings) {
    EXPECT_LT(finding.time.ns, 1'700'000'001'000'000'000);
  }
}

TEST_F(EngineTest, OnePacketFromTheFutureDoesNotDateWhatFollows) {
  test::TcpPeer peer;
  DecodedPacket packet;
  packet.time = {4'000'000'000'000'000'000};
  packet.source = {IpAddress::v4(0x0a000009), 1234};
  packet.destination = {IpAddress::v4(0x0a000008), 1235};
  packet.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
  (void)engine_.on_packet(packet);
  Talk(engine_).handshake().client(test::client_hello("api.cursor.sh")).close();
  engine_.finish();
  ASSERT_EQ(sink_.findings.size(), 1U);
  EXPECT_LT(sink_.findings[0].time.ns, 1'700'000'001'000'000'000);
}

TEST_F(EngineTest, ASecretInAPathIsNotShownByTheRequest) {
  const std::string secret = test::sample_secret();
  const std::string path =
      "/v1/some/long/path/to/make/it/worth/reading/" + secret + "/chat/of/mine";
  Talk(engine_).handshake().client("GET " + path + " HTTP/1.1\r\nHost: claude.ai\r\n\r\n").close();
  engine_.finish();
  ASSERT_FALSE(evidence().empty());
  for (const Finding& finding : sink_.findings) {
    EXPECT_EQ(finding.request.path.find(secret), std::string::npos) << finding.request.path;
    if (finding.evidence.empty()) continue;
    EXPECT_TRUE(finding.request.path.starts_with("/v1/some/long")) << finding.request.path;
  }
}

TEST_F(EngineTest, UseOfAServiceNamesTheRequestThatShowedIt) {
  Talk(engine_).handshake().client(post("api.cursor.sh", message("hello"))).close();
  engine_.finish();
  ASSERT_EQ(sink_.findings.size(), 1U);
  EXPECT_EQ(sink_.findings[0].request.method, "POST");
  EXPECT_EQ(sink_.findings[0].request.path, "/v1/messages");
}

TEST_F(EngineTest, TellsWhatTheCodeChannelCounts) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 20, 50);
  Talk(engine_).handshake().client(post("api.openai.com", message(code))).close();
  engine_.finish();
  uint64_t hits = 0;
  for (const auto& [name, value] : engine_.all_counters()) {
    if (name == "detect.code_hits") hits = value;
  }
  EXPECT_GT(hits, 0U);
}

TEST_F(EngineTest, ATlsUploadOfWhichOneSideIsSeenIsCounted) {
  Talk talk(engine_);
  talk.client(test::client_hello("api.cursor.sh"));
  talk.client(std::string("\x17\x03\x03\x10\x00", 5) + std::string(4096, 'x'));
  const FlowRecord& flow = only_flow();
  EXPECT_EQ(engine_.counters().unread_tls_bytes.get(), 4101U);
  ASSERT_EQ(flow.counters.size(), 1U);
  EXPECT_EQ(flow.counters[0].second, 4101U);
}

TEST_F(EngineTest, ReadsFewBytesBeforeAGap) {
  Talk(engine_, 9999).handshake().client("POS").lose(50).client("\x01\x02 frame").close();
  engine_.finish();
  EXPECT_EQ(engine_.counters().raw_bytes.get(), 11U);
  EXPECT_EQ(engine_.counters().tcp_upload_bytes.get(), 11U);
}

TEST_F(EngineTest, ReadsABodyWhoseBeginningWasLost) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 1, 60);
  const std::string whole = post("api.openai.com", message(code));
  const size_t head = whole.find("\r\n\r\n") + 4;
  Talk talk(engine_);
  talk.handshake().client(whole.substr(0, head)).lose(40).client(whole.substr(head + 40)).close();
  engine_.finish();
  ASSERT_EQ(evidence().size(), 1U);
  EXPECT_EQ(evidence()[0].path, "planner/crew_schedule.cc");
}

TEST_F(EngineTest, FindsTlsAfterStarttls) {
  Talk(engine_, 25)
      .handshake()
      .server("220 mail ESMTP\r\n")
      .client("EHLO a\r\n")
      .server("250 STARTTLS\r\n")
      .client("STARTTLS\r\n")
      .server("220 go\r\n")
      .client(test::client_hello("mail.example"))
      .close();
  EXPECT_TRUE(has_name(only_flow(), HostSource::kSni, "mail.example"));
}

TEST_F(EngineTest, NamesAConnectionByTheDnsAnswerItsClientSaw) {
  test::TcpPeer peer;
  const std::string answer = test::dns_answer("api.deepseek.com", peer.server.ip);
  DecodedPacket packet;
  packet.time = {1'700'000'000'000'000'000};
  packet.source = {IpAddress::v4(0x08080808), 53};
  packet.destination = {peer.client.ip, 33333};
  packet.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
  packet.payload = as_bytes(answer);
  (void)engine_.on_packet(packet);
  Talk(engine_).handshake().client(std::string("\x17\x03\x03\x00\x10", 5) + std::string(16, 'x'));
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 2U);
  EXPECT_EQ(sink_.records[0].flow.protocol, "dns");
  EXPECT_EQ(sink_.records[0].flow.host, "api.deepseek.com");
  EXPECT_TRUE(sink_.records[0].flow.service.empty()) << "a question is no use of a service";
  EXPECT_EQ(sink_.records[1].flow.host, "api.deepseek.com");
  EXPECT_EQ(sink_.records[1].flow.host_source, HostSource::kDns);
  EXPECT_FALSE(sink_.records[1].flow.service.empty());
}

TEST_F(EngineTest, PolicySeesEvidenceBeforeTheRequestIsComplete) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 1, 102);
  std::string body = message(code + std::string(60'000, ' '));
  const std::string whole = post("api.openai.com", body);
  Talk talk(engine_);
  talk.handshake().client(whole.substr(0, whole.size() - 10));
  EXPECT_EQ(talk.last(), Action::kDrop);
}

TEST_F(EngineTest, AFlowKeepsTheSnapshotItBeganWith) {
  const std::string leak = message(test::sample_lines("planner/crew_schedule.cc", 20, 60));
  Talk old(engine_);
  old.handshake().client("POST /v1/messages HTTP/1.1\r\nHost: api.openai.com\r\n");

  // The next generation protects nothing and only tells who is used.
  auto next = std::make_shared<Snapshot>(*test::sample_snapshot());
  next->detectors = std::make_shared<DetectorSet>();
  config::PolicyRule use;
  use.name = "use";
  next->policy = Policy({use});
  next->generation = 2;
  std::weak_ptr<const DetectorSet> detectors = next->detectors;
  engine_.set_snapshot(next);
  next.reset();
  EXPECT_EQ(engine_.flows_on_older_snapshots(), 1U);
  Talk fresh(engine_);
  fresh.endpoints({IpAddress::v4(0x0a000002), 40001}, {IpAddress::v4(0xc0a80102), 443});
  fresh.handshake().client(post("api.openai.com", leak)).server(kAnswer);
  EXPECT_TRUE(evidence().empty());
  ASSERT_EQ(sink_.findings.size(), 1U);
  EXPECT_EQ(sink_.findings[0].rule, "use");
  EXPECT_EQ(sink_.findings[0].generation, 2U);

  old.client("Content-Length: " + std::to_string(leak.size()) + "\r\n\r\n" + leak).server(kAnswer);
  EXPECT_EQ(evidence().size(), 1U);
  EXPECT_EQ(sink_.findings.back().generation, 1U);
  EXPECT_EQ(sink_.findings.back().evidence[0].path, "planner/crew_schedule.cc");

  // A generation goes with the last flow that began with it.
  auto last = std::make_shared<Snapshot>(*test::sample_snapshot());
  last->generation = 3;
  engine_.set_snapshot(last);
  EXPECT_EQ(engine_.flows_on_older_snapshots(), 2U);
  EXPECT_FALSE(detectors.expired());
  fresh.close();
  old.close();
  engine_.on_time({1'700'000'100'000'000'000});
  EXPECT_EQ(engine_.flows_on_older_snapshots(), 0U);
  EXPECT_EQ(engine_.active_flows(), 0U);
  EXPECT_TRUE(detectors.expired());
}

TEST_F(EngineTest, WhatWasFoundDoesNotDependOnSegments) {
  const std::string code = test::sample_lines("planner/crew_schedule.cc", 20, 80);
  const std::string whole = post("api.openai.com", message(code));
  std::string reference;
  for (const size_t segment : {size_t{1}, size_t{7}, size_t{100}, size_t{1400}, size_t{65000}}) {
    test::CollectingSink sink;
    Engine engine(test::sample_snapshot(), sink, HashKey{{1, 2}});
    const test::TcpPeer peer;
    uint32_t seq = 1;
    for (size_t at = 0; at < whole.size(); at += segment) {
      const auto part = as_bytes(std::string_view(whole).substr(at, segment));
      (void)engine.on_packet(peer.packet(true, seq, 1, {.ack = true}, part, {1}));
      seq += static_cast<uint32_t>(part.size());
    }
    engine.finish();
    std::ostringstream got;
    for (const Finding& finding : sink.findings) {
      for (const Evidence& e : finding.evidence) {
        got << e.path << ' ' << e.first_line << ' ' << e.last_line << ' ' << e.lines << ' '
            << e.score << ' ' << e.where << ' ' << e.offset << '\n';
      }
    }
    EXPECT_FALSE(got.str().empty());
    if (reference.empty()) reference = got.str();
    EXPECT_EQ(got.str(), reference) << "segments of " << segment;
  }
}

}  // namespace
}  // namespace weir::inspect
