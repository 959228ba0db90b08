// Runs a capture through packets, TCP streams and TLS decryptors, and keeps what came out in clear.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "core/flow_key.h"
#include "inspect/decrypt/key_log_source.h"
#include "inspect/decrypt/tls_decryptor.h"
#include "inspect/stream/tcp_stream.h"

namespace weir::test {

struct ClearText final : inspect::ClearSink {
  void on_clear_data(Direction d, ByteSpan data) noexcept override { text[d] += as_chars(data); }
  void on_clear_gap(Direction d, uint64_t bytes) noexcept override { gaps[d].push_back(bytes); }
  void on_clear_end(Direction d, inspect::EndReason) noexcept override { ++ends[d]; }
  PerDirection<std::string> text;
  PerDirection<std::vector<uint64_t>> gaps;
  PerDirection<int> ends;
};

struct ClearFlow final : inspect::TcpSink {
  ClearFlow(inspect::TcpPool& pool, inspect::DecryptServices& services)
      : stream(pool), tls(services, clear, true) {}
  void on_tcp_data(Direction d, ByteSpan data) noexcept override {
    if (!started) {
      // TLS inside a proxy's tunnel begins behind what was said to the proxy.
      if (inspect::probe_tls(data) != inspect::ProbeAnswer::kYes) return;
      started = true;
    }
    if (open) open = tls.on_data(d, data) == inspect::DecodeStatus::kContinue;
  }
  void on_tcp_gap(Direction d, uint64_t bytes) noexcept override {
    if (open && started) open = tls.on_gap(d, bytes) == inspect::DecodeStatus::kContinue;
  }
  void on_tcp_end(Direction d, inspect::EndReason reason) noexcept override {
    tls.on_end(d, reason);
  }
  ClearText clear;
  inspect::TcpStream stream;
  inspect::TlsDecryptor tls;
  bool started = false;
  bool open = true;
};

struct FlowKeyLess {
  bool operator()(const FlowKey& a, const FlowKey& b) const {
    return std::lexicographical_compare(a.bytes().begin(), a.bytes().end(), b.bytes().begin(),
                                        b.bytes().end());
  }
};

class ClearRun {
 public:
  bool add_keys(const std::filesystem::path& file) {
    inspect::KeyLogCounters log;
    return inspect::read_key_log(file.string(), keys, log, Timestamp{1}).has_value();
  }
  // False when the capture cannot be opened.
  bool run(const std::filesystem::path& file) {
    auto opened = capture::CaptureFile::open(file.string());
    if (!opened) return false;
    inspect::KeyLogCounters log;
    inspect::KeyLogParser parser(keys, log);
    (*opened)->set_secrets_sink([&](ByteSpan text) {
      parser.feed(text, Timestamp{1});
      parser.finish(Timestamp{1});
    });
    capture::PacketDecoder decoder;
    RawPacket raw;
    DecodedPacket packet;
    std::map<FlowKey, std::pair<bool, ClearFlow*>, FlowKeyLess> tcp;
    while ((*opened)->next(raw) == capture::CaptureFile::Next::kPacket) {
      if (decoder.decode(raw, packet) != capture::DecodeOutcome::kDecoded ||
          packet.protocol != static_cast<uint8_t>(IpProtocol::kTcp)) {
        continue;
      }
      bool swapped = false;
      const FlowKey key = FlowKey::make(packet.source, packet.destination, packet.protocol,
                                        packet.encapsulation, &swapped);
      auto& [first, flow] = tcp[key];
      const bool again =
          flow != nullptr && packet.flags.syn && !packet.flags.ack && flow->stream.closed();
      if (flow == nullptr || again) {
        first = swapped;
        flows.push_back(std::make_unique<ClearFlow>(pool, services));
        flow = flows.back().get();
      }
      (void)flow->tls.poll_keys(packet.time);
      flow->stream.on_segment(swapped == first ? Direction::kToServer : Direction::kToClient,
                              packet, *flow);
    }
    for (auto& flow : flows) {
      flow->stream.finish(inspect::EndReason::kTimeout, *flow);
      flow->tls.finish(inspect::EndReason::kTimeout);
    }
    return true;
  }
  [[nodiscard]] std::string all(Direction d) const {
    std::string out;
    for (const auto& flow : flows) out += flow->clear.text[d];
    return out;
  }

  Limits limits;
  inspect::KeyStore keys;
  inspect::TlsCounters tls_counters;
  inspect::DecryptCounters counters;
  inspect::DecryptServices services{limits, keys, tls_counters, counters};
  inspect::TcpPool pool{limits};
  std::vector<std::unique_ptr<ClearFlow>> flows;
};

}  // namespace weir::test
