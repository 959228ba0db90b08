// What the benches of the whole path share: a snapshot with everything in it, text that is
// nobody's and text that is protected, and connections as packets.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/direction.h"
#include "core/hash.h"
#include "core/packet.h"
#include "inspect/engine/snapshot.h"
#include "signatures/catalogue.h"
#include "signatures/content_rules.h"
#include "signatures/fingerprint/code_index.h"
#include "signatures/fingerprint/index_builder.h"
#include "signatures/fingerprint/site_key.h"

namespace weir::bench {

inline const std::string kSource = WEIR_SOURCE_DIR;

// Catalogue, rules, policy, and the index of the sample repository.
inline std::shared_ptr<const inspect::Snapshot> full_snapshot(bool shapes = true) {
  using namespace inspect;
  static const auto make = [](bool with_shapes) -> std::shared_ptr<const Snapshot> {
    auto snapshot = std::make_shared<Snapshot>();
    auto detectors = std::make_shared<DetectorSet>();
    snapshot->catalogue = *signatures::Catalogue::load(kSource + "/signatures", {});
    detectors->rules = *signatures::RuleSet::load({kSource + "/signatures/rules"});
    signatures::SiteKey key;
    key.bytes.fill(7);
    const auto out = std::filesystem::temp_directory_path() /
                     ("weir-bench-" + std::to_string(HashKey::random().words[0]) + ".wfi");
    signatures::IndexBuildOptions options;
    options.repositories.push_back({"orchard", kSource + "/samples/orchard"});
    (void)*signatures::build_index(options, key, out.string(), {});
    detectors->indexes.push_back(*signatures::CodeIndex::open(out.string(), key));
    std::filesystem::remove(out);
    detectors->code.shapes = with_shapes;
    snapshot->detectors = detectors;
    snapshot->policy = Policy(config::default_policy());
    return snapshot;
  };
  static const std::shared_ptr<const Snapshot> with = make(true);
  static const std::shared_ptr<const Snapshot> without = make(false);
  return shapes ? with : without;
}

// Code-like text that is nobody's, JSON-escaped: about `bytes` long.
inline std::string escaped_code(size_t bytes, uint64_t seed) {
  static constexpr const char* kWords[] = {
      "request", "buffer", "return", "const",   "index", "value",  "if (",  ") {", "};",
      "self.",   "->",     " = ",    "size_t ", "while", "result", "count", "0x",  "std::"};
  std::mt19937_64 random(seed);
  std::string out;
  while (out.size() < bytes) {
    out += "\\t";
    for (size_t i = 3 + random() % 8; i-- > 0;) {
      out += kWords[random() % std::size(kWords)];
      out += static_cast<char>('a' + random() % 26);
      out += static_cast<char>('a' + random() % 26);
      if (random() % 4 == 0) out += ' ';
    }
    out += "\\n";
  }
  return out;
}

// A protected file, as it stands in a JSON string.
inline std::string escaped_sample() {
  std::ifstream in(kSource + "/samples/orchard/planner/crew_schedule.cc");
  std::string out;
  for (char c; in.get(c);) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

// A request body of about 100 KB; only one that leaks holds protected code.
inline std::string json_body(uint32_t seed, bool leaks) {
  return R"({"model":"m","messages":[{"role":"user","content":")" + escaped_code(100'000, seed) +
         (leaks ? escaped_sample() : "") + R"("}]})";
}

struct Traffic {
  std::vector<DecodedPacket> packets;  // of bytes that stand elsewhere
  uint64_t bytes = 0;                  // on the wire
};

// One connection in segments of 1,448 bytes, from SYN to FIN.
class Connection {
 public:
  Connection(Traffic& traffic, uint32_t number, uint16_t server_port)
      : traffic_(traffic),
        client_{IpAddress::v4(0x0a000000 + number), static_cast<uint16_t>(1024 + number % 60000)},
        server_{IpAddress::v4(0xa04f6801), server_port},
        time_{1'700'000'000'000'000'000 + static_cast<int64_t>(number) * 1'000'000} {
    push(Direction::kToServer, {}, {.syn = true});
  }

  // `bytes` must outlive the traffic.
  void send(Direction direction, ByteSpan bytes) {
    constexpr size_t kSegment = 1448;
    for (size_t at = 0; at < bytes.size(); at += kSegment) {
      push(direction, bytes.subspan(at, std::min(kSegment, bytes.size() - at)),
           {.psh = true, .ack = true});
    }
  }
  void close() { push(Direction::kToServer, {}, {.fin = true, .ack = true}); }

 private:
  void push(Direction direction, ByteSpan payload, TcpFlags flags) {
    const bool up = direction == Direction::kToServer;
    DecodedPacket packet;
    packet.source = up ? client_ : server_;
    packet.destination = up ? server_ : client_;
    packet.protocol = static_cast<uint8_t>(IpProtocol::kTcp);
    packet.time = time_;
    packet.flags = flags;
    packet.seq = next_[direction];
    packet.payload = payload;
    packet.wire_length = static_cast<uint32_t>(payload.size() + 54);
    next_[direction] += static_cast<uint32_t>(payload.size()) + (flags.syn || flags.fin ? 1 : 0);
    traffic_.bytes += packet.wire_length;
    traffic_.packets.push_back(packet);
  }

  Traffic& traffic_;
  Endpoint client_;
  Endpoint server_;
  Timestamp time_;
  PerDirection<uint32_t> next_{};
};

}  // namespace weir::bench
