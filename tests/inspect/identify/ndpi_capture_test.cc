// nDPI over captures of one protocol each, whose file name says which. Reads ../shared; skips
// without it.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <map>
#include <string>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "inspect/flow/flow_table.h"
#include "inspect/identify/ndpi_classifier.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

struct FlowState {
  NdpiFlow ndpi;
  bool begun = false;
};
using Table = FlowTable<FlowState>;

// Flows by verdict, "tls/tor" where an application is known.
std::map<std::string, int> classify(const std::filesystem::path& file) {
  std::map<std::string, int> verdicts;
  auto engine = NdpiEngine::create(Limits{});
  auto source = capture::CaptureFile::open(file.string());
  if (!engine || !source) {
    ADD_FAILURE() << "cannot open " << file;
    return verdicts;
  }
  NdpiEngine& ndpi = **engine;
  const auto note = [&](const NdpiVerdict& verdict) {
    ++verdicts[verdict.application.empty() ? verdict.protocol
                                           : verdict.protocol + "/" + verdict.application];
  };
  Table table(Limits{}, HashKey{{1, 2}});
  const auto on_end = [&](Table::Entry& entry, FlowEnd) noexcept {
    if (entry.state.ndpi.active()) note(ndpi.give_up(entry.state.ndpi));
  };
  capture::PacketDecoder decoder;
  RawPacket raw;
  DecodedPacket packet;
  while ((*source)->next(raw) == capture::CaptureFile::Next::kPacket) {
    if (decoder.decode(raw, packet) != capture::DecodeOutcome::kDecoded) continue;
    FlowState& state = table.find_or_create(packet, on_end).entry->state;
    if (!state.begun) state.ndpi = ndpi.begin();
    state.begun = true;
    if (const auto verdict = ndpi.feed(state.ndpi, packet)) note(*verdict);
  }
  table.end_all(on_end);
  return verdicts;
}

struct Expected {
  const char* file;
  const char* verdict;
  int at_least;
};

class NdpiCaptures : public ::testing::TestWithParam<Expected> {};

TEST_P(NdpiCaptures, AreNamedAsTheirFiles) {
  WEIR_SHARED_OR_SKIP(shared);
  std::filesystem::path file;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(shared / "captures" / "ndpi")) {
    if (entry.path().filename() == GetParam().file) file = entry.path();
  }
  if (file.empty()) GTEST_SKIP() << GetParam().file << " absent";
  const auto verdicts = classify(file);
  std::string all;
  for (const auto& [verdict, flows] : verdicts) {
    all += " " + verdict + ":" + std::to_string(flows);
  }
  const auto found = verdicts.find(GetParam().verdict);
  ASSERT_NE(found, verdicts.end()) << "got" << all;
  EXPECT_GE(found->second, GetParam().at_least) << "got" << all;
}

INSTANTIATE_TEST_SUITE_P(
    ByName, NdpiCaptures,
    ::testing::Values(Expected{"ssh.pcap", "ssh", 1}, Expected{"wireguard.pcap", "wireguard", 1},
                      Expected{"mullvad_wireguard.pcap", "wireguard", 1},
                      Expected{"bittorrent.pcap", "bittorrent", 1}, Expected{"rdp.pcap", "rdp", 1},
                      Expected{"telnet.pcap", "telnet", 1}, Expected{"socks.pcap", "socks", 1},
                      Expected{"teamviewer.pcap", "teamviewer", 1},
                      Expected{"tor.pcap", "tls/tor", 1}, Expected{"git.pcap", "git", 1},
                      Expected{"ftp.pcap", "ftp_control", 1}, Expected{"mqtt.pcap", "mqtt", 1},
                      Expected{"edonkey.pcap", "edonkey", 1},
                      Expected{"gnutella.pcap", "gnutella", 1}, Expected{"pptp.pcap", "pptp", 1},
                      Expected{"sip.pcap", "sip", 1}, Expected{"icmp-tunnel.pcap", "icmp", 1},
                      Expected{"esp.pcapng", "ipsec", 1}, Expected{"NTPv4.pcap", "ntp", 1},
                      Expected{"tftp.pcap", "tftp", 1}, Expected{"smtp.pcap", "smtp", 1},
                      Expected{"whois.pcapng", "whois_das", 1},
                      Expected{"dnscrypt_skype_false_positive.pcapng", "dnscrypt", 1}),
    [](const auto& test) {
      std::string name = test.param.file;
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

}  // namespace
}  // namespace weir::inspect
