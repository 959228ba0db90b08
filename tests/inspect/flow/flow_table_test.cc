#include "inspect/flow/flow_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/support/packet_maker.h"

namespace weir::inspect {
namespace {

struct Probe {
  static inline int alive = 0;
  int packets = 0;
  Probe() { ++alive; }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() { --alive; }
};

constexpr HashKey kKey{{1, 2}};
constexpr TcpFlags kSyn{.syn = true};
constexpr TcpFlags kSynAck{.syn = true, .ack = true};
constexpr TcpFlags kAck{.ack = true};

Timestamp at(double seconds) { return {static_cast<int64_t>(seconds * 1e9)}; }

class FlowTableTest : public ::testing::Test {
 protected:
  using Table = FlowTable<Probe>;
  void reset(size_t flows) {
    Limits limits;
    limits.flows = flows;
    table = std::make_unique<Table>(limits, kKey);
  }
  void SetUp() override { reset(100); }
  void TearDown() override {
    table.reset();
    EXPECT_EQ(Probe::alive, 0);
  }
  Table::Found see(const DecodedPacket& packet) {
    const auto found = table->find_or_create(packet, on_end());
    ++found.entry->state.packets;
    return found;
  }
  Table::Found tcp(uint16_t port, bool to_server, TcpFlags flags, double time, uint32_t seq = 1,
                   uint32_t ack = 1) {
    peer.client.port = port;
    return see(peer.packet(to_server, seq, ack, flags, {}, at(time)));
  }
  Table::Found udp(Endpoint from, Endpoint to, double time) {
    DecodedPacket packet;
    packet.source = from;
    packet.destination = to;
    packet.protocol = 17;
    packet.time = at(time);
    return see(packet);
  }
  struct Record {
    FlowTableTest* test;
    void operator()(Table::Entry& entry, FlowEnd end) const noexcept {
      test->ended +=
          std::to_string(entry.client.port == 443 ? entry.server.port : entry.client.port) + ":" +
          std::string(to_string(end)) + " ";
    }
  };
  Record on_end() { return {this}; }
  size_t expire(double time, size_t budget = 1000) {
    return table->expire(at(time), on_end(), budget);
  }

