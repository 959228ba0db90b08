// Reassembly of captures with reordering, retransmission, overlap and resets: the bytes of all
// streams of a file add up to what another implementation (Wireshark's "follow stream") finds.
// Reads ../shared; skips without it.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <memory>
#include <string>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "inspect/flow/flow_table.h"
#include "inspect/stream/tcp_stream.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

class CountingSink final : public TcpSink {
 public:
  void on_tcp_data(Direction d, ByteSpan data) noexcept override {
    EXPECT_EQ(ends[d], 0);
    bytes += data.size();
  }
  void on_tcp_gap(Direction d, uint64_t) noexcept override { EXPECT_EQ(ends[d], 0); }
  void on_tcp_end(Direction d, EndReason) noexcept override { ++ends[d]; }
  uint64_t bytes = 0;
  PerDirection<int> ends;
};

struct FlowState {
  explicit FlowState(TcpPool& pool) : stream(pool) {}
  TcpStream stream;
  CountingSink sink;
};

struct Expected {
  const char* file;  // below ../shared/captures
  uint64_t bytes;    // of both directions of all connections
};

class TcpCaptures : public ::testing::TestWithParam<Expected> {};

TEST_P(TcpCaptures, GiveTheBytesThatAnotherImplementationFinds) {
  WEIR_SHARED_OR_SKIP(shared);
  const std::filesystem::path file = shared / "captures" / GetParam().file;
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " absent";
  auto source = capture::CaptureFile::open(file.string());
  ASSERT_TRUE(source);
  TcpPool pool(Limits{});
  const auto make = [&pool] { return FlowState(pool); };
  using Table = FlowTable<FlowState, decltype(make)>;
  Table table(Limits{}, HashKey{{1, 2}}, make);
  uint64_t bytes = 0;
  const auto on_end = [&](Table::Entry& entry, FlowEnd) noexcept {
    entry.state.stream.finish(EndReason::kTimeout, entry.state.sink);
    EXPECT_EQ(entry.state.sink.ends[Direction::kToServer], 1);
    EXPECT_EQ(entry.state.sink.ends[Direction::kToClient], 1);
    bytes += entry.state.sink.bytes;
  };
  capture::PacketDecoder decoder;
  RawPacket raw;
  DecodedPacket packet;
  while ((*source)->next(raw) == capture::CaptureFile::Next::kPacket) {
    if (decoder.decode(raw, packet) != capture::DecodeOutcome::kDecoded) continue;
    if (packet.protocol != static_cast<uint8_t>(IpProtocol::kTcp)) continue;
    table.expire(packet.time, on_end, 16);
    const auto found = table.find_or_create(packet, on_end);
    TcpStream& stream = found.entry->state.stream;
    stream.on_segment(found.direction, packet, found.entry->state.sink);
    if (stream.closed()) table.set_lifetime(*found.entry, Lifetime::kTcpClosing);
  }
  table.end_all(on_end);
  EXPECT_EQ(bytes, GetParam().bytes);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    ByFile, TcpCaptures,
    ::testing::Values(
        Expected{"zeek/testing/btest/Traces/http/206_example_b.pcap", 1230807},
        Expected{"zeek/testing/btest/Traces/tls/heartbleed-encrypted-success.pcap", 56386},
        Expected{"wireshark/test/captures/http-ooo.pcap", 287},
        Expected{"ndpi/tests/cfgs/default/pcap/forticlient.pcap", 295902},
        Expected{"ndpi/tests/cfgs/default/pcap/ipp.pcap", 230056},
        Expected{"wireshark/test/captures/http2_follow_multistream.pcapng", 221166},
        Expected{"ndpi/tests/cfgs/default/pcap/fix2.pcap", 35750},
        Expected{"ja4/pcap/browsers-x509.pcapng", 45903},
        Expected{"ndpi/tests/cfgs/default/pcap/googledns_android10.pcap", 97087},
        Expected{"zeek/testing/btest/Traces/http/concurrent-range-requests.pcap", 31209},
        Expected{"wireshark/test/captures/http2-data-reassembly.pcap", 78453}),
    [](const auto& test) {
      std::string name = std::filesystem::path(test.param.file).filename().string();
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

}  // namespace
}  // namespace weir::inspect
