// Runs the name parsers over a capture the way the engine does, as far as flows, streams and
// parsers go: no tunnels, no fragments.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "capture/packet_decoder.h"
#include "capture/packet_source.h"
#include "core/flow_key.h"
#include "inspect/identify/dns.h"
#include "inspect/identify/quic_initial.h"
#include "inspect/identify/starttls_decoder.h"
#include "inspect/stream/tcp_stream.h"

namespace weir::inspect {

// kind ("TLS", "QUIC", "DNS") and name.
using Names = std::set<std::pair<std::string, std::string>>;

struct DnsNames final : DnsSink {
  Names* names = nullptr;
  void on_dns(Direction, const DnsMessage& m) noexcept override {
    for (const auto& q : m.questions) names->emplace("DNS", q.name);
  }
};

struct TcpFlow final : TcpSink {
  TcpFlow(const Limits& limits, TcpPool& pool, TlsCounters& tls_counters, DnsCounters& dns_counters,
          Names& out)
      : stream(pool),
        tls(limits, tls_counters),
        starttls(limits, tls_counters),
        dns(dns_counters, sink) {
    sink.names = &out;
  }
  void on_tcp_data(Direction d, ByteSpan data) noexcept override {
    if (tls_open) tls_open = tls.on_data(d, data) == DecodeStatus::kContinue;
    if (starttls_open) starttls_open = starttls.on_data(d, data) == DecodeStatus::kContinue;
    if (dns_open) dns_open = dns.on_data(d, data) == DecodeStatus::kContinue;
  }
  void on_tcp_gap(Direction d, uint64_t bytes) noexcept override {
    if (tls_open) tls_open = tls.on_gap(d, bytes) == DecodeStatus::kContinue;
    if (starttls_open) starttls_open = starttls.on_gap(d, bytes) == DecodeStatus::kContinue;
    if (dns_open) dns_open = dns.on_gap(d, bytes) == DecodeStatus::kContinue;
  }
  void on_tcp_end(Direction d, EndReason reason) noexcept override {
    tls.on_end(d, reason);
    starttls.on_end(d, reason);
    dns.on_end(d, reason);
  }
  DnsNames sink;
  TcpStream stream;
  TlsDecoder tls;
  StarttlsDecoder starttls;
  DnsTcpDecoder dns;
  bool tls_open = true;
  bool starttls_open = true;
  bool dns_open = false;
};

struct UdpFlow {
  UdpFlow(const Limits& limits, QuicCounters& counters) : quic(limits, counters) {}
  QuicInitialDecoder quic;
  bool open = true;
};

struct KeyLess {
  bool operator()(const FlowKey& a, const FlowKey& b) const {
    return std::lexicographical_compare(a.bytes().begin(), a.bytes().end(), b.bytes().begin(),
                                        b.bytes().end());
  }
};

struct FlowSide {
  FlowKey key;
  bool swapped = false;
};

struct Seen {
  Names names;
  std::set<std::string> ja3;
  std::set<std::string> ja4;
  TlsCounters tls;
  QuicCounters quic;
};

inline void add_tls(const TlsInfo& info, const char* kind, Seen& seen) {
  if (!info.sni.empty()) seen.names.emplace(kind, info.sni);
  if (!info.ja4.empty()) seen.ja4.insert(info.ja4);
  if (!info.ja3.empty()) seen.ja3.insert(info.ja3);
  for (const auto& name : info.certificate_names) seen.names.emplace("CERT", name);
}

inline Seen names_in(const std::filesystem::path& file) {
  Seen seen;
  auto opened = capture::CaptureFile::open(file.string());
  if (!opened) return seen;
  const Limits limits;
  DnsCounters dns_counters;
  TcpPool pool(limits);
  // The direction of a flow is that of its first packet.
  std::map<FlowKey, std::pair<bool, std::unique_ptr<TcpFlow>>, KeyLess> tcp;
  std::map<FlowKey, std::pair<bool, std::unique_ptr<UdpFlow>>, KeyLess> udp;
  const auto finish_tcp = [&](TcpFlow& flow) {
    flow.stream.finish(EndReason::kTimeout, flow);
    add_tls(flow.tls.info(), "TLS", seen);
    add_tls(flow.starttls.info(), "TLS", seen);
  };
  const auto finish_udp = [&](UdpFlow& flow) {
    flow.quic.on_end();
    add_tls(flow.quic.info(), "QUIC", seen);
  };
  capture::PacketDecoder decoder;
  RawPacket raw;
  DecodedPacket packet;
  while (opened.value()->next(raw) == capture::CaptureFile::Next::kPacket) {
    if (decoder.decode(raw, packet) != capture::DecodeOutcome::kDecoded) continue;
    bool swapped = false;
    const FlowKey key = FlowKey::make(packet.source, packet.destination, packet.protocol,
                                      packet.encapsulation, &swapped);
    const auto way = [swapped](bool first) {
      return swapped == first ? Direction::kToServer : Direction::kToClient;
    };
    if (packet.protocol == static_cast<uint8_t>(IpProtocol::kTcp)) {
      auto& [first, flow] = tcp[key];
      if (flow && packet.flags.syn && !packet.flags.ack && flow->stream.closed()) {
        finish_tcp(*flow);
        flow.reset();
      }
      if (!flow) {
        first = swapped;
        flow = std::make_unique<TcpFlow>(limits, pool, seen.tls, dns_counters, seen.names);
        flow->dns_open = packet.source.port == 53 || packet.destination.port == 53;
      }
      flow->stream.on_segment(way(first), packet, *flow);
    } else if (packet.protocol == static_cast<uint8_t>(IpProtocol::kUdp)) {
      auto& [first, flow] = udp[key];
      if (!flow) {
        first = swapped;
        flow = std::make_unique<UdpFlow>(limits, seen.quic);
      }
      if (flow->open) {
        flow->open = flow->quic.on_datagram(way(first), packet.payload) == DecodeStatus::kContinue;
      }
      DnsMessage message;
      if (probe_dns(packet.payload) != ProbeAnswer::kNo && parse_dns(packet.payload, message)) {
        for (const auto& q : message.questions) seen.names.emplace("DNS", q.name);
      }
    }
  }
  for (auto& [key, flow] : tcp) finish_tcp(*flow.second);
  for (auto& [key, flow] : udp) finish_udp(*flow.second);
  return seen;
}

}  // namespace weir::inspect
