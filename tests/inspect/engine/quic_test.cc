// QUIC from datagrams to findings: keys in time, late or never, paths that change, connections that
// share ports; and captures of real peers with their keys.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/lab/quic_session.h"
#include "config/settings.h"
#include "inspect/decrypt/key_log.h"
#include "inspect/engine/engine.h"
#include "tests/inspect/engine/engine_run.h"
#include "tests/inspect/engine/sample_snapshot.h"
#include "tests/inspect/identify/quic_maker.h"
#include "tests/support/collecting_sink.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

constexpr Direction kUp = Direction::kToServer;
constexpr Direction kDown = Direction::kToClient;

class QuicEngineTest : public testing::Test {
 protected:
  explicit QuicEngineTest(std::shared_ptr<const Snapshot> snapshot = test::sample_snapshot())
      : engine_(std::move(snapshot), sink_, HashKey{{1, 2}}, nullptr, {&keys_, true}) {}
  void learn(const std::string& key_log) {
    KeyLogCounters counters;
    KeyLogParser parser(keys_, counters);
    parser.feed(as_bytes(key_log), time_);
    parser.finish(time_);
  }
  void send(Direction d, ByteSpan bytes) {
    time_ = time_ + Duration::millis(2);
    DecodedPacket packet;
    packet.time = time_;
    packet.source = d == kUp ? client_ : server_;
    packet.destination = d == kUp ? server_ : client_;
    packet.protocol = static_cast<uint8_t>(IpProtocol::kUdp);
    packet.payload = bytes;
    packet.wire_length = static_cast<uint32_t>(bytes.size() + 42);
    last_ = engine_.on_packet(packet);
  }
  void handshake(lab::QuicSession& session) {
    const auto datagrams = session.handshake();
    for (const auto& datagram : datagrams) send(datagram.direction, datagram.bytes);
  }
  static std::string leaking_body() {
    return "{\"input\":\"" +
           test::json_escape(test::sample_lines("planner/ripeness_model.py", 17, 66)) + "\"}";
  }
  // A request with protected lines. `half`: see send_stream().
  template <typename Half>
  void leak(lab::QuicSession& session, uint64_t stream, Half&& half) {
    lab::HttpRequest request;
    request.host = "api.openai.com";
    request.target = "/v1/responses";
    request.content_type = "application/json";
    request.body = leaking_body();
    send_stream(session, stream, lab::http3_request(request), half);
  }
  // A whole stream in packets of 1,000 bytes. `half`: called in the middle.
  template <typename Half>
  void send_stream(lab::QuicSession& session, uint64_t stream, const lab::Bytes& bytes,
                   Half&& half) {
    bool told = false;
    for (size_t from = 0; from < bytes.size(); from += 1000) {
      if (!told && from * 2 >= bytes.size()) {
        told = true;
        half();
      }
      const size_t size = std::min<size_t>(bytes.size() - from, 1000);
      send(kUp, session.packet(
                    kUp, lab::quic_stream_frame(stream, from, ByteSpan(bytes).subspan(from, size),
                                                from + size == bytes.size())));
    }
  }
  void leak(lab::QuicSession& session, uint64_t stream) {
    leak(session, stream, [] {});
  }
  [[nodiscard]] size_t code_findings() const {
    size_t count = 0;
    for (const Finding& finding : sink_.findings) {
      for (const Evidence& piece : finding.evidence) {
        if (piece.kind != EvidenceKind::kCode) continue;
        EXPECT_EQ(piece.path, "planner/ripeness_model.py");
        EXPECT_EQ(finding.request.path, "/v1/responses");
        EXPECT_EQ(finding.flow.visibility, Visibility::kDecrypted);
        ++count;
        break;
      }
    }
    return count;
  }
  [[nodiscard]] uint64_t counter(std::string_view name) const {
    for (const auto& [known, value] : engine_.all_counters()) {
      if (known == name) return value;
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }

  static lab::QuicPlan plan() {
    lab::QuicPlan out;
    out.host = "api.openai.com";
    return out;
  }

  KeyStore keys_;
  test::CollectingSink sink_;
  Engine engine_;
  lab::LabRandom random_{1};
  Endpoint client_{IpAddress::v4(0x0a000001), 40000};
  Endpoint server_{IpAddress::v4(0xc0a80102), 443};
  Timestamp time_{1'700'000'000'000'000'000};
  Action last_ = Action::kAllow;
};

TEST_F(QuicEngineTest, ALeakOverHttp3IsFoundBeforeItsRequestEnds) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  leak(session, 0);
  EXPECT_NE(last_, Action::kAllow);
  EXPECT_EQ(code_findings(), 1U);
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 1U);
  const FlowRecord& flow = sink_.records[0];
  EXPECT_EQ(flow.flow.protocol, "quic");
  EXPECT_EQ(flow.flow.service, "openai-api");
  EXPECT_EQ(flow.flow.alpn, "h3");
  EXPECT_EQ(flow.flow.visibility, Visibility::kDecrypted);
  EXPECT_EQ(flow.requests, 1U);
}

