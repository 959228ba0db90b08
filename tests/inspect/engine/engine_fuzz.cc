// A script of packets into an engine under tight limits: raw frames through the packet decoder, and
// segments and datagrams of four flows with chosen flags, sequence numbers and payload. Properties:
// no crash; each flow ends with one record, after its findings; packets and payload are all in the
// records; findings speak of endpoints and times that were there; the same script finds the same.
//
// Input: a byte that chooses the limits, then steps, each a byte (kind = byte % 8) and its fields:
//   0 frame     u8 link type, u16 length, bytes
//   1 segment   u8 flow, direction and flags, i8 offset from the next sequence number, u16, bytes
//   2 datagram  u8 flow and direction, u16 length, bytes
//   3 time      u16 tenths of a second; also told to the engine when the kind byte is odd / 8
//   4 request   u8 flow, u8 which: a request that is written here, from the client, in order
// Anything else lets a millisecond pass.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "capture/packet_decoder.h"
#include "config/settings.h"
#include "core/byte_reader.h"
#include "core/check.h"
#include "core/flow_key.h"
#include "core/hash.h"
#include "inspect/engine/engine.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/site_key.h"

namespace {

using namespace weir;

constexpr std::string_view kCode =
    "int32_t settle_orchard_ledger(Ledger& ledger, const Harvest& harvest) {\n"
    "  const auto crates = harvest.crates_by_variety(kRipenessThreshold);\n"
    "  for (const auto& [variety, crate_count] : crates) {\n"
    "    ledger.credit_grower(variety.grower_id, crate_count * variety.price_cents);\n"
    "    if (crate_count > kBulkCrates) ledger.apply_bulk_discount(variety, 0.0375);\n"
    "  }\n"
    "  ledger.reconcile_with_coldstore(harvest.coldstore_manifest());\n"
    "  return ledger.outstanding_balance_cents();\n"
    "}\n";
constexpr uint32_t kCodeLines = 9;

// Shipped catalogue, default policy, one rule, an index of kCode.
const inspect::Snapshot& parts() {
  static const inspect::Snapshot made = [] {
    namespace fs = std::filesystem;
    const fs::path folder =
        fs::temp_directory_path() / ("weir-engine-fuzz-" + std::to_string(::getpid()));
    fs::create_directories(folder / "ledger");
    std::ofstream(folder / "ledger/settle.cc") << kCode;
    std::ofstream(folder / "rules.yaml")
        << "rules:\n  - {id: falcon, title: t, kind: secret, score: 0.9, pattern: "
           "'FALCON-\\d{4}',\n"
           "     examples: [FALCON-1234], counter_examples: [falcon]}\n";
    signatures::SiteKey key;
    key.bytes.fill(9);
    signatures::IndexBuildOptions build;
    build.repositories.push_back({"ledger", (folder / "ledger").string()});
    build.critical.emplace_back("*.cc");
    const std::string index = (folder / "x.wfi").string();
    WEIR_CHECK(signatures::build_index(build, key, index, {}).has_value());
    auto detectors = std::make_shared<inspect::DetectorSet>();
    detectors->indexes.push_back(*signatures::CodeIndex::open(index, key));
    detectors->rules = *signatures::RuleSet::load({(folder / "rules.yaml").string()});
    inspect::Snapshot out;
    out.catalogue = *signatures::Catalogue::load(WEIR_SOURCE_DIR "/signatures", {});
    out.detectors = detectors;
    out.policy = inspect::Policy(config::default_policy());
    fs::remove_all(folder);
    return out;
  }();
  return made;
}

std::string json_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

const std::vector<std::string>& requests() {
  static const std::vector<std::string> made = [] {
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":"Why?\n)" + json_text(kCode) + "\"}]}";
    const std::string head =
        "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nUser-Agent: claude-cli/2.1.0\r\n"
        "Content-Type: application/json\r\n";
    std::vector<std::string> out;
    out.push_back(head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    for (size_t at = 0; at < body.size(); at += 16) {
      const std::string part = body.substr(at, 16);
      chunked += to_hex(part.size()) + "\r\n";
      chunked += part + "\r\n";
    }
    out.push_back(chunked + "0\r\n\r\n");
    out.emplace_back(kCode);
    out.emplace_back("key = FALCON-2718\n");
    out.emplace_back("CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n");
    out.emplace_back("GET / HTTP/1.1\r\nHost: chatgpt.com\r\n\r\n");
    return out;
  }();
  return made;
}

Limits limits_of(uint8_t choice) {
  Limits limits;
  limits.flows = (choice & 1U) != 0 ? 3 : 64;
  limits.open_requests = (choice & 2U) != 0 ? 1 : 8;
  limits.out_of_order_bytes = (choice & 4U) != 0 ? 64 : 4096;
  limits.out_of_order_segments = (choice & 4U) != 0 ? 2 : 16;
  limits.reassembly_bytes_total = 8192;
  limits.raw_stream_bytes = (choice & 8U) != 0 ? 100 : 65'536;
  limits.header_bytes = (choice & 16U) != 0 ? 200 : 8192;
  limits.body_text_bytes = (choice & 32U) != 0 ? 150 : 65'536;
  limits.evidence_per_request = (choice & 64U) != 0 ? 1 : 16;
  limits.client_hello_bytes = 2048;
  limits.quic_crypto_bytes = 2048;
  limits.inflate_floor = 10'000;
  limits.hold_bytes = 2048;
  limits.hold_bytes_total = 8192;
  limits.dns_names = 16;
  limits.tunnel_depth = 2;
  limits.fragment_bytes = 16'384;
  limits.fragmented_datagrams = 4;
  return limits;
}

uint64_t value_of(const inspect::CounterList& counters, std::string_view name) {
  for (const auto& [key, value] : counters) {
    if (key == name) return value;
  }
  WEIR_CHECK(false);
  return 0;
}

class CheckedSink final : public EvidenceSink {
 public:
  void on_finding(Finding&& finding) override {
    const auto began = first_packet.find(key_of(finding.flow));
    WEIR_CHECK(began != first_packet.end());
    WEIR_CHECK(finding.time >= began->second && finding.time <= now);
    WEIR_CHECK(!finding.rule.empty() && finding.action != Action::kAllow);
    for (const Evidence& piece : finding.evidence) {
      WEIR_CHECK(piece.score >= 0 && piece.score <= 1);
      if (piece.kind != EvidenceKind::kCode) continue;
      WEIR_CHECK(piece.repository == "ledger" && piece.path == "settle.cc");
      WEIR_CHECK(piece.first_line >= 1 && piece.first_line <= piece.last_line);
      WEIR_CHECK(piece.last_line <= kCodeLines && piece.lines <= kCodeLines);
    }
    ++findings;
    story += finding.rule + " " + std::to_string(finding.time.ns) + " " +
             std::to_string(finding.evidence.size()) + "\n";
  }
  void on_flow_end(FlowRecord&& record) override {
    const auto began = first_packet.find(key_of(record.flow));
    WEIR_CHECK(began != first_packet.end() && record.first >= began->second);
    WEIR_CHECK(record.last >= record.first && record.last <= now);
    ++records;
    for (const Direction d : {Direction::kToServer, Direction::kToClient}) {
      packets += record.packets[d];
      bytes += record.bytes[d];
    }
    inspected += record.inspected_bytes;
    requests += record.requests;
    for (const auto& [name, value] : record.counters) {
      if (name == "unread_bytes") unread += value;
    }
    story += record.end + " " + std::to_string(record.inspected_bytes) + " " + record.flow.host +
             " " + record.flow.protocol + "\n";
  }

