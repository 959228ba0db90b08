// However many workers there are, the same is found in the same order.
#include "app/runtime/worker_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/settings.h"
#include "core/bytes.h"
#include "signatures/catalogue.h"
#include "tests/support/collecting_sink.h"
#include "tests/support/packet_maker.h"

namespace weir::app {
namespace {

// Catalogue and policy; no rules and no index.
std::shared_ptr<const inspect::Snapshot> snapshot() {
  static const auto made = [] {
    auto out = std::make_shared<inspect::Snapshot>();
    out->catalogue = *signatures::Catalogue::load(std::string(WEIR_SOURCE_DIR) + "/signatures", {});
    out->detectors = std::make_shared<inspect::DetectorSet>();
    out->policy = inspect::Policy(config::default_policy());
    return std::shared_ptr<const inspect::Snapshot>(out);
  }();
  return made;
}

const std::string kRequest =
    "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nUser-Agent: claude-cli/2.1.0\r\n"
    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

struct Sent {
  test::TcpPeer peer;
  bool to_server;
  uint32_t seq;
  TcpFlags flags;
  std::string_view payload;
  Timestamp time;
};

// `clients` sessions with a coding agent, packet by packet in turn; all packets of a turn have the
// same time.
std::vector<Sent> sessions(uint32_t clients) {
  std::vector<Sent> out;
  const auto turn = [&](int64_t second, bool to_server, uint32_t seq, TcpFlags flags,
                        std::string_view payload) {
    for (uint32_t i = 0; i < clients; ++i) {
      test::TcpPeer peer;
      peer.client = {IpAddress::v4(0x0a000001 + (i * 7919) % 4096), 40000};
      peer.server = {IpAddress::v4(0xc6120001), 443};
      out.push_back({peer, to_server, seq, flags, payload, Timestamp{second * 1'000'000'000}});
    }
  };
  turn(100, true, 0, {.syn = true}, {});
  turn(100, false, 0, {.syn = true, .ack = true}, {});
  turn(100, true, 1, {.psh = true, .ack = true}, kRequest);
  return out;
}

struct Outcome {
  std::vector<std::string> findings;
  std::vector<std::string> records;
  inspect::CounterList counters;
};

Outcome run(const std::vector<Sent>& packets, size_t workers) {
  test::CollectingSink sink;
  WorkerPool pool(snapshot(), workers, sink);
  EXPECT_EQ(pool.workers(), workers);
  for (const Sent& p : packets) {
    pool.on_packet(p.peer.packet(p.to_server, p.seq, 1, p.flags, as_bytes(p.payload), p.time));
  }
  pool.finish();
  Outcome out;
  for (const Finding& finding : sink.findings) {
    out.findings.push_back(finding.flow.client.ip.to_string() + " " + finding.rule);
  }
  for (const FlowRecord& record : sink.records) {
    out.records.push_back(record.flow.client.ip.to_string() + " " + record.end);
  }
  out.counters = pool.counters();
  return out;
}

TEST(WorkerPool, FindingsOfTheSameMomentKeepTheOrderOfPackets) {
  const std::vector<Sent> packets = sessions(64);
  const Outcome one = run(packets, 1);
  EXPECT_EQ(one.findings.size(), 64U);
  EXPECT_EQ(one.records.size(), 64U);
  for (const size_t workers : {2U, 5U}) {
    const Outcome many = run(packets, workers);
    EXPECT_EQ(many.findings, one.findings) << workers;
    for (size_t i = 0; i < one.counters.size(); ++i) {
      if (one.counters[i].first == "flow.active_peak") continue;
      EXPECT_EQ(many.counters[i], one.counters[i]) << workers;
    }
  }
}

// More than a round of packets: batches are handed over while the next is filled.
TEST(WorkerPool, ManyRoundsLoseNothing) {
  std::vector<Sent> packets = sessions(64);
  for (int i = 0; i < 40'000; ++i) {
    Sent again = packets[128 + static_cast<size_t>(i) % 64];  // retransmissions
    again.time.ns += i;
    packets.push_back(again);
  }
  const Outcome one = run(packets, 1);
  const Outcome three = run(packets, 3);
  EXPECT_EQ(three.findings, one.findings);
  EXPECT_EQ(three.records.size(), one.records.size());
  EXPECT_EQ(three.counters.front().second, packets.size());
}

// A flow that lies idle ends by that also where its worker gets no more packets.
TEST(WorkerPool, FlowsTimeOutByTheTimeOfAllPackets) {
  std::vector<Sent> packets = sessions(8);
  Sent last = packets.back();
  last.peer.client.ip = IpAddress::v4(0x0a00ffff);
  last.seq = 0;
  last.flags = {.syn = true};
  last.payload = {};
  last.time.ns += 3'600'000'000'000;
  packets.push_back(last);
  for (const size_t workers : {1U, 4U}) {
    size_t timed_out = 0;
    for (const std::string& record : run(packets, workers).records) {
      timed_out += record.ends_with(" timeout") ? 1 : 0;
    }
    EXPECT_EQ(timed_out, 8U) << workers;
  }
}

TEST(WorkerPool, BothDirectionsAndDnsOfAClientMeetOneWorker) {
  test::TcpPeer peer;
  for (uint32_t i = 0; i < 200; ++i) {
    peer.client = {IpAddress::v4(0x0a000001 + i * 31), static_cast<uint16_t>(1024 + i)};
    peer.server = {IpAddress::v4(0xc6120001 + i), 443};
    const size_t worker = worker_of(peer.packet(true, 0, 0, {}, {}, {}), 7);
    EXPECT_LT(worker, 7U);
    EXPECT_EQ(worker_of(peer.packet(false, 0, 0, {}, {}, {}), 7), worker);
    peer.server = {IpAddress::v4(0x0a0000fe), 53};  // a resolver inside, too
    EXPECT_EQ(worker_of(peer.packet(true, 0, 0, {}, {}, {}), 7), worker);
    EXPECT_EQ(worker_of(peer.packet(false, 0, 0, {}, {}, {}), 7), worker);
  }
}

}  // namespace
}  // namespace weir::app