// What runs in a CONNECT tunnel of HTTP/3 is read like a connection of its own.
TEST_F(QuicEngineTest, ALeakThroughATunnelInHttp3) {
  lab::QuicPlan proxy = plan();
  proxy.host = "proxy.example";
  lab::QuicSession session(random_, proxy);
  handshake(session);
  learn(session.key_log());
  const std::string body = leaking_body();
  const std::string inside =
      "POST /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  lab::Bytes bytes = lab::http3_frame(
      1, lab::qpack_literals({{":method", "CONNECT"}, {":authority", "api.openai.com:80"}}));
  const lab::Bytes content = lab::http3_frame(0, as_bytes(inside));
  bytes.insert(bytes.end(), content.begin(), content.end());
  send_stream(session, 0, bytes, [] {});
  EXPECT_EQ(counter("http3.tunnels"), 1U);
  EXPECT_EQ(counter("engine.tunnels"), 1U);
  EXPECT_EQ(code_findings(), 1U);
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 1U);
  EXPECT_EQ(sink_.records[0].flow.service, "openai-api");
}

// Browsers make them in advance.
TEST_F(QuicEngineTest, AConnectionWithoutRequestsWasSeenInto) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  const lab::Bytes settings = {0, 4, 0};  // a control stream, SETTINGS without any
  send(kUp, session.packet(kUp, lab::quic_stream_frame(2, 0, settings, false)));
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 1U);
  const FlowIdentity& flow = sink_.records[0].flow;
  EXPECT_EQ(flow.sight, "decrypted");
  EXPECT_EQ(flow.visibility, Visibility::kDecrypted);
  EXPECT_EQ(flow.visibility_reason, VisibilityReason::kNoData);
}

TEST_F(QuicEngineTest, KeysThatComeAfterTheRequest) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  leak(session, 0);
  EXPECT_EQ(code_findings(), 0U);
  time_ = time_ + Duration::seconds(2);
  learn(session.key_log());
  engine_.on_time(time_);
  EXPECT_EQ(code_findings(), 1U);
}

TEST_F(QuicEngineTest, WithoutKeysNameFingerprintAndBytesStand) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  leak(session, 0);
  engine_.finish();
  EXPECT_EQ(code_findings(), 0U);
  ASSERT_EQ(sink_.records.size(), 1U);
  const FlowRecord& flow = sink_.records[0];
  EXPECT_EQ(flow.flow.service, "openai-api");
  EXPECT_EQ(flow.flow.host_source, HostSource::kQuicSni);
  EXPECT_EQ(flow.flow.alpn, "h3");
  EXPECT_FALSE(flow.flow.ja4.empty());
  EXPECT_EQ(flow.flow.visibility, Visibility::kMetadata);
  EXPECT_GT(flow.bytes[kUp], 2000U);
  EXPECT_EQ(counter("quic_decrypt.connections_without_key"), 1U);
}

TEST_F(QuicEngineTest, AConnectionIsFollowedToAnotherPort) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  const lab::Bytes next_id{1, 2, 3, 4, 5, 6, 7, 8};
  send(kDown, session.packet(kDown, lab::quic_new_id_frame(1, next_id)));
  leak(session, 0, [&] {
    client_.port = 50000;
    session.use_id(kUp, next_id);
  });
  EXPECT_EQ(code_findings(), 1U);
  EXPECT_NE(last_, Action::kAllow);  // of the new flow, too
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 2U);
  for (const FlowRecord& flow : sink_.records) {
    EXPECT_EQ(flow.flow.service, "openai-api");
    EXPECT_EQ(flow.flow.visibility, Visibility::kDecrypted);
  }
  for (const Finding& finding : sink_.findings) {
    if (finding.evidence.empty()) continue;
    EXPECT_EQ(finding.flow.client.port, 40000);
  }
  EXPECT_EQ(counter("quic_decrypt.paths_joined"), 1U);
}