  static std::array<uint8_t, sizeof(FlowKey)> bytes_of(const FlowKey& key) {
    std::array<uint8_t, sizeof(FlowKey)> out{};
    std::copy(key.bytes().begin(), key.bytes().end(), out.begin());
    return out;
  }
  static std::array<uint8_t, sizeof(FlowKey)> key_of(const FlowIdentity& flow) {
    bool swapped = false;
    return bytes_of(
        FlowKey::make(flow.client, flow.server, flow.ip_protocol, flow.encapsulation, &swapped));
  }

  std::map<std::array<uint8_t, sizeof(FlowKey)>, Timestamp> first_packet;
  Timestamp now;
  uint64_t findings = 0, records = 0, packets = 0, bytes = 0, inspected = 0, requests = 0,
           unread = 0;
  std::string story;
};

class Script {
 public:
  Script(ByteSpan bytes, std::shared_ptr<const inspect::Snapshot> snapshot)
      : in_(bytes),
        decoder_(snapshot->limits),
        engine_(std::move(snapshot), sink_, HashKey{{3, 4}}) {}

  std::string run() {
    in_.skip(1);
    while (!in_.empty()) step();
    engine_.finish();
    check();
    return sink_.story;
  }

 private:
  ByteSpan payload() { return in_.take(std::min<size_t>(in_.u16(), in_.remaining())); }

  void step() {
    const uint8_t kind = in_.u8();
    time_.ns += 1'000'000;
    switch (kind % 8) {
      case 0: {
        static constexpr std::array<int, 8> kLinks = {1, 101, 113, 276, 0, 9, 108, 147};
        RawPacket raw;
        raw.time = time_;
        raw.link_type = kLinks.at(in_.u8() % kLinks.size());
        raw.data = payload();
        raw.wire_length = static_cast<uint32_t>(raw.data.size());
        DecodedPacket packet;
        if (decoder_.decode(raw, packet) == capture::DecodeOutcome::kDecoded) give(packet);
        break;
      }
      case 1: {
        const uint8_t which = in_.u8();
        const auto offset = static_cast<int8_t>(in_.u8());
        TcpFlags flags;
        flags.fin = (which & 8U) != 0;
        flags.syn = (which & 16U) != 0;
        flags.rst = (which & 32U) != 0;
        flags.ack = (which & 64U) != 0;
        flags.psh = (which & 128U) != 0;
        segment(which & 3U, (which & 4U) == 0, flags, offset, payload());
        break;
      }
      case 2: {
        const uint8_t which = in_.u8();
        DecodedPacket packet = between(which & 3U, (which & 4U) == 0, IpProtocol::kUdp);
        packet.payload = payload();
        give(packet);
        break;
      }
      case 3:
        time_.ns += int64_t{in_.u16()} * 100'000'000;
        sink_.now = time_;
        if ((kind / 8) % 2 == 1) engine_.on_time(time_);
        break;
      case 4: {
        const uint8_t which = in_.u8();
        const std::string& request = requests().at(in_.u8() % requests().size());
        segment(which & 3U, true, {.psh = true, .ack = true}, 0, as_bytes(request));
        break;
      }
      default:
        break;
    }
  }