  test::TcpPeer peer;
  std::unique_ptr<Table> table;
  std::string ended;
};

TEST_F(FlowTableTest, BothWaysAreOneFlow) {
  const auto first = tcp(40000, true, kSyn, 1);
  const auto second = tcp(40000, false, kSynAck, 2);
  EXPECT_TRUE(first.created);
  EXPECT_FALSE(second.created);
  EXPECT_EQ(first.entry, second.entry);
  EXPECT_EQ(first.direction, Direction::kToServer);
  EXPECT_EQ(second.direction, Direction::kToClient);
  EXPECT_EQ(first.entry->state.packets, 2);
  EXPECT_EQ(first.entry->client.port, 40000);
  EXPECT_EQ(first.entry->first, at(1));
  EXPECT_EQ(first.entry->last, at(2));
}

TEST_F(FlowTableTest, OtherEncapsulationIsAnotherFlow) {
  auto packet = peer.packet(true, 1, 1, kAck, {}, at(1));
  see(packet);
  packet.encapsulation = 7;
  EXPECT_TRUE(see(packet).created);
}

TEST_F(FlowTableTest, GuessesTheClient) {
  // The receiver of a SYN-ACK, even with the lower port.
  EXPECT_EQ(tcp(80, false, kSynAck, 1).direction, Direction::kToClient);
  // Port 443 against 40000, seen from the server first.
  EXPECT_EQ(tcp(40000, false, kAck, 1).entry->client.port, 40000);
  const Endpoint host{IpAddress::v4(0x0a000001), 5353};
  const Endpoint other{IpAddress::v4(0x0a000002), 5353};
  EXPECT_EQ(udp(other, host, 1).entry->client, other);
  const Endpoint dns{IpAddress::v4(0x0a000003), 53};
  EXPECT_EQ(udp(dns, host, 1).entry->server, dns);
}

TEST_F(FlowTableTest, FlipExchangesTheSides) {
  const auto found = tcp(40000, true, kAck, 1);
  table->flip(*found.entry);
  EXPECT_EQ(found.entry->server.port, 40000);
  EXPECT_EQ(tcp(40000, true, kAck, 2).direction, Direction::kToClient);
  EXPECT_EQ(tcp(40000, false, kAck, 2).direction, Direction::kToServer);
  EXPECT_EQ(table->counters().flipped.get(), 1U);
}

TEST_F(FlowTableTest, SamePortsOnOneHostAreFollowed) {
  peer.server = peer.client;  // the "land" packet
  const auto found = see(peer.packet(true, 1, 1, kSyn, {}, at(1)));
  EXPECT_EQ(found.direction, Direction::kToServer);
  EXPECT_FALSE(see(peer.packet(false, 1, 1, kAck, {}, at(1))).created);
}

TEST_F(FlowTableTest, LifetimesExpireOneByOne) {
  const Endpoint host{IpAddress::v4(0x0a000001), 5000};
  const Endpoint dns{IpAddress::v4(0x0a000003), 53};
  udp(host, dns, 0);
  tcp(1001, true, kSyn, 0);
  tcp(1002, true, kSyn, 0);
  tcp(1002, true, kAck, 0);
  table->set_lifetime(*tcp(1003, true, kAck, 0).entry, Lifetime::kTcpClosing, FlowEnd::kRst);
  EXPECT_EQ(expire(10), 0U);
  expire(10.1);
  EXPECT_EQ(ended, "1003:rst ");
  expire(30.1);
  EXPECT_EQ(ended, "1003:rst 1001:timeout ");
  expire(60.1);
  EXPECT_EQ(ended, "1003:rst 1001:timeout 5000:timeout ");
  expire(300);
  EXPECT_EQ(table->active(), 1U);
  expire(300.1);
  EXPECT_EQ(table->active(), 0U);
  EXPECT_EQ(table->counters().ended_timeout.get(), 3U);
  EXPECT_EQ(table->counters().ended_rst.get(), 1U);
}

TEST_F(FlowTableTest, ActivityDefersExpiryAndTheBudgetHolds) {
  for (uint16_t port = 1; port <= 10; ++port) tcp(port, true, kAck, 0);
  tcp(3, true, kAck, 200);
  EXPECT_EQ(expire(301, 4), 4U);
  EXPECT_EQ(expire(301, 100), 5U);
  EXPECT_EQ(ended,
            "1:timeout 2:timeout 4:timeout 5:timeout 6:timeout 7:timeout 8:timeout 9:timeout "
            "10:timeout ");
}

TEST_F(FlowTableTest, TheIdlestIsEvictedWhenFull) {
  reset(4);
  for (uint16_t port = 1; port <= 4; ++port) tcp(port, true, kAck, port);
  tcp(1, true, kAck, 10);
  tcp(5, true, kAck, 11);
  EXPECT_EQ(ended, "2:evicted ");
  EXPECT_EQ(table->active(), 4U);
  EXPECT_EQ(table->counters().active_peak.get(), 4U);
}

TEST_F(FlowTableTest, AFloodOfSynsEvictsItself) {
  reset(10);
  for (uint16_t port = 1; port <= 4; ++port) tcp(port, true, kAck, 0);
  for (uint16_t port = 1000; port < 2000; ++port) tcp(port, true, kSyn, 1);
  for (uint16_t port = 1; port <= 4; ++port) EXPECT_FALSE(tcp(port, true, kAck, 2).created);
  EXPECT_EQ(table->counters().evicted_opening.get(), 994U);
}

TEST_F(FlowTableTest, SynAfterCloseBeginsAnew) {
  const auto old = tcp(40000, true, kSyn, 0, 100);
  table->set_lifetime(*old.entry, Lifetime::kTcpClosing, FlowEnd::kFin);
  EXPECT_FALSE(tcp(40000, true, kSyn, 1, 100).created) << "a late duplicate";
  EXPECT_FALSE(tcp(40000, false, kAck, 1).created);
  EXPECT_TRUE(tcp(40000, true, kSyn, 2, 5000).created);
  EXPECT_EQ(ended, "40000:fin ");
  EXPECT_EQ(table->counters().tuple_reused.get(), 1U);
}

TEST_F(FlowTableTest, SynInAnOpenConnectionNeedsItsAnswer) {
  tcp(40000, true, kSyn, 0, 100);
  tcp(40000, false, kSynAck, 0, 900, 101);
  tcp(40000, true, kAck, 0, 101, 901);
  EXPECT_FALSE(tcp(40000, true, kSyn, 1, 7000).created);
  EXPECT_FALSE(tcp(40000, false, kSynAck, 1, 900, 101).created) << "a duplicate of the first";
  EXPECT_FALSE(tcp(40000, true, kAck, 1, 101, 901).created);
  const auto anew = tcp(40000, false, kSynAck, 2, 900, 7001);
  EXPECT_TRUE(anew.created);
  EXPECT_EQ(anew.direction, Direction::kToClient);
}

TEST_F(FlowTableTest, SynAfterLongSilenceBeginsAnew) {
  tcp(40000, true, kAck, 0, 100);
  EXPECT_TRUE(tcp(40000, true, kSyn, 31, 7000).created);
  EXPECT_EQ(ended, "40000:timeout ");
}

TEST_F(FlowTableTest, TimeThatJumpsBreaksNothing) {
  tcp(1, true, kAck, 1000);
  tcp(2, true, kAck, 999);  // late, within a minute: no step
  EXPECT_EQ(table->counters().clock_stepped_back.get(), 0U);
  tcp(3, true, kAck, 10);  // another capture file
  EXPECT_EQ(table->counters().clock_stepped_back.get(), 1U);
  EXPECT_EQ(expire(309), 0U);
  EXPECT_EQ(expire(311), 3U);
  tcp(4, true, kAck, 4e9);  // one insane stamp, then sense again
  tcp(5, true, kAck, 311);
  EXPECT_EQ(expire(312), 0U);
  EXPECT_EQ(expire(612), 2U);
  auto packet = peer.packet(true, 1, 1, kAck, {}, {INT64_MIN});
  see(packet);
  packet.time = {INT64_MAX};
  see(packet);
  packet.time = {INT64_MIN};
  see(packet);
}

TEST_F(FlowTableTest, EndOfCaptureGoesByFirstPacket) {
  for (uint16_t port = 9; port >= 1; --port) tcp(port, true, port % 2 ? kSyn : kAck, 10 - port);
  tcp(9, true, kAck, 20);
  table->set_lifetime(*tcp(5, true, kAck, 20).entry, Lifetime::kTcpClosing);
  table->end_all(on_end());
  EXPECT_EQ(ended,
            "9:end_of_capture 8:end_of_capture 7:end_of_capture 6:end_of_capture 5:fin "
            "4:end_of_capture 3:end_of_capture 2:end_of_capture 1:end_of_capture ");
  EXPECT_EQ(table->active(), 0U);
}

// Against a std::map, with a small table so that eviction, reuse of entries and deletion by
// shifting happen all the time.
TEST_F(FlowTableTest, AgreesWithAMap) {
  reset(64);
  std::map<uint16_t, uint64_t> last;  // port -> step of last packet
  std::mt19937 random(7);
  size_t evictions = 0;
  for (uint64_t step = 1; step <= 20000; ++step) {
    const auto port = static_cast<uint16_t>(1 + random() % 100);
    ended.clear();
    const auto found = tcp(port, random() % 2 == 0, kAck, static_cast<double>(step) * 1e-3);
    ASSERT_EQ(found.created, last.count(port) == 0);
    if (found.created && last.size() == 64) {
      const auto idlest = std::min_element(last.begin(), last.end(),
                                           [](auto& a, auto& b) { return a.second < b.second; });
      ASSERT_EQ(ended, std::to_string(idlest->first) + ":evicted ");
      last.erase(idlest);
      ++evictions;
    } else {
      ASSERT_EQ(ended, "");
    }
    last[port] = step;
    if (random() % 50 == 0) {
      table->end(*found.entry, FlowEnd::kFin, on_end());
      last.erase(port);
    }
    ASSERT_EQ(table->active(), last.size());
  }
  EXPECT_GT(evictions, 1000U);
}

TEST(FlowHash, DependsOnKeyAndEveryByte) {
  FlowKey flow;
  const uint64_t base = flow_hash(kKey, flow);
  EXPECT_NE(base, flow_hash(HashKey{{1, 3}}, flow));
  EXPECT_NE(base, flow_hash(HashKey{{2, 2}}, flow));
  flow.protocol = 1U << 24;
  EXPECT_NE(base, flow_hash(kKey, flow));
  flow.protocol = 0;
  flow.lo_ip.bytes[0] = 1;
  EXPECT_NE(base, flow_hash(kKey, flow));
}

}  // namespace
}  // namespace weir::inspect