TEST_F(QuicEngineTest, AConnectionOutlivesTheFlowItBeganIn) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  client_.port = 50000;
  for (int i = 0; i < 100; ++i) {
    time_ = time_ + Duration::seconds(1);
    send(kUp, session.packet(kUp, lab::Bytes{0x01}));
  }
  EXPECT_EQ(sink_.records.size(), 1U);
  leak(session, 0);
  EXPECT_EQ(code_findings(), 1U);
}

TEST_F(QuicEngineTest, ConnectionsBetweenTheSamePorts) {
  lab::QuicPlan other = plan();
  other.host = "api.anthropic.com";
  lab::QuicSession first(random_, plan());
  lab::QuicSession second(random_, other);
  handshake(first);
  learn(first.key_log());
  handshake(second);
  learn(second.key_log());
  leak(second, 0);
  leak(first, 0);
  EXPECT_EQ(code_findings(), 2U);
  EXPECT_EQ(counter("quic_decrypt.connections"), 2U);
  for (int i = 0; i < 8; ++i) {
    lab::QuicSession more(random_, plan());
    handshake(more);
  }
  EXPECT_EQ(counter("quic_decrypt.connections_evicted"), 6U);
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 1U);
  const auto& names = sink_.records[0].flow.names;
  const std::pair<HostSource, std::string> wanted(HostSource::kQuicSni, "api.anthropic.com");
  EXPECT_NE(std::find(names.begin(), names.end(), wanted), names.end());
}

// Ids can be read and chosen by anybody on the way.
TEST_F(QuicEngineTest, AnIdThatAnotherFlowTookFirstTurnsNothingAway) {
  lab::QuicSession session(random_, plan());
  const auto datagrams = session.handshake();
  client_.port = 50001;
  send(kUp, datagrams.front().bytes);
  client_.port = 40000;
  for (const auto& datagram : datagrams) send(datagram.direction, datagram.bytes);
  learn(session.key_log());
  leak(session, 0);
  EXPECT_EQ(code_findings(), 1U);
  EXPECT_EQ(counter("quic_decrypt.paths_joined"), 0U);
  for (const Finding& finding : sink_.findings) {
    if (!finding.evidence.empty()) {
      EXPECT_EQ(finding.flow.client.port, 40000);
    }
  }
}

TEST_F(QuicEngineTest, AFlowThatOnlyNamesAnIdIsNoPathOfItsConnection) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  leak(session, 0);
  client_.port = 50001;
  lab::Bytes forged{0x41};
  forged.insert(forged.end(), session.id(kUp).begin(), session.id(kUp).end());
  forged.resize(200, 0x5a);
  for (int i = 0; i < 3; ++i) send(kUp, forged);
  EXPECT_EQ(last_, Action::kAllow);
  EXPECT_EQ(counter("quic_decrypt.paths_joined"), 0U);
  engine_.finish();
  ASSERT_EQ(sink_.records.size(), 2U);
  for (const FlowRecord& flow : sink_.records) {
    EXPECT_EQ(flow.flow.service, flow.flow.client.port == 40000 ? "openai-api" : "");
  }
}

// No server answers to a small datagram with an Initial: it costs nothing to send many.
TEST_F(QuicEngineTest, ASmallInitialBeginsNoConnection) {
  const lab::Bytes id{1, 2, 3, 4, 5, 6, 7, 8};
  send(kUp, test::initial(lab::kQuicV1, id, 0, lab::Bytes{0x01}, 1199));
  EXPECT_EQ(counter("quic_decrypt.connections"), 0U);
  send(kUp, test::initial(lab::kQuicV1, id, 0, lab::Bytes{0x01}, 1200));
  EXPECT_EQ(counter("quic_decrypt.connections"), 1U);
}

TEST_F(QuicEngineTest, MadeUpConnectionsDoNotDriveOutARealOne) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  send(kUp, session.packet(kUp, lab::Bytes{0x01}));
  for (uint8_t i = 0; i < 20; ++i) {
    const lab::Bytes id{i, 2, 3, 4, 5, 6, 7, 8};
    send(kUp, test::initial(lab::kQuicV1, id, 0, lab::Bytes{0x01}));
  }
  leak(session, 0);
  EXPECT_EQ(code_findings(), 1U);
  EXPECT_EQ(counter("quic_decrypt.connections_evicted"), 17U);
}

