#include "bench/lab/lab_generator.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "core/flow_key.h"
#include "core/hash.h"

namespace weir::lab {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LabGeneratorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           ("weir_lab_" + std::to_string(::getpid()) + "_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(dir_);
    options_.code_directory = std::string(WEIR_SOURCE_DIR) + "/samples/orchard";
    options_.background_bytes = 1U << 20;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  [[nodiscard]] std::string file(const char* name) const { return (dir_ / name).string(); }

  std::filesystem::path dir_;
  LabOptions options_;
};

TEST_F(LabGeneratorTest, SameSeedSameBytesOtherSeedOtherBytes) {
  ASSERT_TRUE(generate_lab(options_, file("a.pcap"), file("a.jsonl")));
  ASSERT_TRUE(generate_lab(options_, file("b.pcap"), file("b.jsonl")));
  options_.seed = 2;
  ASSERT_TRUE(generate_lab(options_, file("c.pcap"), file("c.jsonl")));
  EXPECT_EQ(read_file(file("a.pcap")), read_file(file("b.pcap")));
  EXPECT_EQ(read_file(file("a.jsonl")), read_file(file("b.jsonl")));
  EXPECT_NE(read_file(file("a.pcap")), read_file(file("c.pcap")));
}

std::string flow_of(const Endpoint& a, const Endpoint& b, uint8_t protocol, uint32_t vlan) {
  bool swapped = false;
  return to_hex(FlowKey::make(a, b, protocol, vlan, &swapped).bytes());
}

// What a capture shows: the flows, and a digest of all payloads in order.
struct Shown {
  std::set<std::string> flows;
  uint64_t digest = 0;
  uint64_t packets = 0;
};

Shown read_capture(const std::string& path) {
  Shown out;
  auto opened = capture::CaptureFile::open(path);
  EXPECT_TRUE(opened);
  capture::PacketDecoder decoder;
  RawPacket raw;
  DecodedPacket packet;
  Timestamp last;
  capture::CaptureFile::Next next = capture::CaptureFile::Next::kEnd;
  while ((next = (*opened)->next(raw)) == capture::CaptureFile::Next::kPacket) {
    ++out.packets;
    EXPECT_EQ(decoder.decode(raw, packet), capture::DecodeOutcome::kDecoded);
    EXPECT_LE(last, packet.time);
    EXPECT_EQ(packet.missing, 0U);
    last = packet.time;
    out.flows.insert(
        flow_of(packet.source, packet.destination, packet.protocol, packet.encapsulation));
    out.digest = mix64(out.digest + siphash({}, packet.payload));
  }
  EXPECT_EQ(next, capture::CaptureFile::Next::kEnd);
  return out;
}

std::set<std::string> labelled_flows(const LabReport& report) {
  std::set<std::string> out;
  for (const LabLabel& label : report.labels) {
    const bool tcp = label.protocol == "http" || label.protocol == "tls";
    const bool added =
        out.insert(flow_of(label.client, label.server, tcp ? 6 : 17, label.encapsulation)).second;
    EXPECT_TRUE(added) << "two labels for one flow";
  }
  return out;
}

TEST_F(LabGeneratorTest, EveryPacketDecodesAndBelongsToALabel) {
  const auto report = generate_lab(options_, file("a.pcap"), "");
  ASSERT_TRUE(report) << report.error().to_string();
  const Shown shown = read_capture(file("a.pcap"));
  EXPECT_EQ(shown.packets, report.value().packets);
  EXPECT_EQ(shown.flows, labelled_flows(report.value()));
}

TEST_F(LabGeneratorTest, EveryFormatShowsTheSamePayloads) {
  options_.background_bytes = 1U << 17;
  ASSERT_TRUE(generate_lab(options_, file("a.pcap"), ""));
  const Shown ethernet = read_capture(file("a.pcap"));
  for (const uint32_t type : {0U, 9U, 101U, 108U, 113U, 276U}) {
    options_.link_type = type;
    const auto report = generate_lab(options_, file("b.pcap"), "");
    ASSERT_TRUE(report);
    const Shown shown = read_capture(file("b.pcap"));
    EXPECT_EQ(shown.packets, ethernet.packets);
    EXPECT_EQ(shown.digest, ethernet.digest) << type;
    EXPECT_EQ(shown.flows, labelled_flows(report.value())) << type;
  }
  options_.link_type = 1;
  options_.pcapng = true;
  ASSERT_TRUE(generate_lab(options_, file("b.pcapng"), ""));
  const Shown shown = read_capture(file("b.pcapng"));
  EXPECT_EQ(shown.digest, ethernet.digest);
  EXPECT_EQ(shown.flows, ethernet.flows);
  options_.link_type = 147;
  EXPECT_FALSE(generate_lab(options_, file("b.pcap"), ""));
}

TEST_F(LabGeneratorTest, LabelsAreConsistent) {
  options_.sessions = 80;
  const auto report = generate_lab(options_, file("a.pcap"), file("a.jsonl"));
  ASSERT_TRUE(report) << report.error().to_string();
  std::map<std::string, int> kinds;
  std::set<std::string> forms, codings, apis, protocols;
  for (const LabLabel& label : report.value().labels) {
    ++kinds[std::string(to_string(label.kind))];
    if (label.kind != LabKind::kBackground) protocols.insert(label.protocol);
    if (label.kind != LabKind::kLeak) {
      EXPECT_TRUE(label.path.empty());
      continue;
    }
    forms.insert(label.form);
    codings.insert(label.coding);
    apis.insert(label.api);
    EXPECT_EQ(label.repository, "orchard");
    EXPECT_EQ(label.protocol, "http");
    EXPECT_GE(label.requests, 1U);
    const std::string text = read_file(options_.code_directory + '/' + label.path);
    const auto lines = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n'));
    EXPECT_GE(label.first_line, 1U);
    EXPECT_GE(label.last_line, label.first_line + 4) << label.path;
    EXPECT_LE(label.last_line, lines) << label.path;
  }
  EXPECT_EQ(kinds["leak"], 32);
  EXPECT_EQ(kinds["innocent"], 48);
  EXPECT_GT(kinds["background"], 80);
  EXPECT_EQ(protocols, (std::set<std::string>{"http", "tls", "quic"}));
  EXPECT_EQ(codings, (std::set<std::string>{"identity", "gzip", "deflate", "zstd", "br"}));
  EXPECT_GE(forms.size(), 9U);
  EXPECT_GE(apis.size(), 8U);
  const std::string written = read_file(file("a.jsonl"));
  EXPECT_EQ(static_cast<size_t>(std::count(written.begin(), written.end(), '\n')),
            report.value().labels.size());
}

TEST_F(LabGeneratorTest, SharesAtTheEndsAndNoBackground) {
  options_.background_bytes = 0;
  for (const double share : {0.0, 1.0}) {
    options_.leak_share = share;
    const auto report = generate_lab(options_, file("a.pcap"), "");
    ASSERT_TRUE(report);
    for (const LabLabel& label : report.value().labels) {
      if (label.protocol == "dns") continue;
      EXPECT_EQ(label.kind, share == 0.0 ? LabKind::kInnocent : LabKind::kLeak);
    }
  }
}

TEST_F(LabGeneratorTest, BadOptionsAreNamed) {
  options_.leak_share = 1.5;
  EXPECT_FALSE(generate_lab(options_, file("a.pcap"), ""));
  options_.leak_share = 0.5;
  EXPECT_FALSE(generate_lab(options_, file("absent/a.pcap"), ""));
  options_.code_directory = file("nothing");
  auto report = generate_lab(options_, file("a.pcap"), "");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().file, file("nothing"));
  std::filesystem::create_directories(file("empty"));
  options_.code_directory = file("empty");
  report = generate_lab(options_, file("a.pcap"), "");
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("no text file"), std::string::npos);
}

}  // namespace
}  // namespace weir::lab
