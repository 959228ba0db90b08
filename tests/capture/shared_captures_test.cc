// Every reference capture opens or is refused cleanly, every frame decodes to some outcome, and the
// number of packets is what the index of the captures says.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "tests/support/shared_data.h"

namespace weir::capture {
namespace {

struct IndexRow {
  std::string path;
  uint64_t packets = 0;
  bool malformed = false;
};

// The columns used stand before the first quoted one.
std::vector<IndexRow> read_index(const std::filesystem::path& file) {
  std::vector<IndexRow> rows;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);  // source,path,size,linktype,packets,category,…
  while (std::getline(in, line)) {
    std::vector<std::string> cells;
    std::istringstream cut(line);
    for (std::string cell; cells.size() < 6 && std::getline(cut, cell, ',');) cells.push_back(cell);
    if (cells.size() == 6)
      rows.push_back({cells[1], std::stoull(cells[4]), cells[5] == "malformed"});
  }
  return rows;
}

// The index counts custom blocks, which hold no packets, as packets.
const std::set<std::string> kCustomBlocksCounted{"gopacket/pcapgo/tests/be/test102.pcapng",
                                                 "gopacket/pcapgo/tests/le/test102.pcapng",
                                                 "gopacket/pcapgo/tests/le/test017.pcapng"};

TEST(SharedCaptures, EveryFileIsReadOrRefusedAndEveryFrameCounted) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto rows = read_index(shared / "captures" / "index.csv");
  ASSERT_GT(rows.size(), 1000U);
  PacketDecoder decoder;
  std::map<std::string, int> refused;  // reason -> files
  std::vector<std::string> unexpected;
  for (const IndexRow& row : rows) {
    auto opened = CaptureFile::open((shared / "captures" / row.path).string());
    if (!opened) {
      const std::string& why = opened.error().message;
      ++refused[why];
      const bool other_format = why.rfind("is ", 0) == 0;  // compressed, snoop
      if (!other_format && !row.malformed) unexpected.push_back(opened.error().to_string());
      continue;
    }
    RawPacket raw;
    DecodedPacket packet;
    uint64_t count = 0;
    uint64_t reassembled = decoder.counters().reassembled.get();
    CaptureFile::Next next = CaptureFile::Next::kEnd;
    while ((next = (*opened)->next(raw)) == CaptureFile::Next::kPacket) {
      ++count;
      if (decoder.decode(raw, packet) == DecodeOutcome::kDecoded) {
        const uint64_t now = decoder.counters().reassembled.get();
        if (now == reassembled) {
          ASSERT_LE(packet.payload.size(), raw.data.size()) << row.path;
        }
        reassembled = now;
      }
    }
    const bool failed = next == CaptureFile::Next::kError;
    const bool miscounted = count != row.packets && kCustomBlocksCounted.count(row.path) == 0;
    if ((failed || miscounted) && !row.malformed) {
      unexpected.push_back(row.path + ": " + std::to_string(count) + " packets instead of " +
                           std::to_string(row.packets) + ' ' +
                           (failed ? (*opened)->error().message : ""));
    }
  }
  for (const auto& [why, files] : refused) {
    GTEST_LOG_(INFO) << files << " refused: " << why;
  }
  EXPECT_EQ(unexpected, std::vector<std::string>{});
  const DecodeCounters& c = decoder.counters();
  for (const auto& row : kDecodeCounterTable) {
    GTEST_LOG_(INFO) << row.name << ' ' << (c.*row.member).get();
  }
  EXPECT_EQ(c.packets.get(), c.decoded.get() + c.not_ip.get() + c.fragments.get() +
                                 c.truncated.get() + c.bad_link.get() + c.bad_network.get() +
                                 c.bad_transport.get() + c.unsupported_link.get() +
                                 c.unsupported_tunnel.get());
  EXPECT_GT(c.decoded.get(), 190'000U);
  EXPECT_GT(c.tunnels_entered.get(), 4000U);
  EXPECT_GT(c.reassembled.get(), 300U);
}

}  // namespace
}  // namespace weir::capture