  [[nodiscard]] DecodedPacket between(size_t flow, bool to_server, IpProtocol protocol) const {
    static constexpr std::array<uint16_t, 4> kPorts = {443, 80, 53, 8080};
    DecodedPacket packet;
    packet.time = time_;
    packet.source = {IpAddress::v4(0x0a000001 + static_cast<uint32_t>(flow)),
                     static_cast<uint16_t>(40'000 + flow)};
    packet.destination = {IpAddress::v4(0xc6120001), kPorts.at(flow)};
    if (!to_server) std::swap(packet.source, packet.destination);
    packet.protocol = static_cast<uint8_t>(protocol);
    return packet;
  }

  void segment(size_t flow, bool to_server, TcpFlags flags, int offset, ByteSpan bytes) {
    DecodedPacket packet = between(flow, to_server, IpProtocol::kTcp);
    uint32_t& next = next_.at(flow * 2 + (to_server ? 0 : 1));
    packet.seq = next + static_cast<uint32_t>(offset);
    packet.ack = next_.at(flow * 2 + (to_server ? 1 : 0));
    packet.window = 65'535;
    packet.flags = flags;
    packet.payload = bytes;
    const uint32_t end = packet.seq + static_cast<uint32_t>(bytes.size()) + (flags.syn ? 1 : 0) +
                         (flags.fin ? 1 : 0);
    if (static_cast<int32_t>(end - next) > 0) next = end;
    give(packet);
  }

  void give(const DecodedPacket& packet) {
    sink_.now = time_;
    ++given_;
    given_bytes_ += packet.payload.size() + packet.missing;
    bool swapped = false;
    sink_.first_packet.try_emplace(
        CheckedSink::bytes_of(FlowKey::make(packet.source, packet.destination, packet.protocol,
                                            packet.encapsulation, &swapped)),
        packet.time);
    const uint8_t protocol = packet.protocol;
    if (protocol != static_cast<uint8_t>(IpProtocol::kTcp) &&
        protocol != static_cast<uint8_t>(IpProtocol::kUdp)) {
      ++other_;
      other_bytes_ += packet.payload.size() + packet.missing;
    }
    const uint64_t padded = engine_.counters().padded_acks.get();
    (void)engine_.on_packet(packet);
    if (engine_.counters().padded_acks.get() != padded) padding_ += packet.payload.size();
  }

  void check() const {
    const inspect::CounterList counters = engine_.all_counters();
    const auto engine = [&](std::string_view name) {
      return value_of(counters, "engine." + std::string(name));
    };
    WEIR_CHECK(engine_.active_flows() == 0);
    WEIR_CHECK(engine("packets") == given_);
    WEIR_CHECK(engine("other_protocol_packets") == other_);
    WEIR_CHECK(engine("findings") == sink_.findings);
    WEIR_CHECK(value_of(counters, "flow.created") == sink_.records);
    WEIR_CHECK(sink_.packets == given_ - other_);
    WEIR_CHECK(sink_.bytes == given_bytes_ - other_bytes_ - padding_);
    WEIR_CHECK(engine("text_bytes") == sink_.inspected);
    WEIR_CHECK(engine("requests") == sink_.requests);
    // What was not read was sent, and nothing is unread for two reasons.
    const uint64_t unread = engine("unread_limit_bytes") + engine("unread_slot_bytes") +
                            engine("unread_udp_bytes") + engine("unread_tls_bytes");
    WEIR_CHECK(unread == sink_.unread);
    WEIR_CHECK(unread <= sink_.bytes);
    WEIR_CHECK(engine("shunted_bytes") <= sink_.bytes);
    WEIR_CHECK(engine("tcp_upload_bytes") <= sink_.bytes);
  }

  ByteReader in_;
  Timestamp time_{1'700'000'000'000'000'000};
  CheckedSink sink_;
  capture::PacketDecoder decoder_;
  inspect::Engine engine_;
  std::array<uint32_t, 8> next_ = {1000, 2000, 0xffffff00, 4000, 5000, 6000, 7000, 8000};
  uint64_t given_ = 0, given_bytes_ = 0, other_ = 0, other_bytes_ = 0, padding_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto snapshot = std::make_shared<inspect::Snapshot>(parts());
  snapshot->limits = limits_of(data[0]);
  const ByteSpan bytes(data, size);
  const std::string once = Script(bytes, snapshot).run();
  WEIR_CHECK(Script(bytes, snapshot).run() == once);
  return 0;
}