// Few connections, and a rule for uploads that cannot be seen into.
class QuicNarrowTest : public QuicEngineTest {
 protected:
  QuicNarrowTest() : QuicEngineTest(narrow()) {}
  static std::shared_ptr<const Snapshot> narrow() {
    auto snapshot = std::make_shared<Snapshot>(*test::sample_snapshot());
    const auto settings = config::parse_settings(
        "policy:\n  - {name: blind, when: {visibility: metadata, one_upload: \">=3KiB\"}, then: "
        "reset, severity: high}\n",
        "test.yaml");
    EXPECT_TRUE(settings) << settings.error().to_string();
    snapshot->policy = Policy(settings->policy);
    snapshot->limits.quic_connections = 4;
    return snapshot;
  }
};

TEST_F(QuicNarrowTest, AConnectionThatEndsWhileItWaitsIsJudged) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  for (int i = 0; i < 4; ++i) send(kUp, session.packet(kUp, lab::Bytes(1000)));
  EXPECT_EQ(last_, Action::kAllow);
  // Four of other flows.
  for (uint8_t i = 0; i < 4; ++i) {
    ++client_.port;
    send(kUp, test::initial(lab::kQuicV1, {i, 2, 3, 4, 5, 6, 7, 8}, 0, {0x01}));
  }
  EXPECT_EQ(counter("quic_decrypt.connections_evicted"), 1U);
  client_.port = 40000;
  send(kUp, session.packet(kUp, lab::Bytes{0x01}));
  EXPECT_EQ(last_, Action::kReset);
}

TEST_F(QuicNarrowTest, TwoThatWaitInOneFlowAreTwo) {
  lab::QuicSession first(random_, plan());
  lab::QuicSession second(random_, plan());
  handshake(first);
  handshake(second);
  learn(second.key_log());
  for (int i = 0; i < 4; ++i) send(kUp, second.packet(kUp, lab::Bytes(1000)));
  EXPECT_EQ(last_, Action::kAllow);  // the first one still waits
  engine_.finish();
  EXPECT_FALSE(sink_.findings.empty());
}

TEST_F(QuicNarrowTest, MadeUpConnectionsOfOtherFlowsDriveOutEachOther) {
  lab::QuicSession session(random_, plan());
  handshake(session);
  learn(session.key_log());
  send(kUp, session.packet(kUp, lab::Bytes{0x01}));
  for (uint8_t i = 0; i < 20; ++i) {
    ++client_.port;
    send(kUp, test::initial(lab::kQuicV1, {i, 2, 3, 4, 5, 6, 7, 8}, 0, {0x01}));
  }
  client_.port = 40000;
  leak(session, 0);
  EXPECT_EQ(code_findings(), 1U);
  EXPECT_EQ(counter("quic_decrypt.connections_evicted"), 17U);
}

struct Expected {
  const char* capture;
  const char* alpn;
  const char* host;
  const char* http_host;
  Visibility visibility;
  uint64_t requests;
};

// tshark with the same keys tells the same requests; quic-33 has none.
TEST(QuicCaptures, RealPeersWithKeys) {
  WEIR_SHARED_OR_SKIP(shared);
  for (const Expected& row :
       {Expected{"ja4/pcap/chrome-cloudflare-quic-with-secrets.pcapng", "h3", "cloudflare-quic.com",
                 "cloudflare-quic.com", Visibility::kDecrypted, 1},
        Expected{"ndpi/tests/cfgs/default/pcap/quic-v2.pcapng", "h3", "test", "test",
                 Visibility::kDecrypted, 3},
        Expected{"ndpi/tests/cfgs/default/pcap/quic-33.pcapng", "h3-33", "", "",
                 Visibility::kDecrypted, 0},
        Expected{"ndpi/tests/cfgs/default/pcap/doq.pcapng", "doq-i00", "", "",
                 Visibility::kDecrypted, 1}}) {
    SCOPED_TRACE(row.capture);
    test::CollectingSink sink;
    ASSERT_TRUE(
        test::run_capture(shared / "captures" / row.capture, test::sample_snapshot(), sink));
    size_t seen = 0;
    for (const FlowRecord& record : sink.records) {
      if (record.flow.protocol != "quic") continue;
      ++seen;
      EXPECT_EQ(record.flow.alpn, row.alpn);
      EXPECT_EQ(record.flow.host, row.host);
      EXPECT_EQ(record.flow.visibility, row.visibility);
      EXPECT_EQ(record.requests, row.requests);
      // The host in the decoded requests, not only in the hello.
      const std::pair<HostSource, std::string> asked{HostSource::kHttp, row.http_host};
      const auto& names = record.flow.names;
      EXPECT_EQ(std::find(names.begin(), names.end(), asked) != names.end(),
                *row.http_host != '\0');
    }
    EXPECT_EQ(seen, 1U);
  }
}

}  // namespace
}  // namespace weir::inspect
