// The names that independent tools report for the reference captures are found by the parsers: TLS
// and QUIC server names, certificate names, DNS query names. Tunnels, fragments and HTTP are the
// engine's matter; the captures that need them are left out here by name.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/inspect/identify/capture_names.h"
#include "tests/support/shared_data.h"

namespace weir::inspect {
namespace {

// Captures whose names lie where only the engine (tunnels, compressed files) or nobody yet looks.
const std::map<std::string, std::string> kElsewhere{
    {"ndpi/tests/cfgs/default/pcap/6in4tunnel.pcap", "IPv6 in IPv4"},
    {"ndpi/tests/cfgs/default/pcap/vxlan.pcap", "VXLAN"},
    {"ndpi/tests/cfgs/default/pcap/tls_invalid_reads.pcap", "GTP"},
    {"zeek/testing/btest/Traces/pppoe-over-qinq.pcap", "PPPoE"},
    {"zeek/testing/btest/Traces/tunnels/geneve-47101.pcap", "Geneve"},
    {"scapy/test/pcaps/tls_tcp_frag_withnss.pcap.gz", "compressed"},
    {"wireshark/test/captures/challenge01_ooo_stream.pcapng.gz", "compressed"},
    {"zeek/testing/btest/Traces/tls/tls-fragmented-handshake.pcap.gz", "compressed"},
    {"ndpi/tests/cfgs/default/pcap/rdp2.pcap", "TLS inside RDP-UDP"},
    {"ndpi/tests/cfgs/default/pcap/heuristic_tcp_ack_payload.pcap",
     "Ethernet trailer counted as TCP payload, in front of the hello"},
    {"ndpi/tests/cfgs/default/pcap/dns-exf.pcap", "expected name has its '*' and '=' replaced"},
};

nlohmann::json read_json(const std::filesystem::path& file) {
  std::ifstream in(file);
  return nlohmann::json::parse(in);
}

TEST(SharedNames, ServerNamesThatOtherToolsReport) {
  WEIR_SHARED_OR_SKIP(shared);
  std::map<std::string, Names> expected;
  const auto hosts = read_json(shared / "captures" / "expected" / "ndpi_hosts.json");
  for (const auto& [path, list] : hosts.items()) {
    for (const auto& entry : list) expected[path].emplace(entry[0], entry[1]);
  }
  const auto tshark = read_json(shared / "captures" / "expected" / "tshark_names.json");
  for (const auto& [path, kinds] : tshark.items()) {
    for (const auto& [kind, list] : kinds.items()) {
      if (kind != "tls" && kind != "quic") continue;
      for (const auto& name : list) expected[path].emplace(kind == "tls" ? "TLS" : "QUIC", name);
    }
  }
  std::map<std::string, size_t> wanted;
  std::map<std::string, size_t> found;
  for (const auto& [path, names] : expected) {
    Names wants;
    for (const auto& entry : names) {
      if (entry.first == "TLS" || entry.first == "QUIC" || entry.first == "DNS")
        wants.insert(entry);
    }
    if (wants.empty()) continue;
    const Seen seen = names_in(shared / "captures" / path);
    for (const auto& [kind, name] : wants) {
      ++wanted[kind];
      const std::string safe = safe_host(as_bytes(name));
      const bool there = seen.names.count({kind, safe}) > 0;
      found[kind] += there ? 1 : 0;
      EXPECT_TRUE(there || kElsewhere.count(path) > 0) << kind << " " << name << " in " << path;
    }
  }
  for (const auto& [kind, count] : wanted) {
    std::printf("%s: %zu of %zu names\n", kind.c_str(), found[kind], count);
    EXPECT_GE(found[kind] * 100, count * 95) << kind;
  }
  EXPECT_EQ(found["QUIC"], wanted["QUIC"]);
  EXPECT_GT(wanted["TLS"], 400U);
}

// Real clients, SDKs and a browser: the name that each said it would connect to.
TEST(SharedNames, ServerNamesOfAiClients) {
  WEIR_SHARED_OR_SKIP(shared);
  std::ifstream in(shared / "clients" / "index.jsonl");
  size_t wanted = 0;
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    if (!row.at("sni").is_string()) continue;
    ++wanted;
    const std::string pcap = row.at("pcap");
    const std::string sni = row.at("sni");
    EXPECT_EQ(names_in(shared / "clients" / pcap).names.count({"TLS", sni}), 1U) << pcap;
  }
  EXPECT_GT(wanted, 20U);
}

// Fingerprints that are published for the clients in these captures.
TEST(SharedNames, Ja4OfKnownClients) {
  WEIR_SHARED_OR_SKIP(shared);
  const auto folder = shared / "captures" / "ja4" / "pcap";
  const std::string chrome = "t13d1516h2_8daaf6152771_e5627efa2ab1";
  const std::string chrome_quic = "q13d0310h3_55b375c5d22e_cd85d2d88918";
  EXPECT_EQ(names_in(folder / "quic-with-several-tls-frames.pcapng").ja4.count(chrome_quic), 1U);
  const Seen both = names_in(folder / "chrome-cloudflare-quic-with-secrets.pcapng");
  EXPECT_EQ(both.ja4, (std::set<std::string>{chrome_quic, chrome}));
  EXPECT_EQ(names_in(folder / "tls-non-ascii-alpn.pcapng").ja4,
            std::set<std::string>{"t13d1516bd_8daaf6152771_e5627efa2ab1"});
}

}  // namespace
}  // namespace weir::inspect
