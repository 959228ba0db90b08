// Makes a capture of lab traffic with labels: people and tools talking to AI services, some of them
// sending excerpts of the code in a folder, among ordinary traffic. What a decrypting mirror shows
// of the AI sessions is cleartext HTTP/1.1, mostly on port 443; others stay TLS or QUIC and show a
// name only. The same options give the same bytes with the same build.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ip.h"
#include "core/result.h"
#include "core/time.h"

namespace weir::lab {

struct LabOptions {
  uint64_t seed = 1;
  uint32_t sessions = 40;   // with AI services
  double leak_share = 0.4;  // of those, how many carry protected code; 0..1
  // One repository: excerpts are drawn from the text files below it, hidden ones apart.
  std::string code_directory;
  Timestamp start{1'780'000'000'000'000'000};
  // Rounds of sessions that tell of machine and person, carry marks, or contact unknown hosts.
  uint32_t data_rounds = 0;
  // Ordinary traffic besides: at least that many bytes of frames. The capture is built in memory.
  uint64_t background_bytes = 4U << 20;
  // Link layer of the capture; see reframe() in frames.h for the choice.
  uint32_t link_type = 1;
  // pcapng with two interfaces, of Ethernet and of Linux cooked v2 (then link_type is not read);
  // otherwise pcap with nanoseconds.
  bool pcapng = false;
  // Where the key log is written. With one, a third of the AI sessions in clear go over HTTP/3
  // instead; without, there are none.
  std::string key_log_out;
};

// kLeak: protected code in clear, or with keys in the key log. kInnocent: a session with an AI
// service without it, or encrypted.
// kData, kMark, kContact: what else left. kBackground: anything else.
enum class LabKind : uint8_t { kLeak, kInnocent, kBackground, kData, kMark, kContact };
std::string_view to_string(LabKind kind) noexcept;

// One a session, in order of their begin.
struct LabLabel {
  LabKind kind = LabKind::kBackground;
  Timestamp time;  // first packet
  Endpoint client;
  Endpoint server;
  uint32_t encapsulation = 0;  // VLAN id of the flow, 0: none
  std::string protocol;        // "http", "tls", "quic", "dns", "udp"
  std::string host;            // service or web host; empty where no name is seen
  std::string api;             // shape of the requests, e.g. "anthropic-messages"
  std::string form;            // how the code stood, e.g. "numbered_tab"; empty without code
  std::string coding;          // Content-Encoding of the requests, "identity" when none
  uint32_t requests = 0;
  // kLeak only: what left. The path is relative to the repository.
  std::string repository;
  std::string path;
  uint32_t first_line = 0;
  uint32_t last_line = 0;
  // Of data sessions.
  std::string tool;
  std::vector<std::pair<std::string, std::string>> planted;  // class and field
  std::string mark;                                          // "U+2019", "date" …
};

struct LabReport {
  uint64_t packets = 0;
  uint64_t bytes = 0;  // of frames
  std::vector<LabLabel> labels;
};

// Writes the capture and one JSON object a line for each label. An empty
// `labels_out` writes no labels.
Result<LabReport> generate_lab(const LabOptions& options, const std::string& pcap_out,
                               const std::string& labels_out);

// One label as a JSON object, without a newline.
std::string to_json(const LabLabel& label);

}  // namespace weir::lab
